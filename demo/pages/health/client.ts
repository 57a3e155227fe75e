// Health page: the status with word and shape, its reasons, its end, the way back, declarations, appeals, and the code.
import { systemRandom } from '#ctid/base'
import type { Evidence } from '#ctid/health'
import { STEP_SECONDS } from '#ctid/qr'
import { createWallet, type Showing } from '#ctid/wallet'
import { type Camera, openCamera, readPicture } from '../../ui/camera.ts'
import { type Countdown, countdown } from '../../ui/countdown.ts'
import { get } from '../../ui/database.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import { qrPicture } from '../../ui/qr-picture.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { deviceKeys, walletStorage } from '../../ui/wallet-home.ts'
import type { Profile } from '../citizen/desk.ts'
import { type Answer, deriveHere, healthAuthority } from './authority.ts'
import { certificateReader, isUnreadable, proveName, type Reading } from './certificates.ts'
import { healthWords } from './words.ts'

const { t, language, onLanguage } = startShell(healthWords)
const clock = () => Math.floor(Date.now() / 1000)
const wallet = createWallet({ storage: walletStorage, keys: deviceKeys, random: systemRandom, clock })
const profile = await get<Profile>('wallet', 'profile')
const isPerson = profile !== undefined && profile.document['documentType'] !== 'uscc'
const authority = healthAuthority(profile?.healthKey ?? '')

let answer: Answer | undefined
let differences: readonly string[] = []
let held: readonly Evidence[] = []
let showing: Showing | undefined
let ring: Countdown | undefined
let step = 0
let contested = ''
let camera: Camera | undefined
let reading: Reading | undefined
let reader = certificateReader()
let said: readonly [key: string, values?: Readonly<Record<string, string | number>>] = ['']

const date = (seconds: number) =>
  new Date(seconds * 1000).toLocaleString(document.documentElement.lang, {
    dateStyle: 'medium',
    timeStyle: 'short',
  })

function notice(message: string, tone: 'info' | 'bad' = 'info'): void {
  const symbol = tone === 'info' ? 'check' : 'alert'
  fill(
    byId('notice'),
    message === '' ? null : h('p', { class: `note ${tone}` }, icon(symbol), h('span', {}, message)),
  )
}

/** Runs a step with the authority, shows what it refuses, and asks for the status anew. */
async function attempt(work: () => Promise<unknown>, done: string): Promise<void> {
  try {
    await work()
    notice(done)
    await refresh()
  } catch (error) {
    notice(isNoAnswer(error) ? t('network') : t('failed', { reason: reasonOf(error, language()) }), 'bad')
  }
}

async function refresh(): Promise<void> {
  answer = await authority.query()
  const here = await deriveHere(answer)
  differences = here.differences
  held = here.evidence
  render()
}

// ---- the status

function renderStatus({ status }: Answer): void {
  const subject = held[0]?.subject
  const agrees = differences.length === 0
  fill(
    byId('status'),
    h(
      'div',
      { class: 'sign', 'data-colour': status.colour },
      icon(`sign-${status.colour}`),
      h('strong', {}, t(`colour.${status.colour}`)),
      h('span', {}, t('status.until', { date: date(status.until) })),
    ),
    h(
      'p',
      {},
      h(
        'span',
        { class: `badge ${agrees ? 'ok' : 'bad'}`, 'data-agrees': String(agrees), id: 'agrees' },
        icon(agrees ? 'check' : 'cross'),
        agrees ? t('status.agrees') : t('status.differs', { what: differences.join(', ') }),
      ),
    ),
    subject === undefined
      ? null
      : h('p', { class: 'small quiet detail' }, t('status.subject', { subject: `${subject.slice(0, 12)}…` })),
    h(
      'p',
      { class: 'small quiet detail' },
      t('status.region', { region: status.region, hash: `${status.ruleSetHash.slice(0, 12)}…` }),
    ),
  )
}

function renderCodeArea(): void {
  const area = byId('code-area')
  const button = (id: string, symbol: string, text: string, onclick: () => void, look = 'primary') =>
    h('button', { type: 'button', id, class: `button wide ${look}`, onclick }, icon(symbol), text)
  if (!showing) {
    fill(
      area,
      differences.length === 0 ? button('show-health', 'qr', t('status.show'), () => void show()) : null,
      button('paper-health', 'print', t('status.paper'), () => void showPaper(), ''),
      h(
        'p',
        {},
        button('refresh-health', 'refresh', t('status.refresh'), () => void attempt(async () => {}, ''), ''),
      ),
    )
    return
  }
  ring = countdown(t('status.left'))
  fill(
    area,
    h('div', { class: 'code-frame', id: 'code' }),
    h('div', { class: 'code-line' }, ring.element, h('span', {}, t('status.showing'))),
    button('hide-health', 'check', t('status.done'), () => {
      showing = undefined
      renderCodeArea()
    }),
  )
  step = 0
  void tick()
}

