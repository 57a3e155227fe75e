// Anchors: every quorum gives what a single key would give; who lies or is away is named and routed around.

import { describe, expect, it } from 'vitest'
import {
  combineParts,
  deriveAnchors,
  type Evaluator,
  evaluateShare,
  inputElement,
  localEvaluator,
  rotatedKeySet,
  rotatedShare,
  sectorPoint,
  sectorToken,
} from '#ctid/token'
import { toHex } from '../../src/base/index.ts'
import {
  combineAtZero,
  lagrangeAtZero,
  nobleGroup,
  type Point,
  type Scalar,
  type Share,
  scalarFromInt,
} from '../../src/crypto/index.ts'
import vectors from '../vectors/token.json' with { type: 'json' }
import { ceremony, groups, identities, seeded, sodium, subsets } from './fixtures.ts'

const { keySet, shares } = ceremony(3, 5)

// The tests may do what nobody may do in earnest: put the key together.
function wholeKey(parts: readonly Share[]): Scalar {
  const weights = lagrangeAtZero(
    sodium,
    parts.map((part) => part.id),
  )
  return parts
    .map((part) => sodium.scalarMultiply(weights.get(part.id) as Scalar, part.secret))
    .reduce((a, b) => sodium.scalarAdd(a, b))
}

const K = wholeKey(shares.slice(0, 3))
const expected = (id: Uint8Array) => sodium.multiply(K, inputElement(sodium, id))
const local = (share: Share): Evaluator =>
  localEvaluator(share, { group: sodium, random: seeded(`e${share.id}`) })
const options = { keySet, group: sodium, random: seeded('blinds') }

describe('threshold evaluation, 3 of 5', () => {
  it.each(subsets([1, 2, 3, 4, 5], 3))(
    'quorum %i %i %i gives what the single key gives',
    async (...quorum) => {
      const evaluators = shares.filter((share) => quorum.includes(share.id)).map(local)
      const ids = identities(3)
      const { anchors, faults } = await deriveAnchors(ids, { ...options, evaluators })
      expect(anchors).toEqual(ids.map(expected))
      expect(faults).toEqual([])
    },
  )

  it.each(groups)('gives the same on %s', async (_name, group) => {
    const evaluators = shares.map((share) => localEvaluator(share, { group, random: seeded('x') }))
    const { anchors } = await deriveAnchors(identities(1), { ...options, group, evaluators })
    expect(anchors).toEqual(identities(1).map(expected))
  })

  it('never sends the same element twice for one identity', async () => {
    const sent: string[] = []
    const spying = shares.map((share): Evaluator => {
      const inner = local(share)
      return {
        id: inner.id,
        evaluate: (blinded) => {
          if (share.id === 1) sent.push(...blinded.map(toHex))
          return inner.evaluate(blinded)
        },
      }
    })
    const id = identities(1)
    await deriveAnchors([...id, ...id], { ...options, evaluators: spying })
    await deriveAnchors(id, { ...options, evaluators: spying })
    expect(new Set(sent).size).toBe(3)
    expect(sent).not.toContain(toHex(inputElement(sodium, id[0] as Uint8Array)))
  })

  it('with two shares gives another point', () => {
    const id = identities(1)[0] as Uint8Array
    const element = inputElement(sodium, id)
    const parts = shares
      .slice(0, 2)
      .map((share) => ({ id: share.id, point: sodium.multiply(share.secret, element) }))
    expect(toHex(combineAtZero(sodium, parts))).not.toBe(toHex(expected(id)))
  })

  it('splits many inputs into batches in order, and accepts none', async () => {
    const two = ceremony(2, 2, 'two')
    const sizes: number[] = []
    const evaluators = two.shares.map(
      (share): Evaluator => ({
        id: share.id,
        evaluate: async (blinded) => {
          sizes.push(blinded.length)
          return evaluateShare(sodium, share, blinded, seeded('b'))
        },
      }),
    )
    const ids = identities(2 * 16 + 3)
    const few = await deriveAnchors([], { ...options, keySet: two.keySet, evaluators })
    expect(few).toEqual({ anchors: [], faults: [] })
    const { anchors } = await deriveAnchors(ids, {
      ...options,
      keySet: two.keySet,
      evaluators,
      batchSize: 16,
    })
    expect(sizes).toEqual([16, 16, 16, 16, 3, 3])
    const again = await deriveAnchors(ids.slice(-1), { ...options, keySet: two.keySet, evaluators })
    expect(anchors.at(-1)).toEqual(again.anchors[0])
    expect(new Set(anchors.map(toHex)).size).toBe(ids.length)
    for (const batchSize of [0, 1025, 1.5]) {
      const derivation = deriveAnchors(ids, { ...options, keySet: two.keySet, evaluators, batchSize })
      await expect(derivation).rejects.toMatchObject({ code: 'ERR_TOKEN_BATCH' })
    }
  })

  it('refuses empty and oversize inputs', async () => {
    const evaluators = shares.map(local)
    for (const id of [new Uint8Array(), new Uint8Array(65_536)]) {
      await expect(deriveAnchors([id], { ...options, evaluators })).rejects.toMatchObject({
        code: 'ERR_TOKEN_INPUT',
      })
    }
  })
})

