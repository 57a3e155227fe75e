// The labs whose attack fits in a browser, and how to run one here. Loaded only when somebody does.
import { nobleGroup } from '#ctid/crypto'
import type { Lab, LabResult, Language, Text } from '../../labs/lab.ts'
import { toSvg } from '../../labs/plot.ts'

const HERE: Readonly<Record<string, () => Promise<{ readonly lab: Lab }>>> = {
  '01': () => import('../../labs/01-hash-is-not-anonymity.ts'),
  '03': () => import('../../labs/03-screenshot.ts'),
  '06': () => import('../../labs/06-broken-date.ts'),
  '08': () => import('../../labs/08-small-towns.ts'),
  '10': () => import('../../labs/10-algorithm-confusion.ts'),
}

/** Runs a lab in this page, small. */
export async function runHere(id: string, seed: string, log: (line: Text) => void): Promise<LabResult> {
  const load = HERE[id]
  if (!load) throw new Error('not a lab for the browser')
  const { lab } = await load()
  return lab.run({ seed, scale: 'small', group: nobleGroup, log })
}

export function draw(result: LabResult): Text[] {
  const picture = (language: Language) => (figure: LabResult['figures'][number]) =>
    toSvg(figure, { language })
  const [en, zh] = [result.figures.map(picture('en')), result.figures.map(picture('zh'))]
  return en.map((text, at) => ({ en: text, zh: zh[at] ?? text }))
}