async function show(): Promise<void> {
  await attempt(async () => {
    await authority.fetchCopies(wallet)
    showing = await wallet.show({ kind: 'health', verifier: '' })
  }, '')
}

const paper = byId<HTMLDialogElement>('paper')
async function showPaper(): Promise<void> {
  await attempt(async () => {
    const text = await authority.fetchPaper()
    const frame = byId('paper-code')
    frame.setAttribute('data-text', text)
    fill(frame, qrPicture(text, t('status.codeAlt')))
    paper.showModal()
  }, '')
}
byId('paper-close').addEventListener('click', () => paper.close())
byId('paper-print').addEventListener('click', () => window.print())

async function tick(): Promise<void> {
  const frame = document.getElementById('code')
  if (!showing || !frame) return
  const { text, secondsLeft } = await showing.current()
  ring?.show(secondsLeft, STEP_SECONDS)
  const now = Math.floor(clock() / STEP_SECONDS)
  if (now === step) return
  step = now
  frame.setAttribute('data-text', text)
  fill(frame, qrPicture(text, t('status.codeAlt')))
}

// ---- reasons, way back, appeals

function renderWhy({ status }: Answer): void {
  const reasons = status.reasons.map(({ rule, text, basis, evidence, from, until, colour }) =>
    h(
      'div',
      { class: 'reason', 'data-rule': rule },
      h(
        'h3',
        {},
        h('span', { class: `badge ${TONE[colour]}` }, icon(`sign-${colour}`), rule),
        text[language()],
      ),
      h('p', { class: 'small quiet' }, t('why.times', { from: date(from), until: date(until) })),
      ...evidence.map(({ class: name, source, commitment }) =>
        h(
          'p',
          { class: 'row' },
          h('span', { class: 'small' }, t('why.from', { what: t(`class.${name}`), source })),
          colour === 'green'
            ? null
            : h(
                'button',
                {
                  type: 'button',
                  class: 'button slim',
                  'data-contest': commitment,
                  onclick: () => openContest(commitment),
                },
                icon('scales'),
                t('why.contest'),
              ),
        ),
      ),
      h('p', { class: 'small quiet detail' }, basis),
    ),
  )
  const gaps = status.gaps.map(({ rule, text }) =>
    h(
      'div',
      { class: 'reason' },
      h('h3', {}, h('span', { class: 'badge' }, icon('dash'), t('why.missing')), rule),
      h('p', {}, text[language()]),
    ),
  )
  fill(
    byId('why'),
    ...(reasons.length + gaps.length === 0 ? [h('p', {}, t('why.none'))] : [...reasons, ...gaps]),
  )
}

const TONE = { green: 'ok', yellow: 'warn', red: 'bad' } as const

function renderBack({ status: { colour, wayBack } }: Answer): void {
  if (colour === 'green') {
    fill(byId('back'), h('p', {}, t('back.green')))
    return
  }
  const { greenAt, needs } = wayBack
  const steps = needs.map((need) => h('li', {}, t(`need.${need}`)))
  fill(
    byId('back'),
    h('p', {}, greenAt === null ? t('back.open') : t('back.when', { date: date(greenAt) })),
    steps.length > 0 ? h('ul', {}, ...steps) : h('p', {}, t('back.nothing')),
  )
}

function renderAppeals({ appeals }: Answer): void {
  fill(
    byId('appeals'),
    ...(appeals.length === 0 ? [h('p', { class: 'quiet' }, t('appeals.none'))] : []),
    ...appeals.map(({ state, statement, decideBy }) =>
      h(
        'div',
        { class: 'reason', 'data-appeal': state },
        h(
          'p',
          {},
          h(
            'span',
            { class: `badge ${state === 'open' ? 'info' : state === 'dismissed' ? 'bad' : 'ok'}` },
            icon('scales'),
            t(`appeal.${state}`),
          ),
        ),
        h('p', {}, statement),
        state === 'open'
          ? h('p', { class: 'small quiet' }, t('appeals.due', { date: date(decideBy) }))
          : null,
      ),
    ),
  )
}

// ---- certificates and the evidence that this wallet holds

function say(...next: typeof said): void {
  said = next
  renderCertificate()
}

