// Copies of several holders in one round: logged once, in random order, each holder answered with their own receipts.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type RandomBytes, utf8 } from '#ctid/base'
import type { Receipt } from '#ctid/transparency'
import { mixedAppend } from '../../src/deployment/mixed-append.ts'

function seeded(seed: string): RandomBytes {
  let counter = 0
  return (length) =>
    new Uint8Array(createHash('shake256', { outputLength: length }).update(`${seed}/${counter++}`).digest())
}

/** A log that remembers its rounds and, in place of a proof, says in the receipt which entry it is for. */
function logOf(refuses: () => boolean = () => false) {
  const rounds: string[][] = []
  const append = async (entries: readonly Uint8Array[]): Promise<readonly Receipt[]> => {
    if (refuses()) throw new Error('refused')
    const names = entries.map((entry) => Buffer.from(entry).toString())
    rounds.push(names)
    return names.map((name, index) => ({ index, proof: [], checkpoint: name }))
  }
  return { rounds, append }
}

const copiesOf = (holder: string, count: number) =>
  Array.from({ length: count }, (_, i) => utf8(`${holder}${i + 1}`))
const names = (receipts: readonly Receipt[]) => receipts.map(({ checkpoint }) => checkpoint)

describe('copies that are logged together', () => {
  it('answers each holder with the receipts of their own copies, in their order, from one round', async () => {
    const log = logOf()
    const append = mixedAppend(log, { seconds: 0, random: seeded('own') })
    const [a, b, c] = await Promise.all([
      append(copiesOf('a', 3)),
      append(copiesOf('b', 1)),
      append(copiesOf('c', 2)),
    ])
    expect([names(a), names(b), names(c)]).toEqual([['a1', 'a2', 'a3'], ['b1'], ['c1', 'c2']])
    expect(log.rounds.map((round) => round.toSorted())).toEqual([['a1', 'a2', 'a3', 'b1', 'c1', 'c2']])
    expect(names(await append(copiesOf('d', 1)))).toEqual(['d1'])
    expect(log.rounds).toHaveLength(2)
  })

  it('gives the place of a copy nothing to do with its holder', async () => {
    // Among 2 + 8 entries there are 45 pairs of places, 9 of them neighbours.
    const random = seeded('places')
    let neighbours = 0
    const runs = 2000
    for (let i = 0; i < runs; i++) {
      const log = logOf()
      const append = mixedAppend(log, { seconds: 0, random, wait: async () => {} })
      const [pair] = await Promise.all([append(copiesOf('a', 2)), append(copiesOf('b', 8))])
      const [first = 0, second = 0] = pair.map(({ index }) => index)
      if (Math.abs(first - second) === 1) neighbours++
    }
    expect(Math.abs(neighbours / runs - 9 / 45)).toBeLessThan(0.04)
  })

  it('waits for others as long as it was told to, and no longer once the round is full', async () => {
    const log = logOf()
    const waits: { seconds: number; end: () => void }[] = []
    const append = mixedAppend(log, {
      seconds: 5,
      random: seeded('wait'),
      wait: (seconds) => new Promise((end) => waits.push({ seconds, end })),
    })
    const early = append(copiesOf('a', 1))
    await Promise.resolve()
    const late = append(copiesOf('b', 1))
    expect([waits.map(({ seconds }) => seconds), log.rounds]).toEqual([[5], []])
    waits[0]?.end()
    expect([names(await early), names(await late)]).toEqual([['a1'], ['b1']])
    // No timer has ended here: the round closed because it was full.
    expect(await append(copiesOf('c', 8192))).toHaveLength(8192)
    expect(log.rounds.map((round) => round.length)).toEqual([2, 8192])
  })

  it('refuses every call of a round that the log refused, and opens another', async () => {
    let down = true
    const log = logOf(() => down)
    const append = mixedAppend(log, { seconds: 0, random: seeded('down') })
    const both = await Promise.allSettled([append(copiesOf('a', 1)), append(copiesOf('b', 1))])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    down = false
    expect(names(await append(copiesOf('a', 1)))).toEqual(['a1'])
  })
})
