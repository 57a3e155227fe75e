// Blind conversion as mathematics: equal to the straight formula for every quorum, for nobody below it.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, equalBytes, utf8 } from '#ctid/base'
import { type Group, loadSodiumGroup, nobleGroup, type Point, type Scalar } from '#ctid/crypto'
import {
  ANCHOR,
  type Ciphertext,
  type ConversionPart,
  combineParts,
  convertRows,
  decryptPoint,
  encryptPoint,
  type FactorShare,
  pairId,
  publicFactorShare,
  receiverKey,
  refreshCeremony,
  trusteeShares,
  verifyPart,
} from '#ctid/pseudonym'
import * as libpep from '../../node_modules/@nolai/libpep-wasm/pkg-web/libpep.js'
import { makeWorld, openAll, oracle, receiverOf, syntheticAnchors, type World } from './world.ts'

let group: Group
let world: World
beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'convert', threshold: 2, count: 4 })
})

const context = utf8('test')

function encrypt(to: string, points: readonly Point[]): Ciphertext[] {
  const key = group.add(receiverKey(world.directory, to), world.directory.envelope)
  return points.map((point) => encryptPoint(group, key, point, group.randomScalar(world.random)))
}

function partOf(id: number, from: string, to: string, inputs: readonly Ciphertext[]): ConversionPart {
  const share = trusteeShares(world.ceremony, id).get(pairId(from, to))
  if (!share) throw new Error('no share')
  return convertRows(group, share, {
    publicShare: publicFactorShare(world.directory, pairId(from, to), id),
    inputs,
    recipient: receiverKey(world.directory, to),
    context,
    random: world.random,
  })
}

function convert(from: string, to: string, points: readonly Point[], quorum: readonly number[]): Point[] {
  const inputs = encrypt(to, points)
  const parts = quorum.map((id) => partOf(id, from, to, inputs))
  return combineParts(group, parts).map((row) => decryptPoint(group, receiverOf(world, to), row))
}

const quorums = (size: number): number[][] => {
  const ids = [1, 2, 3, 4]
  return ids
    .flatMap((a) => ids.flatMap((b) => (size === 2 ? [[a, b]] : ids.map((c) => [a, b, c]))))
    .filter((ids_) => ids_.every((id, i) => i === 0 || id > (ids_[i - 1] as number)))
}

describe('a conversion', () => {
  test('equals the straight formula for every quorum of t and of more', () => {
    const [anchor] = syntheticAnchors(group, 1) as [Point]
    const health = oracle(world, anchor, 'health')
    for (const quorum of [...quorums(2), ...quorums(3), [1, 2, 3, 4], [4, 1]]) {
      expect(convert('health', 'transport', [health], quorum)).toEqual([oracle(world, anchor, 'transport')])
    }
  })

  test('no t−1 trustees get there', () => {
    const [anchor] = syntheticAnchors(group, 1) as [Point]
    const health = oracle(world, anchor, 'health')
    for (const id of [1, 2, 3, 4]) {
      const [result] = convert('health', 'transport', [health], [id])
      expect(equalBytes(result as Point, oracle(world, anchor, 'transport'))).toBe(false)
    }
  })

  test('A to B to C equals A to C equals enrolment in C', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 16 }),
        fc.constantFrom(...quorums(2)),
        (seed, quorum) => {
          const anchor = group.hashToGroup(seed, utf8('tests'))
          const [health] = convert(ANCHOR, 'health', [anchor], quorum) as [Point]
          const [transport] = convert('health', 'transport', [health], quorum) as [Point]
          const expected = convert(ANCHOR, 'civil', [anchor], quorum)
          expect(convert('transport', 'civil', [transport], quorum)).toEqual(expected)
          expect(convert('health', 'civil', [health], quorum)).toEqual(expected)
          expect(expected).toEqual([oracle(world, anchor, 'civil')])
        },
      ),
      { numRuns: 12, seed: 4 },
    )
  })

  test('is one-to-one: different persons stay different in every sector, and no sector shares a point with another', () => {
    const anchors = syntheticAnchors(group, 40)
    const health = convert(ANCHOR, 'health', anchors, [1, 3])
    const civil = convert(ANCHOR, 'civil', anchors, [2, 4])
    expect(new Set([...anchors, ...health, ...civil].map(String)).size).toBe(120)
  })

  test('gives fresh ciphertexts each time, so that even asker and receiver together cannot match rows', () => {
    const inputs = encrypt('transport', [oracle(world, syntheticAnchors(group, 1)[0] as Point, 'health')])
    const [once, twice] = [0, 1].map(() =>
      combineParts(group, [
        partOf(1, 'health', 'transport', inputs),
        partOf(2, 'health', 'transport', inputs),
      ]),
    ) as [Ciphertext[], Ciphertext[]]
    expect(once).not.toEqual(twice)
    // The test that works without re-randomisation: z1 = D·r·G = r·V for the asker who knows r and the public V.
    const r = group.randomScalar(world.random)
    const key = group.add(receiverKey(world.directory, 'transport'), world.directory.envelope)
    const input = [encryptPoint(group, key, syntheticAnchors(group, 1)[0] as Point, r)]
    const [output] = combineParts(group, [
      partOf(1, 'health', 'transport', input),
      partOf(2, 'health', 'transport', input),
    ]) as [Ciphertext]
    const factor = world.directory.factors.get('health>transport')?.factor.groupKey as Point
    expect(equalBytes(output.c1, group.multiply(r, factor))).toBe(false)
  })

  test('asker and gateway together cannot turn the audit half into an oracle for the common audit pseudonym', () => {
    // The asker puts P itself, unencrypted, where the audit copy belongs (the copies' proof would still pass) and
    // removes from the answer what it knows: r times the public strip key.
    const point = oracle(world, syntheticAnchors(group, 1)[0] as Point, 'health')
    const target = oracle(world, syntheticAnchors(group, 1)[0] as Point, 'audit')
    const r = group.randomScalar(world.random)
    const input = [{ c1: group.multiplyBase(r), c2: point }]
    const strip = world.directory.factors.get('health>audit')?.strip.groupKey as Point
    const peel = ({ c2 }: Ciphertext): Point => group.subtract(c2, group.multiply(r, strip))
    const [answer] = combineParts(
      group,
      [1, 2].map((id) => partOf(id, 'health', 'audit', input)),
    ) as [Ciphertext]
    expect(equalBytes(peel(answer), target)).toBe(false)

    // Without the trustees' fresh randomness the attack works; that is what the randomness is for.
    const naive = [1, 2].map((id): ConversionPart => {
      const { factor, strip: f } = trusteeShares(world.ceremony, id).get('health>audit') as FactorShare
      const outputs = input.map(({ c1, c2 }) => ({
        c1: group.multiply(factor, c1),
        c2: group.add(group.multiply(factor, c2), group.multiply(f, c1)),
      }))
      return { trustee: id, outputs, proof: new Uint8Array() }
    })
    const [leak] = combineParts(group, naive) as [Ciphertext]
    expect(peel(leak)).toEqual(target)
  })

  test('the receiver cannot read the request: the envelope key covers it', () => {
    const [anchor] = syntheticAnchors(group, 1) as [Point]
    const [row] = encrypt('transport', [anchor]) as [Ciphertext]
    expect(equalBytes(decryptPoint(group, receiverOf(world, 'transport'), row), anchor)).toBe(false)
  })
})

