// ristretto255: both backends give the same bytes, refuse the same garbage, and prove and combine as the papers say.
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { concatBytes, systemRandom, utf8 } from '#ctid/base'
import {
  applyRefresh,
  combineAtZero,
  dealRefresh,
  type Group,
  loadSodiumGroup,
  nobleGroup,
  type Point,
  proveDleq,
  refreshedKey,
  runDkg,
  type Scalar,
  verifyDleq,
} from '#ctid/crypto'

let sodium: Group
beforeAll(async () => {
  sodium = await loadSodiumGroup()
})

const wide = fc.uint8Array({ minLength: 64, maxLength: 64 })
const runs = { numRuns: 15, seed: 9497 }
const backends = () => [nobleGroup, sodium]

describe('the two backends', () => {
  it('give identical bytes for every operation', () => {
    fc.assert(
      fc.property(wide, wide, fc.uint8Array(), (a, b, message) => {
        const [n, s] = backends().map((group) => {
          const x = group.randomScalar(() => a)
          const y = group.randomScalar(() => b)
          const p = group.hashToGroup(message, utf8('test'))
          const q = group.multiplyBase(y)
          return [
            x,
            p,
            q,
            group.multiply(x, p),
            group.add(p, q),
            group.subtract(p, q),
            group.scalarAdd(x, y),
            group.scalarSubtract(x, y),
            group.scalarMultiply(x, y),
            group.scalarInvert(x),
            group.scalarNegate(x),
            group.hashToScalar(message, utf8('test')),
          ].map((bytes) => Buffer.from(bytes).toString('hex'))
        }) as [string[], string[]]
        expect(s).toEqual(n)
      }),
      runs,
    )
  })

  it('refuse the identity, non-canonical encodings, wrong lengths and zero', () => {
    const order = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')
    const badPoints = [
      new Uint8Array(32),
      new Uint8Array(31),
      Buffer.alloc(32, 0xff),
      Buffer.from(`01${'00'.repeat(31)}`, 'hex'),
    ]
    for (const group of backends()) {
      for (const bad of badPoints)
        expect(() => group.parsePoint(bad)).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_POINT' }))
      for (const bad of [new Uint8Array(32), order, Buffer.alloc(32, 0xff), new Uint8Array(33)]) {
        expect(() => group.parseScalar(bad)).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_SCALAR' }))
      }
      const p = group.multiplyBase(group.randomScalar(systemRandom))
      expect(() => group.subtract(p, p)).toThrow(expect.objectContaining({ code: 'ERR_CRYPTO_POINT' }))
      expect(() => group.multiply(group.randomScalar(systemRandom), badPoints[2] as Point)).toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_POINT' }),
      )
    }
  })
})

