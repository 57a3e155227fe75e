// Verifier page: reads a code by camera, picture or text, verifies it in this browser, and shows every check.
import { systemRandom } from '#ctid/base'
import { codeForm } from '#ctid/qr'
import { newChallenge, type Verdict, verifyCode } from '#ctid/verifier'
import { type Camera, openCamera, readPicture } from '../../ui/camera.ts'
import { writeChallenge } from '../../ui/challenge.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import { qrPicture } from '../../ui/qr-picture.ts'
import { wordsOfCode } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { checkList, verdictBox } from '../../ui/verdict.ts'
import { forgetLists, type Lists, openLists, refreshLists } from './lists.ts'
import { fetchFromRelay } from './online.ts'
import { type Choice, choices } from './policies.ts'
import { countReplays, keptReplayCache } from './replay.ts'
import { verifierWords } from './words.ts'

type Outcome = {
  readonly verdict: Verdict
  readonly milliseconds: number
  readonly network: boolean
  /** A reason outside the verdict: no lists, no network. */
  readonly reason?: string
}

const { t, language, onLanguage } = startShell(verifierWords)
const clock = () => Math.floor(Date.now() / 1000)
const video = byId<HTMLVideoElement>('video')
const policySelect = byId<HTMLSelectElement>('policy')

let lists: Lists | undefined
let camera: Camera | undefined
let busy = false
let status = ''
let challenge = newChallenge(systemRandom)
let outcome: Outcome | undefined
let listsMessage = ''
/** What was fetched is signed by somebody else than the publisher this device has known so far. */
let isRefused = false

const choice = (): Choice => choices.find(({ id }) => id === policySelect.value) ?? (choices[0] as Choice)

// ---- checking

async function check(text: string): Promise<void> {
  if (busy) return
  busy = true
  fill(byId('result'), h('p', { class: 'quiet' }, t('result.working')))
  try {
    outcome = await verify(text.trim())
    // A refused code has not used the challenge up: the citizen's next code may still answer it.
    if (choice().challenge && outcome.verdict.ok) newRound()
  } catch (error) {
    outcome = undefined
    renderResult()
    throw error
  } finally {
    busy = false
  }
  renderResult()
  await renderLists()
  byId('result-title').focus()
  byId('result').scrollIntoView({ block: 'nearest' })
}

async function verify(text: string): Promise<Outcome> {
  const refused = (form: Verdict['form']): Verdict => ({ ok: false, form, checks: [] })
  const started = performance.now()
  if (!lists)
    return { verdict: refused(codeForm(text)), milliseconds: 0, network: false, reason: 'reason.noLists' }
  let code = text
  const network = codeForm(text) === 'online'
  if (network) {
    const fetched = await fetchFromRelay(text)
    if (fetched.code === undefined) {
      return {
        verdict: { ...refused('online'), ...fetched.error },
        milliseconds: 0,
        network,
        ...fetched.reason,
      }
    }
    code = fetched.code
  }
  const { policy, challenge: hasChallenge } = choice()
  const verdict = await verifyCode(code, {
    policy,
    trust: lists.trust,
    status: lists.status,
    replay: keptReplayCache(clock),
    clock,
    ...(hasChallenge ? { expectedChallenge: challenge } : {}),
  })
  return { verdict, milliseconds: performance.now() - started, network }
}

// ---- the result

function renderResult(): void {
  const detail = byId('result-detail')
  if (!outcome) {
    fill(byId('result'), h('div', { class: 'waiting' }, icon('scan'), h('p', {}, t('result.none'))))
    fill(detail)
    return
  }
  const { verdict, reason } = outcome
  const why = verdict.ok
    ? t(verdict.form === 'paper' ? 'result.acceptedPaper' : 'result.acceptedWhy')
    : reason !== undefined
      ? t(reason)
      : wordsOfCode(verdict.code ?? 'ERR_VERIFIER_INCOMPLETE', language())
  fill(byId('result'), verdictBox(verdict.ok, t(verdict.ok ? 'result.accepted' : 'result.refused'), why))
  fill(
    detail,
    h('p', { class: 'after-verdict' }, nextButton()),
    ...(verdict.attested ? knownFacts(verdict.attested) : []),
    ...(verdict.checks.length > 0
      ? [
          h('h3', { class: 'detail' }, t('result.checks')),
          h('p', { class: 'small quiet detail' }, counts(outcome)),
          checkList(verdict.checks, language()),
        ]
      : []),
  )
}