describe('the proof of a part', () => {
  const statement = (id: number, inputs: readonly Ciphertext[]) => ({
    publicShare: publicFactorShare(world.directory, 'health>transport', id),
    inputs,
    recipient: receiverKey(world.directory, 'transport'),
    context,
  })

  test('verifies, on both backends', () => {
    const inputs = encrypt('transport', syntheticAnchors(group, 5))
    const part = partOf(1, 'health', 'transport', inputs)
    expect(part.proof.length).toBe(128)
    expect(verifyPart(group, part, statement(1, inputs))).toBe(true)
    expect(verifyPart(nobleGroup, part, statement(1, inputs))).toBe(true)
  })

  test('a change of any row, key, context, or bit of the proof is noticed', () => {
    const inputs = encrypt('transport', syntheticAnchors(group, 3))
    const part = partOf(1, 'health', 'transport', inputs)
    const good = statement(1, inputs)
    const point = group.multiplyBase(group.randomScalar(world.random))
    for (const row of [0, 1, 2]) {
      for (const field of ['c1', 'c2'] as const) {
        const outputs = part.outputs.map((output, i) => (i === row ? { ...output, [field]: point } : output))
        expect(verifyPart(group, { ...part, outputs }, good)).toBe(false)
        const moved = inputs.map((input, i) => (i === row ? { ...input, [field]: point } : input))
        expect(verifyPart(group, part, { ...good, inputs: moved })).toBe(false)
      }
    }
    const swapped = [part.outputs[1], part.outputs[0], part.outputs[2]] as Ciphertext[]
    expect(verifyPart(group, { ...part, outputs: swapped }, good)).toBe(false)
    expect(verifyPart(group, { ...part, outputs: part.outputs.slice(1) }, good)).toBe(false)
    expect(verifyPart(group, part, { ...good, recipient: point })).toBe(false)
    expect(verifyPart(group, part, { ...good, context: utf8('other') })).toBe(false)
    expect(verifyPart(group, part, statement(2, inputs))).toBe(false)
    for (let at = 0; at < 128; at += 13) {
      const proof = part.proof.slice()
      proof[at] = (proof[at] as number) ^ 1
      expect(verifyPart(group, { ...part, proof }, good)).toBe(false)
    }
    expect(verifyPart(group, { ...part, proof: new Uint8Array(128) }, good)).toBe(false)
    expect(verifyPart(group, { ...part, proof: part.proof.subarray(1) }, good)).toBe(false)
  })

  test('errors that cancel between rows are noticed: the weights depend on all of them', () => {
    const inputs = encrypt('transport', syntheticAnchors(group, 2))
    const part = partOf(1, 'health', 'transport', inputs)
    const error = group.multiplyBase(group.randomScalar(world.random))
    const [first, second] = part.outputs as [Ciphertext, Ciphertext]
    const outputs = [
      { ...first, c2: group.add(first.c2, error) },
      { ...second, c2: group.subtract(second.c2, error) },
    ]
    expect(verifyPart(group, { ...part, outputs }, statement(1, inputs))).toBe(false)
  })

  test('a trustee with another share cannot prove it', () => {
    const inputs = encrypt('transport', syntheticAnchors(group, 2))
    const wrong = {
      factor: group.randomScalar(world.random),
      strip: group.randomScalar(world.random) as Scalar,
    }
    const part = convertRows(group, wrong, { ...statement(1, inputs), random: world.random })
    expect(verifyPart(group, part, statement(1, inputs))).toBe(false)
  })
})

