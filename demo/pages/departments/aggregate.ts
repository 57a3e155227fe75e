// The table of an aggregate: one field down, one across, a cell for each pair of values, small ones withheld.
import { FIELDS, type Side } from '../../parties/department-fields.ts'
import { h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'

/** `count` is null where it was withheld. */
export type Cell = { readonly key: readonly string[]; readonly count: number | null }
/** `epsilonMilli`: thousandths of epsilon; null for exact counts. */
export type Answer = { readonly cells: readonly Cell[]; readonly epsilonMilli: number | null }

export const epsilon = (milli: number) => String(milli / 1000)

export function crossTable(
  { t }: Shell,
  { cells, epsilonMilli }: Answer,
  [down, across]: readonly [Side, Side],
): HTMLElement {
  const rows = FIELDS[down.department][down.field] ?? []
  const columns = FIELDS[across.department][across.field] ?? []
  const cellOf = (one: string, other: string) =>
    cells.find(({ key }) => key[0] === one && key[1] === other)?.count
  const title =
    epsilonMilli === null
      ? t('aggregate.shown.exact')
      : t('aggregate.shown.noise', { epsilon: epsilon(epsilonMilli) })
  return h(
    'div',
    { class: 'cross-frame', tabindex: 0, role: 'region', 'aria-label': title },
    h(
      'table',
      { class: 'cross', id: 'aggregate', 'data-noise': epsilonMilli ?? 'none' },
      h('caption', {}, `${t(`field.${down.field}`)} × ${t(`field.${across.field}`)} · ${title}`),
      h(
        'thead',
        {},
        h('tr', {}, h('td', {}), ...columns.map((value) => h('th', { scope: 'col' }, t(`value.${value}`)))),
      ),
      h(
        'tbody',
        {},
        ...rows.map((value) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, t(`value.${value}`)),
            ...columns.map((other) => numberCell(t, cellOf(value, other) ?? null)),
          ),
        ),
      ),
    ),
  )
}

const numberCell = (t: Shell['t'], count: number | null) =>
  count === null
    ? h(
        'td',
        { class: 'small-cell', 'data-suppressed': 'true' },
        icon('eye-off'),
        h('span', { class: 'visually-hidden' }, t('aggregate.withheld')),
      )
    : h('td', {}, String(count))
