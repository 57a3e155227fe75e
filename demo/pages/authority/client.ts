// Authority page: entries without plaintext, steps with a reason, keys and rotation, the thief's view, the access log.
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { reasonNames } from '../../ui/words.ts'
import { renderKeys } from './keys.ts'
import { renderThief, wireSearch } from './thief.ts'
import { authorityWords } from './words.ts'

type State = 'active' | 'frozen' | 'revoked' | 'expired' | 'superseded'
type Action = 'freeze' | 'unfreeze' | 'revoke' | 'open'
type Entry = {
  readonly entry: string
  readonly token: string
  readonly tokenVersion: number
  readonly state: State
  readonly since: number
}
type Rows = { readonly rows: readonly Entry[]; readonly reasons: Readonly<Record<Action, readonly string[]>> }
type Event = {
  readonly entry: string
  readonly kind: string
  readonly reason: string
  readonly officer: string
  readonly at: number
}

const shell = startShell({ ...reasonNames, ...authorityWords })
const { t, language, onLanguage } = shell
const LOOK: Record<State, readonly [symbol: string, tone: string]> = {
  active: ['check', 'ok'],
  frozen: ['snow', 'warn'],
  revoked: ['ban', 'bad'],
  expired: ['clock', ''],
  superseded: ['refresh', ''],
}
const ACTIONS: Record<State, readonly Action[]> = {
  active: ['freeze', 'revoke', 'open'],
  frozen: ['unfreeze', 'revoke', 'open'],
  expired: ['freeze', 'revoke', 'open'],
  revoked: ['open'],
  superseded: ['open'],
}

let data: Rows = { rows: [], reasons: { freeze: [], unfreeze: [], revoke: [], open: [] } }
/** Rows shown before the rest is asked for. */
const FEW = 8
let showAll = false
let chosenTab = 'tab-registry'
let pending: { readonly entry: Entry; readonly action: Action } | undefined

export function time(seconds: number): HTMLElement {
  const moment = new Date(seconds * 1000)
  const text = moment.toLocaleString(document.documentElement.lang, {
    dateStyle: 'short',
    timeStyle: 'short',
  })
  return h('time', { datetime: moment.toISOString() }, text)
}

function notice(message: string): void {
  fill(
    byId('notice'),
    message === '' ? null : h('p', { class: 'note bad' }, icon('alert'), h('span', {}, message)),
  )
}

function why(error: unknown): string {
  return isNoAnswer(error) ? t('error.network') : t('act.failed', { reason: reasonOf(error, language()) })
}

