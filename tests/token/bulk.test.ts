// The bulk path: same anchors, fewer multiplications; lies are found by canaries and by proofs asked for afterwards.

import { describe, expect, it } from 'vitest'
import {
  combineWeighted,
  deriveAnchors,
  deriveAnchorsBulk,
  deriveAnchorsSampled,
  type Evaluator,
  invertAll,
  localEvaluator,
  packPoints,
  unpackPoints,
  weightedShare,
} from '#ctid/token'
import { toHex } from '../../src/base/index.ts'
import { type Share, scalarFromInt } from '../../src/crypto/index.ts'
import { ceremony, groups, identities, seeded, sodium } from './fixtures.ts'

const { keySet, shares } = ceremony(2, 3)
const local = (share: Share) => localEvaluator(share, { group: sodium, random: seeded(`e${share.id}`) })
const evaluators = shares.map(local)
const options = { keySet, group: sodium, random: seeded('bulk') }
const ids = identities(40)
const { anchors: proved } = await deriveAnchors(ids, { ...options, evaluators })

describe('synchronous core', () => {
  it.each(groups)('gives the anchors of the proved path on %s', (_name, group) => {
    const weighted = [shares[0], shares[2]].map((share) => weightedShare(group, share as Share, [1, 3]))
    const some = ids.slice(0, 4)
    expect(deriveAnchorsBulk(some, { group, weighted, random: seeded('b') })).toEqual(proved.slice(0, 4))
  })

  it('packs points and checks what it unpacks', () => {
    expect(unpackPoints(sodium, packPoints(proved))).toEqual(proved)
    const broken = packPoints(proved)
    broken.fill(255, 32, 64)
    expect(() => unpackPoints(sodium, broken)).toThrowError(
      expect.objectContaining({ code: 'ERR_CRYPTO_POINT' }),
    )
    expect(() => unpackPoints(sodium, new Uint8Array(33))).toThrow()
  })

  it('inverts many scalars at once', () => {
    const random = seeded('invert')
    const scalars = Array.from({ length: 9 }, () => sodium.randomScalar(random))
    expect(invertAll(sodium, scalars)).toEqual(scalars.map((scalar) => sodium.scalarInvert(scalar)))
    expect(invertAll(sodium, [])).toEqual([])
    expect(combineWeighted(sodium, [], [])).toEqual([])
  })
})

describe('sampled proofs and canaries', () => {
  const canaries = [3, 9].map((i) => ({
    id: ids[i] ?? expect.unreachable(),
    anchor: proved[i] ?? expect.unreachable(),
  }))

  it('gives the same anchors, and proves about one batch in so many', async () => {
    const all = await deriveAnchorsSampled(ids, { ...options, evaluators, canaries, proveOneIn: 1 })
    expect(all).toEqual({ anchors: proved, faults: [], proved: 1, batches: 1 })
    const none = await deriveAnchorsSampled(ids, { ...options, evaluators, canaries, proveOneIn: 2 ** 40 })
    expect(none).toEqual({ anchors: proved, faults: [], proved: 0, batches: 1 })
  })

  const lying = (index: number): Evaluator => {
    const honest = local(shares[index] as Share)
    const wrong = local({ ...(shares[index] as Share), secret: scalarFromInt(3) })
    return { ...wrong, id: honest.id, evaluate: (blinded, call) => honest.evaluate(blinded, call) }
  }

  it('names an evaluator that lies in bulk and is honest when it knows it must prove', async () => {
    const group = { ...options, evaluators: [local(shares[0] as Share), lying(1), local(shares[2] as Share)] }
    for (const extra of [{ canaries, proveOneIn: 2 ** 40 }, { proveOneIn: 1 }]) {
      const result = await deriveAnchorsSampled(ids, { ...group, ...extra })
      expect(result.faults).toContainEqual({ evaluator: 2, reason: 'wrong-proof' })
      expect(result.anchors).toEqual(proved)
      expect(result.proved).toBe(result.batches)
    }
  })

  it('without canary and sample a lie passes: that is the price, and why neither may be left out', async () => {
    const cheap = await deriveAnchorsSampled(ids, {
      ...options,
      evaluators: [local(shares[0] as Share), lying(1)],
      proveOneIn: 2 ** 40,
    })
    expect(cheap.anchors.map(toHex)).not.toEqual(proved.map(toHex))
  })

  it('falls back when an evaluator goes away, and re-derives earlier unproved batches', async () => {
    const many = identities(16 + 5, 'many')
    let calls = 0
    const fading: Evaluator = {
      ...local(shares[1] as Share),
      evaluateWeighted: async (blinded, quorum) => {
        if (++calls > 1) throw new Error('gone')
        return (await local(shares[1] as Share).evaluateWeighted?.(blinded, quorum)) ?? []
      },
      evaluate: () => Promise.reject(new Error('gone')),
    }
    const group = { ...options, evaluators: [local(shares[0] as Share), fading, local(shares[2] as Share)] }
    const result = await deriveAnchorsSampled(many, { ...group, proveOneIn: 2 ** 40, batchSize: 16 })
    expect(result.faults).toEqual([{ evaluator: 2, reason: 'unreachable' }])
    expect(result).toMatchObject({ proved: 2, batches: 2 })
    const last = await deriveAnchors(many.slice(-1), { ...options, evaluators })
    expect(result.anchors.at(-1)).toEqual(last.anchors[0])
  })
})