function nextButton(): HTMLElement {
  const next = () => {
    outcome = undefined
    renderResult()
    if (camera) {
      setStatus('scan.looking')
      byId('camera-toggle').focus({ preventScroll: true })
      byId('finder').scrollIntoView({ block: 'center' })
    } else if (!byId('panel-paste').hidden) {
      byId<HTMLTextAreaElement>('paste-text').value = ''
      byId('paste-text').focus()
    } else byId('scan-title').scrollIntoView({ block: 'center' })
  }
  return h(
    'button',
    { type: 'button', class: 'button primary wide', id: 'next', onclick: next },
    icon('scan'),
    t('result.next'),
  )
}

function counts({ verdict, milliseconds, network }: Outcome): string {
  const count = (result: string) => verdict.checks.filter((one) => one.result === result).length
  return t('result.counts', {
    passed: count('passed'),
    failed: count('failed'),
    none: count('not-executed'),
    ms: milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds),
    network: t(network ? 'result.relayUsed' : 'result.noNetwork'),
  })
}

function knownFacts(attested: NonNullable<Verdict['attested']>): HTMLElement[] {
  const fact = (key: string, value: string | Node) => h('div', {}, h('dt', {}, t(key)), h('dd', {}, value))
  const { issuer, kind, assurance, expiresAt, handle, health } = attested
  return [
    h('h3', {}, t('result.known')),
    h(
      'dl',
      { class: 'facts' },
      fact('known.kind', t(`kind.${kind}`)),
      ...(health ? [fact('known.health', t(`outcome.${health.outcome}`))] : []),
      fact('known.assurance', t(`assurance.${assurance}`)),
      fact('known.issuer', issuer.name?.[language()] ?? issuer.id),
      fact('known.until', new Date(expiresAt * 1000).toLocaleDateString(document.documentElement.lang)),
      fact('known.handle', h('code', {}, handle)),
    ),
    h(
      'div',
      { class: 'detail' },
      h('h3', {}, t('result.unknown')),
      h('p', { class: 'quiet' }, t('result.unknownText')),
    ),
  ]
}

// ---- reading

function setStatus(key: string): void {
  status = key
  byId('scan-status').textContent = key === '' ? '' : t(key)
}

function renderCamera(): void {
  const on = camera !== undefined
  fill(byId('camera-toggle'), icon('camera'), t(on ? 'scan.stop' : 'scan.start'))
  byId('finder-idle').hidden = on
}

function stopCamera(): void {
  camera?.stop()
  camera = undefined
  renderCamera()
}

const toggleCamera = once(async () => {
  if (camera) {
    stopCamera()
    setStatus('')
    return
  }
  setStatus('scan.asking')
  try {
    const opened = await openCamera(video, (text) => {
      if (outcome || busy) return
      setStatus('scan.paused')
      void check(text)
    })
    // Asking for leave may take a while; who has gone elsewhere meanwhile wants no camera any more.
    if (byId('panel-camera').hidden) return opened.stop()
    camera = opened
    outcome = undefined
    renderResult()
    setStatus('scan.looking')
  } catch (error) {
    const denied = error instanceof DOMException && error.name === 'NotAllowedError'
    setStatus(denied ? 'scan.denied' : 'scan.noCamera')
  }
  renderCamera()
})
byId('camera-toggle').addEventListener('click', () => void toggleCamera())

byId<HTMLInputElement>('image-file').addEventListener('change', async (event) => {
  const input = event.target as HTMLInputElement
  const file = input.files?.[0]
  if (!file) return
  const picture = await readPicture(file)
  input.value = ''
  setStatus(
    picture.text !== undefined ? '' : picture.problem === 'no-code' ? 'scan.noCode' : 'scan.noPicture',
  )
  if (picture.text !== undefined) await check(picture.text)
})

byId('paste-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void check(byId<HTMLTextAreaElement>('paste-text').value)
})

wireTabs(document.querySelector('.tabs') as HTMLElement, (id) => {
  if (id !== 'tab-camera') stopCamera()
  setStatus('')
})

// ---- policy and challenge

function renderPolicy(): void {
  const chosen = policySelect.value || 'entrance'
  fill(
    policySelect,
    ...choices.map(({ id }) => h('option', { value: id, selected: id === chosen }, t(`policy.${id}`))),
  )
  const { id, policy, challenge: hasChallenge } = choice()
  fill(
    byId('policy-hint'),
    t(`policy.${id}.hint`),
    ' ',
    t('policy.alternative', { text: policy.alternative[language()] }),
  )
  byId('challenge').hidden = !hasChallenge
  if (hasChallenge) renderChallenge()
}

