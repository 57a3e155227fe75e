// A figure on the page: the picture as an image (its text is never parsed as markup here), and the same numbers as a table.
import type { Figure, Language, Text } from '../../labs/lab.ts'
import { toTable } from '../../labs/table.ts'
import { h } from '../../ui/dom.ts'

export function figureView(
  figure: Figure,
  picture: Text | undefined,
  language: Language,
  tableTitle: string,
): HTMLElement {
  const [head = [], ...rows] = toTable(figure, language)
  const source = picture && `data:image/svg+xml,${encodeURIComponent(picture[language])}`
  return h(
    'figure',
    { class: 'figure' },
    h('figcaption', {}, figure.title[language]),
    source !== undefined && h('img', { src: source, alt: `${figure.title[language]} (${tableTitle})` }),
    h(
      'details',
      {},
      h('summary', {}, tableTitle),
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': figure.title[language] },
        h(
          'table',
          { class: 'table' },
          h('thead', {}, h('tr', {}, ...head.map((cell) => h('th', { scope: 'col' }, cell)))),
          h(
            'tbody',
            {},
            ...rows.map((row) =>
              h(
                'tr',
                {},
                ...row.map((cell, at) =>
                  at === 0
                    ? h('th', { scope: 'row' }, cell)
                    : h('td', { 'data-label': head[at] ?? '' }, cell),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  )
}
