// Citizen page: enrolment with its real data, then the wallet: code, online code, paper form, file, history, safety.
import { systemRandom } from '#ctid/base'
import type { Kind } from '#ctid/qr'
import { createWallet, type Showing } from '#ctid/wallet'
import { walkIns } from '../../parties/town.ts'
import { ApiError } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { deviceKeys, forgetWallet, onOtherTab, walletStorage } from '../../ui/wallet-home.ts'
import { reasonNames } from '../../ui/words.ts'
import { challengeDialog } from './challenge.ts'
import { BATCH, enrol, fetchFirstCopies, type Profile, readProfile, readState, setFrozen } from './desk.ts'
import { renderFile, renderHistory, renderSeen } from './panels.ts'
import { type Show, showPanels } from './show.ts'
import { checkProofs, type Enrolment, stepItems } from './steps.ts'
import { citizenWords } from './words.ts'

const shell = startShell({ ...reasonNames, ...citizenWords })
const { t, language, onLanguage } = shell
const clock = () => Math.floor(Date.now() / 1000)
const wallet = createWallet({ storage: walletStorage, keys: deviceKeys, random: systemRandom, clock })
const people = walkIns()

let profile: Profile | undefined
let enrolment: Enrolment | undefined
let state = 'unknown'
let showing: Showing | undefined

const kind = (): Kind => (profile?.document['documentType'] === 'uscc' ? 'organisation' : 'person')
const date = (seconds: number) =>
  new Date(seconds * 1000).toLocaleDateString(document.documentElement.lang, { dateStyle: 'long' })

function notice(message: string, tone: 'info' | 'bad' | 'warn' = 'info'): void {
  const symbol = tone === 'info' ? 'info' : 'alert'
  fill(
    byId('notice'),
    message === '' ? null : h('p', { class: `note ${tone}` }, icon(symbol), h('span', {}, message)),
  )
}

function explain(error: unknown, words = 'error.refused'): void {
  notice(isNoAnswer(error) ? t('error.network') : t(words, { reason: reasonOf(error, language()) }), 'bad')
}

// ---- enrolment

let chosen = 0
function renderPeople(): void {
  fill(
    byId('people'),
    ...people.map((person, at) =>
      h(
        'label',
        { class: 'person' },
        h('input', {
          type: 'radio',
          name: 'person',
          value: at,
          checked: at === chosen,
          onchange: () => {
            chosen = at
          },
        }),
        h(
          'span',
          {},
          h(
            'span',
            { class: 'who' },
            h('strong', { lang: 'zh-CN' }, person['name']),
            h('span', { class: 'small quiet' }, t(`doc.${person['documentType']}`)),
          ),
          h('span', { class: 'number' }, person['documentNumber']),
        ),
      ),
    ),
  )
}

byId('enrol-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void enrolChosen()
})

const enrolChosen = once(async () => {
  const document_ = people[chosen]
  if (!document_) return
  setEnrolling(true)
  notice('')
  try {
    enrolment = {}
    renderSteps()
    const answer = await enrol(document_)
    if (!answer) return await openOther()
    enrolment = { answer, proved: checkProofs(answer) }
    renderSteps()
    const copies = await fetchFirstCopies(wallet)
    enrolment = { ...enrolment, fetched: { keys: BATCH, copies, until: await untilOf() } }
    renderSteps()
    byId('steps-title').focus()
  } catch (error) {
    // What the registrar has done stands; if only the copies are missing, the wallet is there and fetches them.
    enrolment = undefined
    await open()
    explain(error, 'enrol.failed')
  } finally {
    setEnrolling(false)
  }
})

function setEnrolling(on: boolean): void {
  const button = byId('enrol-go')
  button.setAttribute('aria-busy', String(on))
  button.setAttribute('aria-disabled', String(on))
  fill(button, icon(on ? 'clock' : 'stamp'), h('span', {}, t(on ? 'enrol.working' : 'enrol.go')))
  byId<HTMLFieldSetElement>('people-set').disabled = on
}

// Another tab has made the wallet meanwhile.
async function openOther(): Promise<void> {
  enrolment = undefined
  await open()
  notice(t('enrol.other'), 'warn')
}

async function untilOf(): Promise<number> {
  const preview = await wallet.preview(kindOf(people[chosen]?.['documentType']))
  const until = preview.lines.find(({ name }) => name === 'valid-until')?.value ?? ''
  return Date.parse(until) / 1000
}
const kindOf = (documentType: string | undefined): Kind =>
  documentType === 'uscc' ? 'organisation' : 'person'