function renderChallenge(): void {
  const text = writeChallenge({ bytes: challenge, audience: choice().policy.name })
  fill(byId('challenge-qr'), qrPicture(text, t('challenge.alt')))
  byId('challenge-text').textContent = text
}

function newRound(): void {
  challenge = newChallenge(systemRandom)
  renderChallenge()
}

policySelect.addEventListener('change', () => {
  challenge = newChallenge(systemRandom)
  // A verdict belongs to the policy that it was reached under.
  outcome = undefined
  renderResult()
  if (camera) setStatus('scan.looking')
  renderPolicy()
})
byId('challenge-new').addEventListener('click', newRound)

// ---- lists and network

function age(since: number): string {
  const seconds = Math.max(0, clock() - since)
  if (seconds < 60) return t('age.seconds', { n: seconds })
  if (seconds < 3600) return t('age.minutes', { n: Math.floor(seconds / 60) })
  if (seconds < 172_800) return t('age.hours', { n: Math.floor(seconds / 3600) })
  return t('age.days', { n: Math.floor(seconds / 86_400) })
}

async function renderLists(): Promise<void> {
  const used = await countReplays(clock())
  const fact = (key: string, ...value: (string | Node)[]) =>
    h('div', {}, h('dt', {}, t(key)), h('dd', {}, ...value))
  const trust = lists
    ? `${t('lists.trustText', { issuers: lists.trustList.issuers.length })}, ${t('lists.age', { age: age(lists.trustList.issuedAt) })}`
    : t('lists.none')
  const statuses = lists?.statusLists ?? []
  fill(
    byId('lists'),
    fact('lists.trust', trust),
    ...(statuses.length === 0 ? [fact('lists.status', t('lists.none'))] : []),
    ...statuses.map((list) =>
      fact(
        'lists.status',
        `${t('lists.statusText', { size: list.size.toLocaleString(document.documentElement.lang) })}, ${t('lists.age', { age: age(list.issuedAt) })}`,
      ),
    ),
    fact('lists.used', String(used)),
    ...(listsMessage === '' ? [] : [fact('lists.refresh', h('span', { role: 'status' }, listsMessage))]),
  )
  fill(
    byId('lists-anew'),
    isRefused
      ? h(
          'button',
          { type: 'button', class: 'button slim', id: 'lists-forget', onclick: () => void beginAnew() },
          icon('alert'),
          t('lists.anew'),
        )
      : null,
  )
}

function renderNetwork(online: boolean): void {
  fill(
    byId('network'),
    h(
      'span',
      { class: `badge ${online ? 'info' : 'warn'}`, 'data-online': String(online) },
      icon(online ? 'globe' : 'offline'),
      t(online ? 'net.online' : 'net.offline'),
    ),
  )
}

let online = navigator.onLine
async function update(): Promise<void> {
  const fresh = await refreshLists(clock, lists?.trustList.version)
  if ('refusal' in fresh) {
    online = fresh.refusal !== 'ERR_NETWORK'
    isRefused = ['ERR_TRUST_UNKNOWN_KEY', 'ERR_TRUST_SIGNATURE'].includes(fresh.refusal)
    listsMessage = online ? t('lists.refused', { code: fresh.refusal }) : t('lists.failed')
  } else {
    online = true
    isRefused = false
    lists = fresh
    listsMessage = t('lists.updated')
  }
  renderNetwork(online)
  await renderLists()
}

// The publisher is known by the key it had when this device first met it. Another key is another publisher, and only a
// person can say that it is meant to be trusted.
async function beginAnew(): Promise<void> {
  if (!confirm(t('lists.anewSure'))) return
  await forgetLists()
  lists = undefined
  await update()
}

byId('lists-refresh').addEventListener('click', () => void update())
for (const name of ['online', 'offline']) {
  addEventListener(name, () => {
    online = navigator.onLine
    renderNetwork(online)
    if (online) void update()
  })
}

function renderAll(): void {
  renderResult()
  renderCamera()
  renderPolicy()
  setStatus(status)
  renderNetwork(online)
  void renderLists()
}

onLanguage(renderAll)
renderAll()
lists = await openLists(clock())
await update()
// Other tabs freeze and revoke: a gate that stands open all day asks for new lists every minute.
setInterval(() => void update(), 60_000)
document.documentElement.dataset['ready'] = 'true'