describe('DLEQ proofs', () => {
  it('are byte-compatible with an independent RFC 9497 implementation', () => {
    const keys = ristretto255_oprf.voprf.deriveKeyPair(new Uint8Array(32).fill(7), utf8('test'))
    const inputs = ['a', 'b', 'c'].map((text) => ristretto255_oprf.voprf.blind(utf8(text)).blinded as Point)
    const nonce = nobleGroup.randomScalar(systemRandom)
    // The library maps 48 random bytes r to (r mod (n−1)) + 1, we reduce 64: feed each what gives the same nonce.
    const theirs = ristretto255_oprf.voprf.blindEvaluateBatch(
      keys.secretKey,
      keys.publicKey,
      inputs,
      (length) => {
        const out = new Uint8Array(length ?? 48)
        out.set(nonce)
        for (let i = 0; ; i++) {
          const byte = out[i] as number
          out[i] = (byte - 1) & 255
          if (byte !== 0) return out
        }
      },
    )
    for (const group of backends()) {
      const k = group.parseScalar(keys.secretKey)
      const outputs = inputs.map((point) => group.multiply(k, point))
      expect(outputs).toEqual(theirs.evaluated.map((bytes) => new Uint8Array(bytes)))
      const statement = { publicKey: keys.publicKey as Point, inputs, outputs }
      const proof = proveDleq(group, k, {
        ...statement,
        random: (length) => concatBytes(nonce, new Uint8Array(length - 32)),
      })
      expect(proof).toEqual(new Uint8Array(theirs.proof))
      expect(verifyDleq(group, proof, statement)).toBe(true)
    }
  })

  it('fail for any flipped byte, any other statement, and any other context', () => {
    const k = sodium.randomScalar(systemRandom)
    const inputs = [1, 2].map(() => sodium.multiplyBase(sodium.randomScalar(systemRandom)))
    const outputs = inputs.map((point) => sodium.multiply(k, point))
    const statement = { publicKey: sodium.multiplyBase(k), inputs, outputs }
    const proof = proveDleq(sodium, k, { ...statement, random: systemRandom })
    expect(verifyDleq(sodium, proof, statement)).toBe(true)
    for (let i = 0; i < proof.length; i++) {
      const bad = proof.slice()
      bad[i] = (bad[i] as number) ^ 1
      expect(verifyDleq(sodium, bad, statement)).toBe(false)
    }
    const swapped = { ...statement, outputs: outputs.toReversed() }
    expect(verifyDleq(sodium, proof, swapped)).toBe(false)
    expect(verifyDleq(sodium, proof, { ...statement, context: utf8('other') })).toBe(false)
    expect(verifyDleq(sodium, proof.subarray(1), statement)).toBe(false)
  })
})

describe('a key nobody holds', () => {
  const quorums = (ids: number[], t: number): number[][] =>
    t === 0 ? [[]] : ids.flatMap((id, i) => quorums(ids.slice(i + 1), t - 1).map((rest) => [id, ...rest]))

  it('is the same for every quorum, and not for fewer than t', () => {
    const { key, shares } = runDkg({ threshold: 3, count: 5, random: systemRandom })
    const point = sodium.hashToGroup(utf8('someone'), utf8('test'))
    const combine = (ids: number[]) =>
      combineAtZero(
        sodium,
        ids.map((id) => {
          const share = shares.find((candidate) => candidate.id === id)
          return { id, point: sodium.multiply((share as { secret: Scalar }).secret, point) }
        }),
      )
    const results = quorums([1, 2, 3, 4, 5], 3).map(combine)
    expect(results).toHaveLength(10)
    for (const result of results) expect(result).toEqual(results[0])
    for (const short of quorums([1, 2, 3, 4, 5], 2)) expect(combine(short)).not.toEqual(results[0])
    expect(key.shares.map((share) => share.publicKey)).toEqual(
      shares.map((share) => sodium.multiplyBase(share.secret)),
    )
    expect(
      combineAtZero(
        sodium,
        key.shares.slice(1, 4).map(({ id, publicKey }) => ({ id, point: publicKey })),
      ),
    ).toEqual(key.groupKey)
  })

  it('survives a refresh of its shares; old and new shares do not mix; a bad deal is named', () => {
    const { key, shares } = runDkg({ threshold: 2, count: 3, random: systemRandom })
    const ids = shares.map((share) => share.id)
    const deals = ids.map(() => dealRefresh(sodium, { threshold: 2, ids, random: systemRandom }))
    const fresh = shares.map((share) => applyRefresh(sodium, share, deals))
    const combined = (parts: typeof shares) =>
      combineAtZero(
        sodium,
        parts.map((share) => ({ id: share.id, point: sodium.multiplyBase(share.secret) })),
      )
    expect(combined(fresh.slice(0, 2))).toEqual(key.groupKey)
    expect(combined([shares[0], fresh[1]] as typeof shares)).not.toEqual(key.groupKey)
    expect(refreshedKey(sodium, key, deals).shares).toEqual(
      fresh.map(({ id, publicKey }) => ({ id, publicKey })),
    )
    const wrong = { ...deals[1], parts: (deals[0] as (typeof deals)[0]).parts } as (typeof deals)[0]
    expect(() =>
      applyRefresh(sodium, shares[0] as (typeof shares)[0], [deals[0], wrong] as typeof deals),
    ).toThrow(/refresh deal 2/)
  })
})
