// Verifier page: reads a code by camera, picture or text, verifies it in this browser, and shows every check.
import { systemRandom } from '#ctid/base'
import { codeForm } from '#ctid/qr'
import { newChallenge, type Verdict, verifyCode } from '#ctid/verifier'
import { type Camera, openCamera, readPicture } from '../../ui/camera.ts'
import { writeChallenge } from '../../ui/challenge.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import { qrPicture } from '../../ui/qr-picture.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { wireLists } from './kept-lists.ts'
import { fetchFromRelay } from './online.ts'
import { type Outcome, renderOutcome } from './outcome.ts'
import { type Choice, choices } from './policies.ts'
import { keptReplayCache } from './replay.ts'
import { verifierWords } from './words.ts'

const shell = startShell(verifierWords)
const { t, language, onLanguage } = shell
const clock = () => Math.floor(Date.now() / 1000)
const video = byId<HTMLVideoElement>('video')
const kept = wireLists(shell, clock)
const policySelect = byId<HTMLSelectElement>('policy')

let camera: Camera | undefined
let busy = false
let status = ''
let challenge = newChallenge(systemRandom)
let outcome: Outcome | undefined

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
  await kept.render()
  byId('result-title').focus()
  byId('result').scrollIntoView({ block: 'nearest' })
}

async function verify(text: string): Promise<Outcome> {
  const refused = (form: Verdict['form']): Verdict => ({ ok: false, form, checks: [] })
  const started = performance.now()
  const lists = kept.current()
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

const renderResult = () => renderOutcome(shell, outcome, nextButton)

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

function renderAll(): void {
  renderResult()
  renderCamera()
  renderPolicy()
  setStatus(status)
  void kept.render()
}

onLanguage(renderAll)
renderAll()
await kept.open()
document.documentElement.dataset['ready'] = 'true'