function renderSteps(): void {
  fill(byId('steps'), ...stepItems(t, enrolment, date))
  fill(
    byId('steps-end'),
    enrolment?.fetched
      ? h(
          'button',
          {
            type: 'button',
            class: 'button primary wide',
            id: 'open-wallet',
            onclick: () => void openWallet(),
          },
          icon('phone'),
          t('steps.open'),
        )
      : null,
  )
}

// ---- the wallet

const panels: Show = showPanels({
  shell,
  wallet,
  kind,
  blocked: () => (state === 'active' || state === 'unknown' ? undefined : t(`state.${state}`)),
  date,
  onShowing: (now) => {
    showing = now
    void renderDetails()
  },
  onError: explain,
})

const dialog = challengeDialog(shell, (challenge) => panels.answer(challenge))
panels.onChallenge(dialog.open)

function renderState(): void {
  const tone = state === 'active' ? 'ok' : state === 'unknown' ? '' : 'bad'
  const symbol = { active: 'check', unknown: 'dash', frozen: 'snow', stranger: 'alert' }[state] ?? 'ban'
  fill(
    byId('state'),
    profile
      ? h('span', { class: `badge ${tone}`, 'data-state': state }, icon(symbol), t(`state.${state}`))
      : null,
  )
}

async function renderDetails(): Promise<void> {
  if (!profile) return
  await renderFile({ shell, wallet, profile, kind: kind(), date })
  await renderSeen({ shell, wallet, kind: kind(), showing })
  await renderHistory({ shell, wallet })
  renderSafety()
}

function renderSafety(): void {
  const isFrozen = state === 'frozen'
  fill(
    byId('panel-safety'),
    h('h2', {}, t('safety.title')),
    h('p', {}, t('safety.text')),
    h(
      'p',
      {},
      h(
        'button',
        {
          type: 'button',
          id: 'freeze',
          class: `button ${isFrozen ? 'primary' : 'danger'}`,
          disabled: state !== 'active' && !isFrozen,
          onclick: () => void freeze(),
        },
        icon(isFrozen ? 'check' : 'snow'),
        t(isFrozen ? 'safety.unfreeze' : 'safety.freeze'),
      ),
    ),
    h('h3', {}, t('safety.forget')),
    h('p', { class: 'quiet' }, t('safety.forgetText')),
    h(
      'button',
      { type: 'button', id: 'forget', class: 'button', onclick: () => void forget() },
      icon('close'),
      t('safety.forget'),
    ),
  )
}

const freeze = once(async () => {
  const frozen = state !== 'frozen'
  try {
    state = await setFrozen(frozen)
    notice(t(frozen ? 'safety.frozen' : 'safety.unfrozen'))
  } catch (error) {
    explain(error)
  }
  renderAll()
})

async function forget(): Promise<void> {
  if (!confirm(t('safety.forgetSure'))) return
  await forgetWallet()
  enrolment = undefined
  notice('')
  await open()
}

async function openWallet(): Promise<void> {
  notice('')
  await open()
  byId('show-dynamic').focus()
}

async function open(): Promise<void> {
  const before = profile?.accountKey
  profile = await readProfile()
  if (before !== undefined && before !== profile?.accountKey) panels.stop()
  byId('enrol').hidden = profile !== undefined
  byId('wallet').hidden = profile === undefined
  if (profile) {
    await wallet.prune()
    state = await stateOfEntry()
    if (state === 'stranger') notice(t('state.strangerText'), 'warn')
    // Enrolled, but the copies never arrived: the page was closed, or the network went.
    else if (profile.fetched === 0) await fetchFirstCopies(wallet).catch(explain)
    profile = (await readProfile()) ?? profile
  }
  renderAll()
}

/** As the registry has it; `unknown` without an answer, `stranger` when this registry has never heard of our key. */
async function stateOfEntry(): Promise<string> {
  try {
    return await readState()
  } catch (error) {
    if (isNoAnswer(error)) return 'unknown'
    if (error instanceof ApiError && error.code === 'ERR_REGISTRY_TOKEN') return 'stranger'
    explain(error)
    return 'unknown'
  }
}

// Another tab enrolled, showed, froze or removed: this one shows what is now. While this tab enrols it tells the story itself.
onOtherTab(() => {
  if (enrolment === undefined || profile !== undefined) void open()
})

function renderAll(): void {
  renderPeople()
  renderSteps()
  renderState()
  if (profile) {
    panels.render()
    void renderDetails()
  }
  document.documentElement.dataset['language'] = language()
}

wireTabs(byId('show-tabs'), () => panels.render())
wireTabs(byId('more-tabs'))
onLanguage(renderAll)
await open()
document.documentElement.dataset['ready'] = 'true'