describe('faulty evaluators', () => {
  const honest = (id: number) => local(shares[id - 1] as Share)
  const wrongShare = (id: number) =>
    localEvaluator(
      { ...(shares[id - 1] as Share), secret: scalarFromInt(7) as Scalar },
      { group: sodium, random: seeded('w') },
    )
  const oneWrongOfMany = (id: number): Evaluator => ({
    id,
    async evaluate(blinded) {
      const answer = await honest(id).evaluate(blinded)
      const evaluated = [...answer.evaluated]
      evaluated[1] = sodium.multiplyBase(scalarFromInt(5))
      return { ...answer, evaluated }
    },
  })
  const swapped = (id: number): Evaluator => ({
    id,
    async evaluate(blinded) {
      const answer = await honest(id).evaluate(blinded)
      return { ...answer, evaluated: answer.evaluated.toReversed() }
    },
  })
  const short = (id: number): Evaluator => ({ id, evaluate: async (b) => honest(id).evaluate(b.slice(1)) })
  const garbage = (id: number): Evaluator => ({
    id,
    evaluate: async (b) => ({
      evaluated: b.map(() => new Uint8Array(32).fill(255) as Uint8Array as Point),
      proof: new Uint8Array(64),
    }),
  })
  // From a client that is not ours and looks at nothing.
  const nothing = (id: number): Evaluator => ({ id, evaluate: async () => undefined as never })
  const noBytes = (id: number): Evaluator => ({
    id,
    evaluate: async (b) => ({ evaluated: b.map(() => 'x'), proof: 'x' }) as never,
  })
  const away = (id: number): Evaluator => ({ id, evaluate: () => Promise.reject(new Error('ECONNREFUSED')) })
  const asleep = (id: number): Evaluator => ({ id, evaluate: () => new Promise(() => {}) })

  it.each([
    ['a wrong share', wrongShare, 'wrong-proof'],
    ['one wrong element of a batch', oneWrongOfMany, 'wrong-proof'],
    ['swapped elements', swapped, 'wrong-proof'],
    ['too few elements', short, 'malformed'],
    ['bytes that are no elements', garbage, 'wrong-proof'],
    ['an answer that is none', nothing, 'malformed'],
    ['an answer of another type', noBytes, 'malformed'],
    ['no connection', away, 'unreachable'],
    ['no answer', asleep, 'timed-out'],
  ])('%s is named and routed around', async (_what, faulty, reason) => {
    const ids = identities(3)
    const evaluators = [honest(1), faulty(2), honest(3), honest(4), honest(5)]
    const { anchors, faults } = await deriveAnchors(ids, { ...options, evaluators, timeoutSeconds: 2 })
    expect(anchors).toEqual(ids.map(expected))
    expect(faults).toEqual([{ evaluator: 2, reason }])
  })

  it('survives n − t faults and names each; one more is an error that names all', async () => {
    const id = identities(2)
    const two = [wrongShare(1), away(2), honest(3), honest(4), honest(5)]
    const { anchors, faults } = await deriveAnchors(id, { ...options, evaluators: two })
    expect(anchors).toEqual(id.map(expected))
    expect(faults).toEqual([
      { evaluator: 1, reason: 'wrong-proof' },
      { evaluator: 2, reason: 'unreachable' },
    ])
    const three = [wrongShare(1), away(2), swapped(3), honest(4), honest(5)]
    await expect(deriveAnchors(id, { ...options, evaluators: three })).rejects.toMatchObject({
      code: 'ERR_TOKEN_QUORUM',
      detail: 'evaluator 1 wrong-proof, evaluator 2 unreachable, evaluator 3 wrong-proof',
    })
  })

  it('does not count one evaluator twice', async () => {
    const evaluators = [honest(1), honest(1), honest(1), honest(2)]
    await expect(deriveAnchors(identities(1), { ...options, evaluators })).rejects.toMatchObject({
      code: 'ERR_TOKEN_QUORUM',
    })
  })
})