describe('refreshed shares', () => {
  test('convert to the same points; old and new shares do not combine', () => {
    const refreshed = refreshCeremony(group, world.ceremony, { random: world.random })
    const pair = 'health>transport'
    const entry = refreshed.factors.get(pair) as NonNullable<ReturnType<typeof refreshed.factors.get>>
    const anchor = syntheticAnchors(group, 1)[0] as Point
    const inputs = encrypt('transport', [oracle(world, anchor, 'health')])
    const renewed = (id: number): ConversionPart => {
      const publicShare = {
        id,
        factor: entry.factor.key.shares[id - 1]?.publicKey as Point,
        strip: entry.strip.key.shares[id - 1]?.publicKey as Point,
      }
      const statement = { publicShare, inputs, recipient: receiverKey(world.directory, 'transport'), context }
      const share = trusteeShares(refreshed, id).get(pair) as FactorShare
      const part = convertRows(group, share, { ...statement, random: world.random })
      expect(verifyPart(group, part, statement)).toBe(true)
      return part
    }
    const read = (parts: ConversionPart[]): Point =>
      decryptPoint(group, receiverOf(world, 'transport'), combineParts(group, parts)[0] as Ciphertext)
    expect(entry.factor.key.groupKey).toEqual(world.ceremony.factors.get(pair)?.factor.key.groupKey)
    expect(read([renewed(1), renewed(3)])).toEqual(oracle(world, anchor, 'transport'))
    const mixed = read([renewed(1), partOf(3, 'health', 'transport', inputs)])
    expect(equalBytes(mixed, oracle(world, anchor, 'transport'))).toBe(false)
  })
})

describe('libpep, another implementation on the same group', () => {
  test('reads, reshuffles and re-randomises our ciphertexts, and we read its', () => {
    const wasm = new URL('../../node_modules/@nolai/libpep-wasm/pkg-web/libpep_bg.wasm', import.meta.url)
    libpep.initSync({ module: readFileSync(wasm) })
    const [anchor] = syntheticAnchors(group, 1) as [Point]
    const secret = receiverOf(world, 'transport')
    const key = receiverKey(world.directory, 'transport')
    const theirs = (scalar: Scalar) => libpep.ScalarNonZero.fromBytes(scalar) as libpep.ScalarNonZero
    // Their conversion of our encryption, with the whole factor in one hand, equals ours by shares.
    const factor = openAll(group, world.ceremony.factors.get('health>transport')?.factor.shares ?? [])
    const health = oracle(world, anchor, 'health')
    const { c1, c2 } = encryptPoint(group, key, health, group.randomScalar(world.random))
    const input = libpep.ElGamal.fromBytes(concatBytes(c1, c2)) as libpep.ElGamal
    const gy = libpep.GroupElement.fromBytes(key) as libpep.GroupElement
    const output = libpep.rerandomize(
      libpep.reshuffle(input, theirs(factor)),
      gy,
      libpep.ScalarNonZero.random(),
    )
    const bytes = output.toBytes()
    const read = { c1: group.parsePoint(bytes.subarray(0, 32)), c2: group.parsePoint(bytes.subarray(32, 64)) }
    const [ours] = convert('health', 'transport', [health], [2, 3])
    expect(decryptPoint(group, secret, read)).toEqual(ours)
    // Their decryption of what our trustees made.
    const inputs = encrypt('transport', [health])
    const [made] = combineParts(
      group,
      [1, 4].map((id) => partOf(id, 'health', 'transport', inputs)),
    ) as [Ciphertext]
    const ciphertext = libpep.ElGamal.fromBytes(concatBytes(made.c1, made.c2)) as libpep.ElGamal
    expect(libpep.decrypt(ciphertext, theirs(secret)).toBytes()).toEqual(ours)
  })
})