function renderCertificate(): void {
  const [key, values] = said
  byId('certificate-status').textContent = key === '' ? '' : t(key, values)
  byId('finder').hidden = camera === undefined
  const toggle = t(camera ? 'certificates.stop' : 'certificates.scan')
  fill(byId('certificate-scan'), icon('camera'), toggle)
  if (!reading) {
    fill(byId('certificate'))
    return
  }
  const { issuer, findings, expiresAt, codes } = reading
  fill(
    byId('certificate'),
    h(
      'div',
      { class: 'reason', 'data-findings': findings.length },
      ...(findings.length === 0
        ? [h('p', {}, t('certificates.nothing'))]
        : findings.map((one) => h('p', {}, h('strong', {}, wordsOf(one)), ` ${date(one.at)}`))),
      h(
        'p',
        { class: 'small quiet' },
        t('certificates.from', { issuer, date: expiresAt === undefined ? '—' : date(expiresAt) }),
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'button primary',
          id: 'certificate-hand',
          onclick: () => void handIn(codes),
        },
        icon('check'),
        t('certificates.hand'),
      ),
    ),
  )
}

const wordsOf = ({ class: name, data }: { readonly class: string; readonly data: object }) => {
  const values = Object.values(data).flatMap((value) =>
    typeof value === 'string' && `value.${value}` in healthWords ? [t(`value.${value}`)] : [],
  )
  return [t(`class.${name}`), ...values].join(', ')
}

const handIn = once((codes: readonly string[]) =>
  attempt(async () => {
    await authority.importCertificate(codes, await proveName(wallet, codes))
    reading = undefined
    say('')
  }, t('certificates.done')),
)

async function take(text: string): Promise<void> {
  try {
    const read = await reader.take(text)
    if (typeof read === 'number') {
      say('certificates.missing', { n: read })
      return
    }
    reading = read
    stopCamera()
    say('')
  } catch (error) {
    if (!isUnreadable(error)) throw error
    reading = undefined
    say('certificates.unreadable')
  }
}

// One frame at a time: a second one, read late, would bring back what was handed in meanwhile.
let isTaking = false
async function takeFrame(text: string): Promise<void> {
  if (isTaking || reading) return
  isTaking = true
  await take(text).finally(() => {
    isTaking = false
  })
}

function stopCamera(): void {
  camera?.stop()
  camera = undefined
}

byId('certificate-scan').addEventListener('click', async () => {
  if (camera) {
    stopCamera()
    say('')
    return
  }
  reading = undefined
  reader = certificateReader()
  byId('finder').hidden = false
  try {
    camera = await openCamera(byId<HTMLVideoElement>('video'), (text) => {
      void takeFrame(text)
    })
    say('certificates.looking')
  } catch {
    say('certificates.noCamera')
  }
})
byId<HTMLInputElement>('certificate-file').addEventListener('change', async (event) => {
  const input = event.target as HTMLInputElement
  reader = certificateReader()
  for (const file of input.files ?? []) {
    const { text } = await readPicture(file)
    if (text === undefined) say('certificates.noCode')
    else await take(text)
  }
  input.value = ''
})
byId('certificate-form').addEventListener('submit', async (event) => {
  event.preventDefault()
  reader = certificateReader()
  for (const line of byId<HTMLTextAreaElement>('certificate-code').value.split('\n'))
    if (line.trim() !== '') await take(line.replace(/\r$/, ''))
})

function renderEvidence(held: readonly Evidence[]): void {
  fill(
    byId('evidence'),
    ...(held.length === 0 ? [h('p', { class: 'quiet' }, t('evidence.none'))] : []),
    ...held.map((one) =>
      h(
        'p',
        { class: 'small', 'data-evidence': one.class },
        t('evidence.line', { what: wordsOf(one), source: one.source, date: date(one.at) }),
      ),
    ),
  )
}

const dialog = byId<HTMLDialogElement>('contest')
function openContest(commitment: string): void {
  contested = commitment
  byId<HTMLTextAreaElement>('statement').value = ''
  dialog.showModal()
}
byId('contest-close').addEventListener('click', () => dialog.close())
byId('contest-form').addEventListener('submit', (event) => {
  event.preventDefault()
  dialog.close()
  const statement = byId<HTMLTextAreaElement>('statement').value
  void attempt(() => authority.contest(contested, statement), t('contest.sent'))
})
byId('declare-well').addEventListener(
  'click',
  () => void attempt(() => authority.declare(false), t('declare.done')),
)
byId('declare-ill').addEventListener(
  'click',
  () => void attempt(() => authority.declare(true), t('declare.done')),
)

function render(): void {
  byId('no-wallet').hidden = isPerson
  byId('health').hidden = !isPerson
  if (!answer) return
  renderStatus(answer)
  renderCodeArea()
  renderWhy(answer)
  renderBack(answer)
  renderAppeals(answer)
  renderCertificate()
  renderEvidence(held)
}

onLanguage(render)
setInterval(() => void tick(), 500)
render()
if (isPerson) await attempt(async () => {}, '')
document.documentElement.dataset['ready'] = 'true'
