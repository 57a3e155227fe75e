// The four tables, and the attempt to join them by every column they hold, made in this browser with every row.
import { DEPARTMENTS, FIELDS } from '../../parties/department-fields.ts'
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { joinByEveryColumn, type PairOfTables, type Table } from './joining.ts'

const FEW = 5
const ICONS: Readonly<Record<string, string>> = {
  health: 'health',
  transport: 'transport',
  civil: 'civil',
  market: 'market',
}

export const departmentIcon = (id: string) => icon(ICONS[id] ?? 'departments')

export function renderTables({ t }: Shell, tables: readonly Table[]): void {
  fill(
    byId('tables'),
    ...tables.map(({ id, rows }) => {
      const fields = Object.keys(FIELDS[DEPARTMENTS.find((one) => one === id) ?? 'health'])
      return h(
        'section',
        { class: 'card', 'data-department': id, 'aria-label': t(`department.${id}`) },
        h(
          'div',
          { class: 'card-head' },
          departmentIcon(id),
          h('h2', {}, t(`department.${id}`)),
          h('span', { class: 'badge' }, t('tables.rows', { n: rows.length })),
        ),
        h(
          'table',
          { class: 'mini' },
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              h('th', { scope: 'col' }, t('field.index')),
              h('th', { scope: 'col', class: 'detail' }, t('field.sealed')),
              ...fields.map((field) => h('th', { scope: 'col' }, t(`field.${field}`))),
            ),
          ),
          h(
            'tbody',
            {},
            ...sample(rows, fields).map((row) =>
              h(
                'tr',
                {},
                h('td', {}, h('code', { title: row['index'] }, `${row['index']?.slice(0, 8)}…`)),
                h('td', { class: 'detail' }, h('code', {}, `${row['sealed']?.slice(0, 6)}…`)),
                ...fields.map((field) => h('td', {}, row[field] ? t(`value.${row[field]}`) : '–')),
              ),
            ),
          ),
        ),
        h('p', { class: 'small quiet' }, t('tables.more', { n: rows.length - FEW })),
      )
    }),
  )
}

// The first rows, with one at the end that has what they lack, so that companies are seen too.
function sample(rows: Table['rows'], fields: readonly string[]): Table['rows'] {
  const first = rows.slice(0, FEW)
  const missing = fields.find((field) => first.every((row) => row[field] === undefined))
  const other = rows.find((row) => missing !== undefined && row[missing] !== undefined)
  return other ? [...first.slice(0, FEW - 1), other] : first
}

/** The two buttons. The attempt works on `tables`, or on the same people under one number, asked for when wanted. */
export function wireTry(shell: Shell, tables: () => Promise<readonly Table[]>, attempt: Attempt): () => void {
  let shown: { readonly pairs: readonly PairOfTables[]; readonly isNaive: boolean } | undefined
  const render = () => {
    if (shown) renderTry(shell, shown)
  }
  byId('try-go').addEventListener('click', () =>
    attempt(async () => {
      shown = { pairs: joinByEveryColumn(await tables()), isNaive: false }
      render()
    }),
  )
  byId('try-one-number').addEventListener('click', () =>
    attempt(async () => {
      const { departments } = await call<{ departments: readonly Table[] }>('/departments-console/one-number')
      shown = { pairs: joinByEveryColumn(departments), isNaive: true }
      render()
    }),
  )
  return render
}

/** Runs work and puts its refusal on the page. */
export type Attempt = (work: () => Promise<unknown>) => Promise<void>

function renderTry(
  { t }: Shell,
  { pairs, isNaive }: { readonly pairs: readonly PairOfTables[]; readonly isNaive: boolean },
): void {
  const sum = (of: (pair: PairOfTables) => number) => pairs.reduce((total, pair) => total + of(pair), 0)
  const locale = document.documentElement.lang
  const matched = sum((pair) => pair.matched)
  const values = {
    columns: sum((pair) => pair.columns),
    comparisons: sum((pair) => pair.comparisons).toLocaleString(locale),
    matched,
  }
  const columns = ['try.pair', 'try.columns', 'try.comparisons', 'try.matched']
  fill(
    byId('try-result'),
    h(
      'p',
      { class: `note ${matched > 0 ? 'bad' : ''}`, 'data-matched': matched, 'data-naive': String(isNaive) },
      icon(matched > 0 ? 'alert' : 'unlink'),
      h('span', {}, t(matched > 0 ? 'try.all' : 'try.none', values)),
    ),
    h(
      'table',
      { class: 'table detail' },
      h('thead', {}, h('tr', {}, ...columns.map((key) => h('th', { scope: 'col' }, t(key))))),
      h(
        'tbody',
        {},
        ...pairs.map((one) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, one.pair.map((id) => t(`department.${id}`)).join(' × ')),
            h('td', { 'data-label': t('try.columns') }, one.columns),
            h('td', { 'data-label': t('try.comparisons') }, one.comparisons.toLocaleString(locale)),
            h('td', { 'data-label': t('try.matched') }, badge(one.matched)),
          ),
        ),
      ),
    ),
  )
}

const badge = (matched: number) =>
  h('span', { class: `badge ${matched > 0 ? 'bad' : 'ok'}` }, icon(matched > 0 ? 'pair' : 'unlink'), matched)
