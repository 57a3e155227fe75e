// What a thief of the database gets: every table as it lies on the disk, and a search through all its bytes.
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'

type Table = {
  readonly table: string
  readonly count: number
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}
type Found = { readonly bytes: number; readonly files: number; readonly found: readonly string[] }

/** The first rows of each table, with every column. */
export async function renderThief({ t }: Shell): Promise<void> {
  const { tables } = await call<{ tables: readonly Table[] }>('/console/tables')
  fill(
    byId('tables'),
    ...tables.map(({ table, count, columns, rows }) =>
      h(
        'section',
        { 'aria-label': table },
        h(
          'h3',
          {},
          h('code', {}, table),
          ' ',
          h('span', { class: 'small quiet' }, t('thief.rows', { n: count })),
        ),
        rows.length > 0 &&
          h(
            'div',
            { class: 'dump', tabindex: 0, role: 'region', 'aria-label': table },
            h(
              'table',
              {},
              h('thead', {}, h('tr', {}, ...columns.map((column) => h('th', { scope: 'col' }, column)))),
              h(
                'tbody',
                {},
                ...rows.map((row) => h('tr', {}, ...row.map((value) => h('td', {}, shorten(value))))),
              ),
            ),
          ),
      ),
    ),
  )
}

const shorten = (value: string) =>
  value.length > 44 ? `${value.slice(0, 40)}… (${value.length / 2} bytes)` : value

export function wireSearch({ t }: Shell, attempt: (work: () => Promise<void>) => Promise<void>): void {
  const search = async () => {
    const text = byId<HTMLInputElement>('search').value.trim()
    const { bytes, files, found } = await call<Found>('/console/search', { text })
    const isClean = found.length === 0
    const message = isClean
      ? t('thief.nothing', { bytes: bytes.toLocaleString(document.documentElement.lang), files })
      : t('thief.found', { forms: found.join(', ') })
    fill(
      byId('search-result'),
      h(
        'p',
        { class: `note ${isClean ? '' : 'bad'}`, 'data-found': found.length },
        icon(isClean ? 'eye-off' : 'alert'),
        h('span', {}, message),
      ),
    )
  }
  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault()
    void attempt(search)
  })
}
