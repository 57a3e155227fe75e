// Health page: the status with word and shape, its reasons, its end, the way back, declarations, appeals, and the code.
import { systemRandom } from '#ctid/base'
import type { Evidence } from '#ctid/health'
import { createWallet } from '#ctid/wallet'
import { get } from '../../ui/database.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { deviceKeys, walletStorage } from '../../ui/wallet-home.ts'
import type { Profile } from '../citizen/desk.ts'
import { type Answer, deriveHere, healthAuthority } from './authority.ts'
import { wireCodes } from './codes.ts'
import { renderEvidence, wireHandIn } from './hand-in.ts'
import type { HealthPage } from './page.ts'
import { renderAppeals, renderBack, renderStatus, renderWhy } from './status.ts'
import { healthWords } from './words.ts'

const shell = startShell(healthWords)
const { t, language, onLanguage } = shell
const clock = () => Math.floor(Date.now() / 1000)
const wallet = createWallet({ storage: walletStorage, keys: deviceKeys, random: systemRandom, clock })
const profile = await get<Profile>('wallet', 'profile')
const isPerson = profile !== undefined && profile.document['documentType'] !== 'uscc'
const authority = healthAuthority(profile?.healthKey ?? '')

let answer: Answer | undefined
let differences: readonly string[] = []
let held: readonly Evidence[] = []
let contested = ''

function notice(message: string, tone: 'info' | 'bad' = 'info'): void {
  const symbol = tone === 'info' ? 'check' : 'alert'
  fill(
    byId('notice'),
    message === '' ? null : h('p', { class: `note ${tone}` }, icon(symbol), h('span', {}, message)),
  )
}

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

const page: HealthPage = { shell, authority, attempt, clock }
const renderCodes = wireCodes(page, wallet, () => differences.length === 0)
const renderHandIn = wireHandIn(page, wallet)

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
  renderStatus(shell, answer, { differences, subject: held[0]?.subject })
  renderCodes()
  renderWhy(shell, answer, openContest)
  renderBack(shell, answer)
  renderAppeals(shell, answer)
  renderHandIn()
  renderEvidence(shell, held)
}

onLanguage(render)
render()
if (isPerson) await attempt(async () => {}, '')
document.documentElement.dataset['ready'] = 'true'
