// Every lab, small, with a fixed seed: the attack works on the naive design and fails on ours, and the figures say the same.
import { createHash, getHashes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toHex, utf8 } from '#ctid/base'
import { loadSodiumGroup } from '#ctid/crypto'
import { findLab, labIds, loadLabs } from '../../demo/labs/index.ts'
import type { LabResult } from '../../demo/labs/lab.ts'
import { sm3 } from '../../demo/labs/naive/sm3.ts'
import { toSvg, toTerminal } from '../../demo/labs/plot.ts'
import { tellStory } from '../../demo/labs/story.ts'
import { toTable } from '../../demo/labs/table.ts'

const group = await loadSodiumGroup()
const labs = await loadLabs()

/** Least share of naive attempts that must succeed. Ours: none, in every lab. */
const NAIVE_AT_LEAST: Readonly<Record<string, number>> = { '12': 0.3 }

/** Right and wrong answers to every exercise. */
const ANSWERS: Readonly<Record<string, readonly (readonly [right: string, wrong: string])[]>> = {
  '01': [
    ['999', '9999'],
    ['1', '2'],
  ],
  '02': [
    ['2,922,000', '36525'],
    ['Yes.', 'no'],
  ],
  '03': [
    ['3045', '3030'],
    ['challenge', 'step'],
  ],
  '04': [
    ['1', '2'],
    ['the issuer', 'the clinic'],
  ],
  '05': [
    ['871', '1763'],
    ['来源', '登录'],
  ],
  '06': [
    ['false', 'true'],
    ['false', 'true'],
  ],
  '07': [
    ['４', '3'],
    ['yes', 'no'],
  ],
  '08': [
    ['1', '0'],
    ['budget', 'rounding'],
  ],
  '09': [
    ['16 384', '131072'],
    ['1', '40'],
  ],
  '10': [
    ['public', 'private'],
    ['true', 'error'],
  ],
  '11': [
    ['0', '2'],
    ['vault', 'device'],
  ],
  '12': [
    ['11010519491231002x', '110105194912310021'],
    ['no', 'yes'],
  ],
}

async function run(id: string, seed = 'test'): Promise<LabResult> {
  const lab = (await findLab(id)) ?? expect.unreachable()
  return lab.run({ seed, scale: 'small', group, log: () => undefined })
}

/** Everything of a result but the times, for two runs must agree on it. */
function withoutTimes({ naive, ours, figures, stillWorks }: LabResult) {
  const counts = ({ successes, trials, note }: LabResult['naive']) => ({ successes, trials, note })
  return {
    naive: counts(naive),
    ours: counts(ours),
    figures: figures.filter(({ timed }) => !timed),
    stillWorks,
  }
}

describe('the course', () => {
  it('has twelve labs, numbered and named as their files are', () => {
    expect(labs.map(({ id }) => id)).toEqual(labIds)
    expect(labs).toHaveLength(12)
    const files = readdirSync(new URL('../../demo/labs/', import.meta.url)).filter((name) =>
      /^\d\d-/.test(name),
    )
    expect(files.sort()).toEqual(labs.map(({ id, name }) => `${id}-${name}.ts`))
  })

  it('says of every wrong design that it is wrong on purpose, in its first line', () => {
    const folder = new URL('../../demo/labs/naive/', import.meta.url)
    for (const name of readdirSync(folder)) {
      expect(readFileSync(new URL(name, folder), 'utf8').split('\n')[0], name).toMatch(
        /^\/\/ Wrong on purpose/,
      )
    }
  })

  it('is found by number and by name', async () => {
    expect((await findLab('3'))?.id).toBe('03')
    expect((await findLab('broken-date'))?.id).toBe('06')
    expect(await findLab('13')).toBeUndefined()
  })
})