/** Runs a step of a tab, and says why where it could not. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    notice('')
  } catch (error) {
    notice(why(error))
  }
}

const badge = (state: State, text = t(`state.${state}`)) => {
  const [symbol, tone] = LOOK[state]
  return h('span', { class: `badge ${tone}`, 'data-state': state }, icon(symbol), text)
}

// ---- entries

function renderRows(): void {
  byId('rows-all').hidden = showAll || data.rows.length <= FEW
  byId('rows-all').textContent = t('rows.all', { n: data.rows.length })
  const counts = new Map<State, number>()
  for (const { state } of data.rows) counts.set(state, (counts.get(state) ?? 0) + 1)
  fill(
    byId('counts'),
    ...[...counts].map(([state, n]) => badge(state, t('counts.one', { state: t(`state.${state}`), n }))),
  )
  fill(
    byId('rows'),
    ...(data.rows.length === 0 ? [h('tr', {}, h('td', { colspan: 5 }, t('rows.none')))] : []),
    ...data.rows
      .slice(0, showAll ? undefined : FEW)
      .map((entry) =>
        h(
          'tr',
          { 'data-entry': entry.entry },
          h(
            'th',
            { scope: 'row' },
            h('code', {}, `${entry.token}…`),
            h('br'),
            h('span', { class: 'small quiet' }, t('rows.version', { n: entry.tokenVersion })),
          ),
          h(
            'td',
            { 'data-label': t('rows.record') },
            h('span', { class: 'badge' }, icon('lock'), t('rows.sealed')),
          ),
          h('td', { 'data-label': t('rows.state') }, badge(entry.state)),
          h('td', { 'data-label': t('rows.since') }, time(entry.since)),
          h(
            'td',
            { 'data-label': t('rows.actions') },
            h(
              'div',
              { class: 'actions' },
              ...ACTIONS[entry.state].map((action) => actionButton(entry, action)),
            ),
          ),
        ),
      ),
  )
}

byId('rows-all').addEventListener('click', () => {
  showAll = true
  renderRows()
})

function actionButton(entry: Entry, action: Action): HTMLElement {
  const label = t(`do.${action}`)
  return h(
    'button',
    {
      type: 'button',
      class: `button slim ${action === 'revoke' ? 'danger' : ''}`,
      'data-action': action,
      'aria-label': t('do.forToken', { action: label, token: entry.token.slice(0, 8) }),
      onclick: () => ask(entry, action),
    },
    label,
  )
}

async function fetchRows(): Promise<void> {
  try {
    data = await call<Rows>('/console/rows')
  } finally {
    renderRows()
  }
}
const loadRows = (): Promise<void> => attempt(fetchRows)

// ---- one step, with a reason

const dialog = byId<HTMLDialogElement>('act')
const submit = byId<HTMLButtonElement>('act-go')
const reasonSelect = byId<HTMLSelectElement>('act-reason')

function ask(entry: Entry, action: Action): void {
  pending = { entry, action }
  byId('act-title').textContent = t(`act.${action}`)
  byId('act-text').textContent = t(`act.${action}.text`)
  fill(
    reasonSelect,
    ...data.reasons[action].map((reason) => h('option', { value: reason }, t(`reason.${reason}`))),
  )
  reasonSelect.selectedIndex = 0
  submit.textContent = t(`do.${action}`)
  submit.hidden = false
  reasonSelect.disabled = false
  fill(byId('act-result'))
  dialog.showModal()
}

byId('act-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void step()
})

const step = once(async () => {
  if (!pending) return
  const { entry, action } = pending
  try {
    const answer = await call<{ record?: Readonly<Record<string, string>> }>('/console/step', {
      entry: entry.entry,
      action,
      reason: reasonSelect.value,
    })
    if (answer.record) showRecord(answer.record)
    else dialog.close()
    await loadRows()
  } catch (error) {
    fill(
      byId('act-result'),
      h('p', { class: 'note bad', role: 'alert' }, icon('alert'), h('span', {}, why(error))),
    )
  }
})

function showRecord(record: Readonly<Record<string, string>>): void {
  submit.hidden = true
  reasonSelect.disabled = true
  fill(
    byId('act-result'),
    h(
      'div',
      { class: 'record-open', role: 'status' },
      h('p', { class: 'small' }, t('act.opened')),
      h(
        'dl',
        { class: 'facts' },
        ...Object.entries(record).map(([name, value]) => h('div', {}, ...recordLine(name, value))),
      ),
    ),
  )
}

function recordLine(name: string, value: string): [HTMLElement, HTMLElement] {
  const known = (key: string) => Object.hasOwn(authorityWords, key)
  const said = `record.${name}.${value}`
  return [
    h('dt', {}, known(`record.${name}`) ? t(`record.${name}`) : name),
    h('dd', {}, known(said) ? t(said) : value),
  ]
}

byId('act-close').addEventListener('click', () => dialog.close())
dialog.addEventListener('close', () => {
  // What was opened is gone from the page when the dialogue is.
  fill(byId('act-result'))
  pending = undefined
})

// ---- access log

async function loadLog(): Promise<void> {
  const { events } = await call<{ events: readonly Event[] }>('/console/log')
  const columns = ['log.when', 'log.what', 'log.why', 'log.who', 'log.entry']
  fill(
    byId('log'),
    events.length === 0
      ? h('p', {}, t('log.none'))
      : h(
          'table',
          { class: 'table' },
          h('thead', {}, h('tr', {}, ...columns.map((key) => h('th', { scope: 'col' }, t(key))))),
          h(
            'tbody',
            {},
            ...events.map(({ at, kind, reason, officer, entry }) =>
              h(
                'tr',
                {},
                h('td', { 'data-label': t('log.when') }, time(at)),
                h('td', { 'data-label': t('log.what') }, t(`event.${kind}`)),
                h('td', { 'data-label': t('log.why') }, t(`reason.${reason}`)),
                h('td', { 'data-label': t('log.who') }, officer),
                h('td', { 'data-label': t('log.entry') }, h('code', {}, entry)),
              ),
            ),
          ),
        ),
  )
}

const LOADERS: Readonly<Record<string, () => Promise<void>>> = {
  'tab-registry': fetchRows,
  'tab-keys': () => renderKeys(shell, attempt),
  'tab-thief': () => renderThief(shell),
  'tab-log': loadLog,
}

const load = (): Promise<void> => attempt(async () => LOADERS[chosenTab]?.())

wireTabs(document.querySelector<HTMLElement>('.tabs') ?? document.body, (id) => {
  chosenTab = id
  void load()
})
wireSearch(shell, attempt)
byId('rows-refresh').addEventListener('click', () => void loadRows())
onLanguage(() => void load())
await load()
document.documentElement.dataset['ready'] = 'true'
