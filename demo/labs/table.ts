// A figure's numbers as text and as a table, without the plotting library.
import type { Figure, Language } from './lab.ts'

/** A number for an axis: 1.3e11 rather than 130000000000. */
export function compact(value: number): string {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size >= 100_000 || size < 0.001) return value.toExponential(1).replace('e+', 'e')
  return String(Number(value.toPrecision(3)))
}

/** The same numbers as rows, the first of them the heading: for screen readers and for those who copy. */
export function toTable(figure: Figure, language: Language): string[][] {
  const head = [figure.xTitle[language], ...figure.series.map((series) => series.name[language])]
  const rows = figure.x.map((label, at) => [
    label[language],
    ...figure.series.map(({ values }) => {
      const value = values[at]
      return value === null || value === undefined ? '–' : compact(value)
    }),
  ])
  return [head, ...rows]
}
