// Showing: the dynamic code with its ring, the online code, the paper form. One showing spends one copy.
import { isCtidError } from '#ctid/base'
import { type Kind, parseCode, STEP_SECONDS } from '#ctid/qr'
import type { Showing, Wallet } from '#ctid/wallet'
import type { Challenge } from '../../ui/challenge.ts'
import { type Countdown, countdown } from '../../ui/countdown.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import { qrPicture } from '../../ui/qr-picture.ts'
import { reasonOf } from '../../ui/refusal.ts'
import { relay } from '../../ui/relay.ts'
import type { Shell } from '../../ui/shell.ts'
import { BATCH, fetchCopies, fetchPaper } from './desk.ts'

type Online = {
  readonly shown: Showing
  readonly step: number
  readonly until: number
  readonly text: string
}

/** How long an online code goes on being renewed. */
const ONLINE_LIFE_MS = 180_000
const stepNow = () => Math.floor(Date.now() / 1000 / STEP_SECONDS)

export type ShowDeps = {
  readonly shell: Shell
  readonly wallet: Wallet
  readonly kind: () => Kind
  /** The state in words when verifiers would refuse. */
  readonly blocked: () => string | undefined
  readonly date: (seconds: number) => string
  readonly onShowing: (showing: Showing | undefined) => void
  readonly onError: (error: unknown) => void
}

export type Show = {
  readonly render: () => void
  readonly stop: () => void
  /** Shows a code that answers a verifier's challenge. */
  readonly answer: (challenge: Challenge) => Promise<void>
  readonly onChallenge: (open: () => void) => void
}