describe.each(labs.map((lab) => [`${lab.id} ${lab.name}`, lab] as const))('lab %s', (_, lab) => {
  it('works on the naive design and fails on ours; the figures agree; a seed gives the same again', async () => {
    const result = await run(lab.id)
    const { naive, ours, figures } = result
    expect(naive.trials).toBeGreaterThan(0)
    expect(ours.trials).toBeGreaterThan(0)
    expect(naive.successes / naive.trials).toBeGreaterThanOrEqual(NAIVE_AT_LEAST[lab.id] ?? 0.9)
    expect(ours.successes).toBe(0)
    expect(result.stillWorks.length).toBeGreaterThan(0)

    for (const figure of figures) {
      for (const series of figure.series) expect(series.values).toHaveLength(figure.x.length)
      expect(toTable(figure, 'zh')).toHaveLength(figure.x.length + 1)
      const svg = toSvg(figure, { language: 'en', width: 480 })
      expect(svg).toMatch(/^<svg [\s\S]*<\/svg>$/)
      // What an attribute must not contain, or the picture is no picture.
      expect(svg).not.toMatch(/font-family[:=]"?[^">;]*"[^ />]/)
      expect(toTerminal(figure, 'en').length).toBeGreaterThan(1)
    }
    for (const language of ['en', 'zh'] as const) {
      const story = tellStory(lab, result, language)
      expect(story.length).toBeLessThan(40)
      expect(story.join('\n')).toContain(`${naive.successes}/${naive.trials}`)
    }
    expect(withoutTimes(await run(lab.id))).toEqual(withoutTimes(result))
  })

  it('knows right answers from wrong ones', () => {
    const answers = ANSWERS[lab.id] ?? []
    expect(answers).toHaveLength(lab.exercises.length)
    for (const [at, [right, wrong]] of answers.entries()) {
      expect(lab.exercises[at]?.check(right), right).toBe(true)
      for (const other of [wrong, '', 'x']) expect(lab.exercises[at]?.check(other), other).toBe(false)
    }
  })
})

describe('figures of single labs', () => {
  const values = (result: LabResult, id: string) =>
    (result.figures.find((figure) => figure.id === id) ?? expect.unreachable()).series.map(
      (series) => series.values,
    )

  it('01: one share finds nobody, two find everybody, and the unkeyed hash falls to the database alone', async () => {
    const result = await run('01')
    const found = values(result, 'lab01-found')
    const people = result.naive.trials
    expect(found[0]?.slice(0, 2)).toEqual([people, people])
    expect(found[3]?.slice(0, 2)).toEqual([0, people])
    expect(found.at(-1)).toEqual([0, 0, 0, people])
  })

  it('03: a picture lives no longer than its step and the tolerance; the relay is measured, not denied', async () => {
    const [still = [], other = [], same = [], challenged = []] = values(await run('03'), 'lab03-accepted')
    expect(still.every((share) => share === 100)).toBe(true)
    expect(other).toEqual([100, 100, 100, 0, 0, 0, 0])
    expect([...same, ...challenged].every((share) => share === 0)).toBe(true)
    expect(values(await run('03'), 'lab03-stops').map((row) => row.at(-1))).toEqual([100, 100, 100])
  })

  it('07: two faces are possible exactly when 2k − n witnesses betray', async () => {
    for (const [at, row] of values(await run('07'), 'lab07-split').entries()) {
      expect(row).toEqual([0, 1, 2, 3].map((bought) => (bought >= 2 * (at + 1) - 5 ? 1 : 0)))
    }
  })

  it('09: an index counts the copies where it is a serial number, and nothing where it is drawn', async () => {
    const [issued = [], inTurn = [], drawn = []] = values(await run('09'), 'lab09-issued')
    expect(inTurn).toEqual(issued)
    for (const [day, total] of issued.entries()) expect(drawn[day]).toBeGreaterThan(2 * (total ?? 0))
  })

  it('10: each forgery is taken by the lenient checker and by no other', async () => {
    for (const [naive, ours] of values(await run('10'), 'lab10-matrix')) expect([naive, ours]).toEqual([3, 0])
  })

  it('11: rotation takes every stolen key its worth', async () => {
    const [before = [], after = []] = values(await run('11'), 'lab11-rotation')
    expect(before).toEqual([0, 100, 100, 10])
    expect(after).toEqual([0, 0, 0, 0])
  })

  it('another seed is another town with the same lesson', async () => {
    for (const id of ['02', '06', '09', '12']) {
      const { naive, ours } = await run(id, 'another')
      expect(naive.successes).toBeGreaterThan(0)
      expect(ours.successes).toBe(0)
    }
  })
})

describe('SM3 of the naive designs', () => {
  it('gives the value of the standard, and that of OpenSSL where it has it', () => {
    expect(toHex(sm3(utf8('abc')))).toBe('66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0')
    if (!getHashes().includes('sm3')) return
    for (const text of ['', '11010519491231002X', 'x'.repeat(55)]) {
      expect(toHex(sm3(utf8(text)))).toBe(createHash('sm3').update(text).digest('hex'))
    }
  })
})
