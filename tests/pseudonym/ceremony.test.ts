// The ceremony without a dealer: right results, and every cheater named.
import { beforeAll, describe, expect, test } from 'vitest'
import { equalBytes } from '#ctid/base'
import { type Group, loadSodiumGroup, nobleGroup, type Scalar, type Share } from '#ctid/crypto'
import {
  dealProduct,
  multiplyShared,
  openShared,
  productKey,
  receiveProduct,
  runFactorCeremony,
  type SharedSecret,
  shareSecret,
  verifyFactor,
  witnessFactor,
} from '#ctid/pseudonym'
import { openAll, seededRandom } from './world.ts'

let group: Group
beforeAll(async () => {
  group = await loadSodiumGroup()
})

const random = seededRandom('ceremony')
const share = (threshold = 2, count = 3): SharedSecret => shareSecret({ threshold, count, random })

function deals(a: SharedSecret, b: SharedSecret) {
  const ids = a.shares.map(({ id }) => id)
  return a.shares.map((own, i) =>
    dealProduct(group, own, b.shares[i] as Share, { threshold: a.key.threshold, ids, random }),
  )
}

describe('product of two shared secrets', () => {
  test.each([
    [2, 3],
    [2, 4],
    [3, 5],
  ])('%i of %i: any t shares open to a·b', (threshold, count) => {
    const [a, b] = [share(threshold, count), share(threshold, count)]
    const product = multiplyShared(group, a, b, { random })
    const expected = group.scalarMultiply(openAll(group, a.shares), openAll(group, b.shares))
    for (let first = 0; first + threshold <= count; first++) {
      const quorum = product.shares.slice(first, first + threshold)
      expect(openAll(group, quorum)).toEqual(expected)
      expect(openShared(group, product.key, quorum)).toEqual(expected)
    }
    expect(equalBytes(openAll(group, product.shares.slice(0, threshold - 1)), expected)).toBe(false)
    for (const { id, secret } of product.shares) {
      expect(product.key.shares.find((one) => one.id === id)?.publicKey).toEqual(group.multiplyBase(secret))
    }
  })

  test('a party that multiplies wrongly is named', () => {
    const [a, b] = [share(), share()]
    const broadcasts = deals(a, b).map(({ broadcast }) => broadcast)
    const lie = {
      ...(broadcasts[1] as (typeof broadcasts)[0]),
      product: group.multiplyBase(group.randomScalar(random)),
    }
    expect(() =>
      productKey(group, a.key, b.key, [broadcasts[0] as typeof lie, lie, broadcasts[2] as typeof lie]),
    ).toThrow(/party 2: product not proved/)
  })

  test('a party that deals a wrong part is named by the receiver', () => {
    const all = deals(share(), share())
    const received = all.map(({ broadcast, parts }, i) => ({
      broadcast,
      part: i === 2 ? group.randomScalar(random) : (parts.get(1) as Scalar),
    }))
    expect(() => receiveProduct(group, 1, received)).toThrow(/party 3: wrong part dealt/)
  })

  test('fewer than 2t−1 parties are refused', () => {
    const [a, b] = [share(), share()]
    const broadcasts = deals(a, b).map(({ broadcast }) => broadcast)
    expect(() => productKey(group, a.key, b.key, broadcasts.slice(0, 2))).toThrow(/needs 3 parties/)
    expect(() => shareSecret({ threshold: 3, count: 4, random })).toThrow(/n ≥ 2t−1/)
  })

  test('a wrong share at an opening is named', () => {
    const secret = share()
    const [first, second] = secret.shares as [Share, Share]
    expect(() => openShared(group, secret.key, [first, { ...second, secret: first.secret }])).toThrow(
      /party 2/,
    )
  })
})

describe('factor between two sectors', () => {
  test('D·x_A = x_B and strip = −D·w, while nobody held any of them', () => {
    const [from, to, envelope] = [share(), share(), share()]
    const { factor, strip } = runFactorCeremony(group, { from, to, envelope }, { random })
    const d = openAll(group, factor.shares)
    expect(group.scalarMultiply(d, openAll(group, from.shares))).toEqual(openAll(group, to.shares))
    expect(openAll(group, strip.shares)).toEqual(
      group.scalarNegate(group.scalarMultiply(d, openAll(group, envelope.shares))),
    )
    expect(factor.key.groupKey).toEqual(group.multiplyBase(d))
  })

  test('the public check accepts the right factor and no other', () => {
    const [from, to, envelope] = [share(), share(), share()]
    const { factor, strip } = runFactorCeremony(group, { from, to, envelope }, { random })
    const points = { from: from.key.groupKey, envelope: envelope.key.groupKey }
    const witnesses = factor.shares.map((own) => witnessFactor(group, own, { ...points, random }))
    const statement = { ...points, to: to.key.groupKey, factor: factor.key, strip: strip.key, witnesses }
    expect(() => verifyFactor(group, statement)).not.toThrow()
    // The other backend agrees.
    expect(() => verifyFactor(nobleGroup, statement)).not.toThrow()

    const other = share()
    expect(() => verifyFactor(group, { ...statement, to: other.key.groupKey })).toThrow(/does not lead/)
    expect(() => verifyFactor(group, { ...statement, strip: other.key })).toThrow(/strip does not match/)
    expect(() => verifyFactor(group, { ...statement, factor: other.key })).toThrow(/party 1: witness/)
    expect(() => verifyFactor(group, { ...statement, witnesses: witnesses.slice(0, 1) })).toThrow(/too few/)
    const bent = {
      ...factor.key,
      shares: factor.key.shares.map((one) => (one.id === 3 ? { ...one, publicKey: to.key.groupKey } : one)),
    }
    expect(() => verifyFactor(group, { ...statement, factor: bent })).toThrow(/no sharing/)
  })
})
