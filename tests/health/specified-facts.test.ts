// The specification's tables of classes (13.3) and of the facts that evidence sets (13.4) say what the code does.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Json } from '#ctid/base'
import type { Evidence } from '../../src/health/evidence.ts'
import {
  CLASSES,
  EVIDENCE_CLASSES,
  type EvidenceClass,
  parseFinding,
} from '../../src/health/evidence-class.ts'
import { FACT_PATHS } from '../../src/health/facts.ts'
import { foldEvidence } from '../../src/health/fold.ts'

const SPEC = readFileSync(join(import.meta.dirname, '../../SPEC.md'), 'utf8')
const tableUnder = (head: string): (readonly [string, string])[] => {
  const [, rows = ''] = SPEC.split(`${head}\n|---|---|\n`)
  return (rows.split('\n\n')[0] ?? '').split('\n').map((row) => {
    const [left = '', right = ''] = row.replace(/^\| | ?\|$/g, '').split(' | ')
    return [left, right] as const
  })
}
const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)

type Finding = { readonly class: EvidenceClass; readonly words: readonly string[]; readonly data: Json }
const SAMPLES: Readonly<Record<string, Json>> = { count: 2, area: '330106', commitments: [], id: 'a1' }

// Every choice of words that a class allows; other members have one value.
function findingsOf(name: EvidenceClass): readonly Finding[] {
  let found: { words: string[]; data: Record<string, Json> }[] = [{ words: [], data: {} }]
  for (const [member, form] of Object.entries(CLASSES[name] as Record<string, string | readonly string[]>))
    found = found.flatMap(({ words, data }) =>
      typeof form === 'string'
        ? [{ words, data: { ...data, [member]: SAMPLES[form] as Json } }]
        : form.map((word) => ({ words: [...words, word], data: { ...data, [member]: word } })),
    )
  return found.map((one) => ({ class: name, ...one }))
}

function factsOf({ class: name, data }: Finding): readonly string[] {
  const evidence = {
    ...parseFinding(name, data),
    commitment: 'a',
    at: 1,
    issuedAt: 1,
    expiresAt: 3,
    precision: { seconds: 0 },
  } as unknown as Evidence
  return [...foldEvidence([evidence], { accepts: [{ class: name }] }, 2).origins.keys()].sort()
}

describe('the table of facts', () => {
  const rows = tableUnder('| evidence | facts |').flatMap(([left, right]) => {
    const [name, ...more] = quoted(left)
    expect(more).toEqual([])
    // Words with a comma between them are alternatives, words without belong together.
    const choices = left
      .replace(/`[^`]+`/, '')
      .split(', ')
      .map((words) => words.trim().split(' ').filter(Boolean))
    return choices.map((words) => ({ name, words, facts: quoted(right).sort(), used: { times: 0 } }))
  })

  it('has one row for each finding that the classes allow, with the facts that it sets', () => {
    for (const finding of EVIDENCE_CLASSES.flatMap(findingsOf)) {
      const fitting = rows.filter(
        ({ name, words }) => name === finding.class && words.every((word) => finding.words.includes(word)),
      )
      const label = [finding.class, ...finding.words].join(' ')
      expect(
        fitting.map(({ facts }) => facts),
        label,
      ).toEqual([factsOf(finding)])
      for (const { used } of fitting) used.times++
    }
    expect(rows.filter(({ used }) => used.times === 0)).toEqual([])
  })

  it('names every fact but the one that two tests make', () => {
    const named = new Set(rows.flatMap(({ facts }) => facts))
    expect(FACT_PATHS.filter((path) => !named.has(path))).toEqual(['test.earlierNegativeAt'])
  })
})

it('the table of classes names each class, its members, and the words to choose from', () => {
  const rows = tableUnder('| class | data |').flatMap(([left, right]) =>
    quoted(left).map((name) => {
      const words = right.replace(/`[^`]+`| 1–20| up to 32 commitments/g, ' ').split(/[,; ]+/)
      return [name, { members: quoted(right), words: words.filter(Boolean) }] as const
    }),
  )
  const coded = EVIDENCE_CLASSES.map((name) => {
    const members: Readonly<Record<string, string | readonly string[]>> = CLASSES[name]
    const words = Object.values(members).flatMap((form) => (typeof form === 'string' ? [] : form))
    return [name, { members: Object.keys(members), words }] as const
  })
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(coded))
})
