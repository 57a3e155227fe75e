// Departments page: four tables, a join that trustees approve one by one, the citizen's record, and what must not work.
import { ApiError, call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { wireAttempts } from './attempts.ts'
import { type Budget, joinPanel } from './join.ts'
import type { Table } from './joining.ts'
import { codeWords } from './names.ts'
import { wireOrder } from './order.ts'
import { type LogFacts, wireRecord } from './record.ts'
import { renderTables, wireTry } from './tables.ts'
import { departmentsWords } from './words.ts'

type State = LogFacts & {
  readonly departments: readonly Table[]
  readonly people: readonly string[]
  readonly budget: Budget
}

const shell = startShell(departmentsWords)
const { t, onLanguage } = shell
let state: State | undefined

function notice(message: string, tone: 'info' | 'bad' = 'info'): void {
  const symbol = tone === 'bad' ? 'alert' : 'clock'
  fill(
    byId('notice'),
    message === '' ? null : h('p', { class: `note ${tone}` }, icon(symbol), h('span', {}, message)),
  )
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    notice('')
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const words = codeWords(shell, error.code)
    const reason = words === error.code ? reasonOf(error, shell.language()) : words
    notice(isNoAnswer(error) ? t('error.network') : t('error.refused', { reason }), 'bad')
    byId('notice').scrollIntoView({ block: 'nearest' })
  }
}

const join = joinPanel(shell, attempt)
const renderTry = wireTry(shell, async () => (await opened()).departments, attempt)
const renderOrder = wireOrder(shell, (body) => void join.begin(body))
const renderRecord = wireRecord(shell, () => state?.people ?? [], opened, attempt)
const choose = wireTabs(document.querySelector<HTMLElement>('.tabs') ?? document.body)
const renderAttempts = wireAttempts(shell, attempt, () => {
  choose('tab-join')
  byId('tab-join').focus()
})

function render(): void {
  renderTables(shell, state?.departments ?? [])
  renderTry()
  renderOrder()
  join.render()
  renderRecord()
  renderAttempts()
}

// The first answer takes a while: a ceremony and everybody's enrolment. Who got none asks again with the next step, since
// a page that knows no table would find no match, and no entry in a record.
async function opened(): Promise<State> {
  if (state) return state
  notice(t('opening'))
  state = await call<State>('/departments-console/state')
  join.setBudget(state.budget)
  render()
  return state
}

onLanguage(render)
render()
await attempt(opened)
document.documentElement.dataset['ready'] = 'true'