describe('sector points and tokens', () => {
  it('match the vectors', () => {
    for (const v of vectors.tokens) {
      const anchor = sodium.multiply(sodium.parseScalar(hex(v.K)), inputElement(sodium, hex(v.identity)))
      expect(toHex(anchor)).toBe(v.anchor)
      const point = sectorPoint(sodium, sodium.parseScalar(hex(v.x)), anchor)
      expect(toHex(point)).toBe(v.point)
      expect(toHex(sectorToken(hex(v.key), point, { keyVersion: v.keyVersion }))).toBe(v.token)
      const shares = v.shares.map((share) => ({
        id: share.id,
        secret: sodium.parseScalar(hex(share.secret)),
      }))
      const blind = sodium.parseScalar(hex(v.blind))
      const blinded = nobleGroup.multiply(blind, inputElement(nobleGroup, hex(v.identity)))
      expect(toHex(blinded)).toBe(v.blinded)
      for (const quorum of subsets([0, 1, 2], 2)) {
        const parts = quorum.map((i) => {
          const share = shares[i] ?? expect.unreachable()
          return { id: share.id, evaluated: [sodium.multiply(share.secret, blinded)] }
        })
        expect(combineParts(sodium, parts, [blind]).map(toHex)).toEqual([v.anchor])
      }
    }
  })

  it('match the vectors across a rotation of K', () => {
    const [{ K, identity, anchor, point, shares: former }] = vectors.tokens as [(typeof vectors.tokens)[0]]
    const { rotation } = vectors
    const sharesOf = (all: typeof former) =>
      all.map(({ id, secret: text }) => {
        const secret = sodium.parseScalar(hex(text))
        return { id, secret, publicKey: sodium.multiplyBase(secret) }
      })
    const keySetOf = (secret: string, all: typeof former, version: number) => ({
      version,
      epoch: 0,
      threshold: 2,
      groupKey: sodium.multiplyBase(sodium.parseScalar(hex(secret))),
      shares: sharesOf(all).map(({ id, publicKey }) => ({ id, publicKey })),
    })
    const keys = {
      current: keySetOf(K, former, 1),
      rotation: keySetOf(rotation.rho, rotation.rotationShares, 2),
    }
    const deals = rotation.deals.map(({ dealer, commitments, proof, parts }) => ({
      dealer,
      commitments: commitments.map((text) => sodium.parsePoint(hex(text))),
      proof: hex(proof),
      parts: new Map(parts.map(({ id, part }) => [id, sodium.parseScalar(hex(part))])),
    }))
    const next = rotatedKeySet(keys, deals, sodium)
    expect(toHex(next.groupKey)).toBe(rotation.nextGroupKey)
    for (const { id, secret } of rotation.nextShares) {
      expect(toHex(rotatedShare(id, keys, next, deals, sodium).secret)).toBe(secret)
    }
    const rho = sodium.parseScalar(hex(rotation.rho))
    expect(toHex(sodium.multiply(rho, sodium.parsePoint(hex(anchor))))).toBe(rotation.anchor)
    expect(toHex(sodium.multiply(rho, sodium.parsePoint(hex(point))))).toBe(rotation.point)
    // The same as a fresh derivation under the next key.
    const fresh = sodium.multiply(
      wholeKey(sharesOf(rotation.nextShares)),
      inputElement(sodium, hex(identity)),
    )
    expect(toHex(fresh)).toBe(rotation.anchor)
  })

  it('depend on key, key version and point, each', () => {
    const point = sodium.multiplyBase(scalarFromInt(3))
    const other = sodium.multiplyBase(scalarFromInt(4))
    const key = new Uint8Array(32).fill(1)
    const tokens = [
      sectorToken(key, point, { keyVersion: 1 }),
      sectorToken(key, point, { keyVersion: 2 }),
      sectorToken(key, other, { keyVersion: 1 }),
      sectorToken(new Uint8Array(32), point, { keyVersion: 1 }),
    ]
    expect(new Set(tokens.map(toHex)).size).toBe(4)
  })
})

const hex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
