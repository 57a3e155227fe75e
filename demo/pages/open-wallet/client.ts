// Open wallet: one issuer, one wallet and one verifier that speak OpenID4VCI and OpenID4VP, each usable with others' parties.
import { isCtidError } from '#ctid/base'
import type { PresentQuestion } from '#ctid/openid'
import { ApiError, call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { linkPicture } from '../../ui/qr-picture.ts'
import { startShell } from '../../ui/shell.ts'
import { box, present, receive } from './box.ts'
import { openWalletWords } from './words.ts'

type Offer = {
  readonly credential_offer: string
  readonly credential_offer_uri: string
  readonly tx_code?: string
}
type Started = { readonly id: string; readonly authorization_request: string; readonly request?: string }
type Result = {
  readonly state: 'pending' | 'accepted' | 'refused' | 'declined'
  readonly message?: string
  readonly presentations?: readonly {
    readonly claims: Readonly<Record<string, unknown>>
    readonly checks: readonly { readonly result: string }[]
  }[]
}
type DigitalCredential = { readonly data: string | Readonly<Record<string, unknown>> }

const { t, onLanguage } = startShell(openWalletWords)
const HIDDEN = ['iss', 'iat', 'exp', 'nbf', 'cnf', 'vct', 'status', 'aka_vcts']
const WAIT_MS = 1500
const WAITS = 120
/** Grows with each question, so that an older one stops waiting. */
let asked = 0

function notice(message: string, tone: 'info' | 'bad' = 'info'): void {
  const symbol = tone === 'info' ? 'check' : 'alert'
  fill(byId('notice'), h('p', { class: `note ${tone}` }, icon(symbol), h('span', {}, message)))
}

async function attempt(work: () => Promise<void>): Promise<void> {
  fill(byId('notice'))
  try {
    await work()
  } catch (error) {
    const isOurs = isCtidError(error) || error instanceof ApiError || error instanceof DOMException
    if (!isOurs) throw error
    notice(t('failed', { reason: error.message }), 'bad')
  }
}

// ---- issuer

byId('offer-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void attempt(async () => {
    const credential = byId<HTMLSelectElement>('offered').value
    const withCode = byId<HTMLInputElement>('with-code').checked
    const offer = await call<Offer>('/open/offers', { credential, tx_code: withCode })
    const take = () => {
      byId<HTMLInputElement>('link').value = offer.credential_offer_uri
      byId<HTMLInputElement>('code').value = offer.tx_code ?? ''
      void attempt(() => follow(offer.credential_offer_uri))
    }
    fill(
      byId('offer'),
      shownCode(offer.credential_offer_uri),
      offer.tx_code === undefined
        ? null
        : h('p', { class: 'small' }, t('issuer.code', { code: offer.tx_code })),
      h('button', { class: 'button wide', type: 'button', id: 'take', onclick: take }, t('issuer.take')),
    )
  })
})

function shownCode(link: string): HTMLElement {
  return h(
    'div',
    { class: 'shown-code' },
    linkPicture(link, t('qr.label')),
    h('p', { class: 'small quiet link-text' }, link),
  )
}

// ---- wallet

byId('link-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void attempt(() => follow(byId<HTMLInputElement>('link').value.trim()))
})

async function follow(link: string): Promise<void> {
  if (/^[a-z-]+:\/\/[^?]*\?(.*&)?credential_offer(_uri)?=/.test(link)) {
    const count = await receive(link, byId<HTMLInputElement>('code').value.trim())
    notice(t('wallet.received', { count }))
    await renderHeld()
  } else if (/^[a-z0-9-]+:\/\/[^?]*\?(.*&)?client_id=/.test(link)) {
    await answer(link)
  } else {
    notice(t('failed.link'), 'bad')
  }
}

async function answer(link: string): Promise<string | undefined> {
  try {
    const { shown, redirectUri } = await present(link, consent)
    notice(t(shown ? 'wallet.sent' : 'wallet.declined'))
    return redirectUri
  } finally {
    await renderHeld()
  }
}

// Nothing leaves without a yes.
function consent({ verifier, isHeld, items }: PresentQuestion): Promise<boolean> {
  const place = byId('consent')
  return new Promise((resolve) => {
    const decide = (isAgreed: boolean) => () => {
      place.hidden = true
      fill(place)
      resolve(isAgreed)
    }
    const paths = items.flatMap(({ claims }) =>
      claims.map((path) => path.map((step) => step ?? '*').join('.')),
    )
    fill(
      place,
      h('h3', { id: 'consent-title' }, t('consent.title')),
      h('p', { class: 'small' }, t('consent.who', { who: verifier })),
      h('p', { class: 'small' }, t(isHeld ? 'consent.what' : 'consent.notHeld')),
      isHeld &&
        h(
          'ul',
          {},
          ...(paths.length === 0 ? [t('consent.nothing')] : paths).map((path) => h('li', {}, path)),
        ),
      h(
        'div',
        { class: 'row' },
        h(
          'button',
          { class: 'button primary', type: 'button', onclick: decide(true) },
          t(isHeld ? 'consent.yes' : 'consent.goOn'),
        ),
        h('button', { class: 'button', type: 'button', onclick: decide(false) }, t('consent.no')),
      ),
    )
    place.hidden = false
    place.focus()
  })
}