export function showPanels(deps: ShowDeps): Show {
  const { wallet, kind, onError } = deps
  const { t, language } = deps.shell
  let showing: Showing | undefined
  let audience = ''
  let code = ''
  let online: Online | undefined
  let paper: string | undefined
  let ring: Countdown | undefined
  let onlineRing: Countdown | undefined
  let openChallenge = () => {}
  let copying: 'no' | 'done' | 'refused' = 'no'

  const button = (id: string, symbol: string, text: string, onclick: () => void, look = '') =>
    h('button', { type: 'button', id, class: `button wide ${look}`, onclick }, icon(symbol), text)

  type Showable = { verifier: string; challenge?: Uint8Array; bindToVerifier?: boolean }
  // Each showing spends a copy, so a double click must not spend two.
  const begin = once(async (options: Showable) => {
    // The code of the copy before goes at once: whoever asked for a fresh one must not have the old one scanned.
    showing = undefined
    byId('panel-dynamic').querySelector('#code')?.replaceChildren()
    try {
      showing = await wallet.show({ kind: kind(), ...options })
    } catch (error) {
      if (!isCtidError(error)) throw error
      showing = undefined
    }
    audience = options.bindToVerifier ? options.verifier : ''
    code = ''
    copying = 'no'
    if (showing) await tick()
    else await renderDynamic()
    deps.onShowing(showing)
  })

  function done(): void {
    showing = undefined
    code = ''
    void renderDynamic().then(() => document.getElementById('show-start')?.focus())
    deps.onShowing(undefined)
  }

  // Nothing of one person's wallet may stay on screen when another's comes, or none.
  function stop(): void {
    showing = undefined
    code = ''
    online = undefined
    paper = undefined
    deps.onShowing(undefined)
  }

  const refill = once(async () => {
    try {
      await fetchCopies(wallet)
    } catch (error) {
      onError(error)
    }
    render()
    deps.onShowing(showing)
  })

  // ---- dynamic

  async function renderDynamic(): Promise<void> {
    const panel = byId('panel-dynamic')
    const unused = (await wallet.stock()).find((one) => one.kind === kind())?.unused ?? 0
    const blocked = deps.blocked()
    const warning =
      blocked === undefined
        ? null
        : h('p', { class: 'note bad' }, icon('alert'), h('span', {}, t('show.blocked', { state: blocked })))
    if (!showing) {
      fill(
        panel,
        warning,
        h('p', { class: 'quiet' }, t(unused > 0 ? 'show.hidden' : 'show.noCopies')),
        unused > 0
          ? button('show-start', 'qr', t('show.start'), () => void begin({ verifier: '' }), 'primary')
          : null,
        unused > 0 ? button('challenge-open', 'scan', t('show.challenge'), () => openChallenge()) : null,
        meter(unused),
        unused <= 3 ? button('refill', 'refresh', t('show.refill'), () => void refill()) : null,
      )
      return
    }
    ring = countdown(t('show.left'))
    fill(
      panel,
      warning,
      h('div', { class: 'code-frame', id: 'code' }),
      h('div', { class: 'code-line' }, ring.element, h('p', {}, t('show.dynamicText'))),
      audience === ''
        ? null
        : h(
            'p',
            {},
            h('span', { class: 'badge info' }, icon('lock'), t('show.answering', { name: audience })),
          ),
      button('show-stop', 'check', t('show.stop'), done, 'primary'),
      h(
        'div',
        { class: 'detail' },
        button('show-another', 'refresh', t('show.another'), () => void begin({ verifier: '' })),
        button(
          'copy-text',
          'paste',
          t(copying === 'done' ? 'show.copied' : 'show.copyText'),
          () => void copyText(),
        ),
        copying === 'refused'
          ? h(
              'div',
              { role: 'status' },
              h('p', { class: 'small' }, t('show.notCopied')),
              h('code', { class: 'bytes' }, code),
            )
          : null,
      ),
      meter(unused),
    )
    drawCode()
    const { secondsLeft } = await showing.current()
    ring.show(secondsLeft, 30)
  }

  function meter(unused: number): HTMLElement {
    const cells = Array.from({ length: Math.max(BATCH, unused) }, (_, at) =>
      h('i', { class: at < unused ? '' : 'spent' }),
    )
    return h(
      'div',
      { class: 'copies' },
      h('div', { class: 'meter detail', 'aria-hidden': 'true' }, ...cells),
      h('p', { class: 'small quiet' }, t('show.copies', { left: unused, all: Math.max(BATCH, unused) })),
    )
  }

  function drawCode(): void {
    const frame = document.getElementById('code')
    if (!frame || code === '') return
    frame.setAttribute('data-text', code)
    fill(frame, qrPicture(code, t('show.codeAlt')))
  }

  async function copyText(): Promise<void> {
    copying = await navigator.clipboard.writeText(code).then(
      () => 'done' as const,
      () => 'refused' as const,
    )
    await renderDynamic()
    byId('copy-text').focus()
    copying = 'no'
  }

  async function tick(): Promise<void> {
    const asked = showing
    if (asked) {
      const now = await asked.current().catch(() => undefined)
      // Another copy may be shown by now, or none.
      if (asked !== showing) return
      if (!now) return done()
      const isNew = stepOf(now.text) !== stepOf(code)
      if (isNew) code = now.text
      if (!document.getElementById('code')) await renderDynamic()
      else if (isNew) drawCode()
      ring?.show(now.secondsLeft, 30)
    }
    if (online && onlineRing) {
      const left = STEP_SECONDS - ((Date.now() / 1000) % STEP_SECONDS)
      onlineRing.show(left, STEP_SECONDS)
      if (stepNow() !== online.step) await renewOnline()
    }
  }

  // ---- online

  function renderOnline(message = ''): void {
    const panel = byId('panel-online')
    if (!online) {
      fill(
        panel,
        h('p', { class: 'quiet' }, t('show.onlineText')),
        message === '' ? null : h('p', { role: 'status' }, message),
        button('online-start', 'globe', t('show.onlineStart'), () => void makeOnline(), 'primary'),
      )
      return
    }
    onlineRing = countdown(t('show.onlineLeft'))
    onlineRing.show(STEP_SECONDS - ((Date.now() / 1000) % STEP_SECONDS), STEP_SECONDS)
    fill(
      panel,
      h(
        'div',
        { class: 'code-frame small', id: 'online-code', 'data-text': online.text },
        qrPicture(online.text, t('show.codeAlt')),
      ),
      h('div', { class: 'code-line' }, onlineRing.element, h('p', {}, t('show.onlineText'))),
      button('online-again', 'refresh', t('show.onlineStart'), () => void makeOnline()),
    )
  }

  const makeOnline = once(async () => {
    try {
      const shown = await wallet.show({ kind: kind(), verifier: '' })
      online = { shown, step: stepNow(), until: Date.now() + ONLINE_LIFE_MS, text: await shown.online(relay) }
      deps.onShowing(showing)
    } catch (error) {
      online = undefined
      return renderOnline(reasonOf(error, language()))
    }
    renderOnline()
  })

  // What waits at the relay is a code of one half minute: the next one is left there in time, for the same showing.
  async function renewOnline(): Promise<void> {
    if (!online) return
    const { shown, until } = online
    online = { ...online, step: stepNow() }
    const isOver = Date.now() > until || byId('panel-online').hidden
    const text = isOver ? undefined : await shown.online(relay).catch(() => undefined)
    online = text === undefined ? undefined : { ...online, text }
    renderOnline(text === undefined ? t('show.onlineOver') : '')
  }

  // ---- paper

  async function renderPaper(): Promise<void> {
    const panel = byId('panel-paper')
    const sheet = byId('print-sheet')
    if (paper === undefined) {
      fill(sheet)
      fill(
        panel,
        h('p', { class: 'quiet' }, t('show.paperText')),
        button('paper-start', 'print', t('show.paperStart'), () => void makePaper(), 'primary'),
      )
      return
    }
    const parsed = parseCode(paper)
    const until = parsed.form === 'paper' ? deps.date(parsed.attestation.expiresAt) : ''
    const form = () => [
      h('p', {}, h('span', { class: 'badge warn' }, icon('alert'), t('paper.low'))),
      h('p', {}, t('paper.until', { date: until })),
    ]
    fill(
      panel,
      h(
        'div',
        { class: 'code-frame low', id: 'paper-code', 'data-text': paper },
        qrPicture(paper, t('show.codeAlt')),
      ),
      ...form(),
      button('print', 'print', t('show.print'), () => window.print(), 'primary'),
    )
    fill(
      sheet,
      h('h2', {}, t('paper.title')),
      qrPicture(paper, t('show.codeAlt')),
      ...form(),
      h('p', {}, t('paper.how')),
    )
  }

  const makePaper = once(async () => {
    try {
      await fetchPaper(wallet)
      paper = await wallet.paper('')
      deps.onShowing(showing)
    } catch (error) {
      onError(error)
    }
    await renderPaper()
  })

  function render(): void {
    void renderDynamic()
    renderOnline()
    void renderPaper()
  }

  setInterval(() => void tick(), 500)
  return {
    render,
    stop,
    answer: ({ bytes, audience: verifier }) => begin({ verifier, challenge: bytes, bindToVerifier: true }),
    onChallenge: (open) => {
      openChallenge = open
    },
  }
}

// Two signatures over the same half minute differ: the picture changes only when the half minute does.
function stepOf(code: string): string {
  if (code === '') return ''
  const parsed = parseCode(code)
  if (parsed.form !== 'dynamic') return ''
  return `${parsed.step} ${parsed.attestation.handle.join()} ${parsed.challenge?.join() ?? ''}`
}
