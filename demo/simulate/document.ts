// The figures in docs/scale.md: between two marks the simulator's own words, so that the page says what the program prints.
import type { Constants } from './constants.ts'
import { PARAMETERS, type Parameters } from './parameters.ts'
import { linesOf, toMarkdown } from './report.ts'

const PARTS: Readonly<Record<string, (p: Parameters, c: Constants) => string>> = {
  parameters: (p) =>
    [
      '| parameter | default | what it is |',
      '|---|---|---|',
      ...Object.entries(PARAMETERS).map(
        ([name, [, what]]) =>
          `| \`--${name}\` | ${p[name as keyof Parameters].toLocaleString('en')} | ${what} |`,
      ),
      '',
    ].join('\n'),
  figures: (p, c) => `Constants measured on: ${c.machine}.\n\n${toMarkdown(linesOf(p, c))}`,
}

/** The page with its generated parts written anew. */
export function withFigures(page: string, p: Parameters, c: Constants): string {
  return Object.entries(PARTS).reduce((text, [name, write]) => {
    const [begin, end] = [`<!-- simulate: ${name} -->\n`, `<!-- end of ${name} -->`]
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    if (from < 0 || to < from) throw new Error(`docs/scale.md has no marks for ${name}`)
    return `${text.slice(0, from + begin.length)}\n${write(p, c)}\n${text.slice(to)}`
  }, page)
}