async function renderHeld(): Promise<void> {
  const held = await box.list()
  const name = (vct: string) => t(vct.includes('organisation') ? 'vct.organisation-file' : 'vct.ctid-file')
  fill(
    byId('held'),
    ...(held.length === 0 ? [h('li', { class: 'quiet' }, t('wallet.none'))] : []),
    ...held.map(({ vct, spent }) =>
      h(
        'li',
        {},
        h('span', {}, name(vct)),
        h('span', { class: spent ? 'badge' : 'badge ok' }, t(spent ? 'wallet.spent' : 'wallet.fresh')),
        spent ? h('span', { class: 'small quiet' }, spent.verifier) : null,
      ),
    ),
  )
}

// ---- verifier

async function start(more: Readonly<Record<string, string | readonly string[]>>): Promise<Started> {
  asked++
  const preset = byId<HTMLSelectElement>('question').value
  return call<Started>('/openid4vp/requests', { preset, ...more })
}

byId('ask-here').addEventListener('click', () => {
  void attempt(async () => {
    const started = await start({ flow: 'same_device' })
    const mine = asked
    fill(byId('asked'), h('p', {}, t('verifier.waiting')))
    let code = ''
    try {
      const redirectUri = await answer(started.authorization_request)
      code = new URL(redirectUri ?? location.href).searchParams.get('response_code') ?? ''
    } finally {
      await settle(started.id, mine, code)
    }
  })
})

byId('ask-qr').addEventListener('click', () => {
  void attempt(async () => {
    const started = await start({ flow: 'cross_device' })
    const mine = asked
    fill(byId('asked'), shownCode(started.authorization_request), h('p', {}, t('verifier.waiting')))
    for (let i = 0; i < WAITS && mine === asked; i++) {
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
      if (await settle(started.id, mine, '')) return
    }
  })
})

byId('ask-browser').addEventListener('click', () => {
  void attempt(async () => {
    const started = await start({ response_mode: 'dc_api.jwt', expected_origins: [location.origin] })
    const mine = asked
    const requests = [{ protocol: 'openid4vp-v1-signed', data: { request: started.request } }]
    const options = { digital: { requests } } as CredentialRequestOptions
    const credential = (await navigator.credentials.get(options)) as DigitalCredential | null
    const data: unknown =
      typeof credential?.data === 'string' ? JSON.parse(credential.data) : credential?.data
    await call(`/openid4vp/responses/${started.id}`, data as Record<string, string>)
    await settle(started.id, mine, '')
  })
})

// Whether there is a result; it comes to the browser that asked, by its cookie.
async function settle(id: string, mine: number, code: string): Promise<boolean> {
  let result: Result
  try {
    const query = code === '' ? '' : `?${new URLSearchParams({ response_code: code })}`
    result = await call<Result>(`/openid4vp/requests/${id}/result${query}`)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (mine === asked) fill(byId('asked'), h('p', {}, t('verifier.gone')))
    return true
  }
  if (mine !== asked || result.state === 'pending') return mine !== asked
  renderResult(result)
  return true
}

function renderResult({ state, message = '', presentations = [] }: Result): void {
  const isGood = state === 'accepted'
  const passed = presentations.flatMap(({ checks }) => checks.filter(({ result }) => result === 'passed'))
  fill(
    byId('asked'),
    h(
      'p',
      { class: `note ${isGood ? 'info' : 'bad'}`, 'data-state': state },
      icon(isGood ? 'check' : 'cross'),
      h('span', {}, t(`verifier.${state}`, { why: message })),
    ),
    ...presentations.map(({ claims }) =>
      h(
        'dl',
        { class: 'facts' },
        ...Object.entries(claims)
          .filter(([name]) => !HIDDEN.includes(name))
          .map(([name, value]) =>
            h(
              'div',
              {},
              h('dt', {}, name),
              h('dd', {}, typeof value === 'string' ? value : JSON.stringify(value)),
            ),
          ),
      ),
    ),
    isGood ? h('p', { class: 'small quiet' }, t('verifier.checks', { count: passed.length })) : null,
  )
}

const hasBrowserApi = 'DigitalCredential' in globalThis
byId('ask-browser').hidden = !hasBrowserApi
byId('no-browser-api').hidden = hasBrowserApi
onLanguage(() => void renderHeld())
await renderHeld()
document.documentElement.dataset['ready'] = 'true'
