// The life of the token key: ceremony, refresh, rotation. Nobody ever holds it; deviations are named.

import { describe, expect, it } from 'vitest'
import {
  beginCeremony,
  type CeremonyBroadcast,
  checkKeySet,
  checkTranscriptKeys,
  dealProduct,
  dealShareRefresh,
  deriveAnchors,
  type EvaluatorKeySet,
  exchangeShares,
  finishCeremony,
  formatKeySet,
  generateSectorKeys,
  localEvaluator,
  type ProductDeal,
  parseKeySet,
  refreshKeySet,
  refreshShare,
  rotatedKeySet,
  rotatedShare,
  rotatePoints,
  rotateSectorPoint,
  runKeyRotation,
  runRefresh,
  sectorPoint,
} from '#ctid/token'
import { type Json, toHex } from '../../src/base/index.ts'
import { combineAtZero, type Point, type Share, scalarFromInt } from '../../src/crypto/index.ts'
import { ceremony, identities, seeded, sodium, subsets } from './fixtures.ts'

const group = sodium
const local = (shares: readonly Share[]) =>
  shares.map((share) => localEvaluator(share, { group, random: seeded('e') }))
const derive = (keySet: EvaluatorKeySet, shares: readonly Share[], ids = identities(3)) =>
  deriveAnchors(ids, { keySet, group, random: seeded('d'), evaluators: local(shares) })
const { keySet, shares } = ceremony(2, 3)
const refused = (call: () => unknown, code: string, detail?: string) =>
  expect(call).toThrowError(expect.objectContaining(detail === undefined ? { code } : { code, detail }))

describe('ceremony', () => {
  it('works round by round between parties that hold one share each', async () => {
    const options = { threshold: 2, count: 3, version: 4, random: seeded('rounds') }
    const parties = [1, 2, 3].map((id) => beginCeremony(id, options))
    const broadcasts = parties.map((party) => party.broadcast)
    const messages = parties.flatMap((party) => exchangeShares(party.state, broadcasts))
    const results = parties.map((party) => finishCeremony(party.state, broadcasts, messages, group))
    expect(new Set(results.map((result) => JSON.stringify(formatKeySet(result.keySet)))).size).toBe(1)
    expect(results[0]?.keySet).toMatchObject({ version: 4, epoch: 0, threshold: 2 })
    const first = results[0] ?? expect.unreachable()
    const { anchors } = await derive(
      first.keySet,
      results.map((result) => result.share),
    )
    expect(anchors).toHaveLength(3)
    checkTranscriptKeys(broadcasts, first.keySet, group)
    for (const { share } of results)
      expect(JSON.stringify(first.transcript)).not.toContain(toHex(share.secret))
  })

  it.each([
    [0, 2, 3, 'ERR_CRYPTO_THRESHOLD'],
    [1.5, 2, 3, 'ERR_CRYPTO_THRESHOLD'],
    [1, 1, 3, 'ERR_CRYPTO_THRESHOLD'],
    [1, 4, 3, 'ERR_CRYPTO_THRESHOLD'],
    [1, 2, 65, 'ERR_TOKEN_CEREMONY'],
  ])('is not begun by party %d of %d out of %d', (id, threshold, count, code) => {
    refused(() => beginCeremony(id, { threshold, count, random: seeded('none') }), code)
  })

  it('stops at a wrong message, a missing broadcast, or a changed commitment', () => {
    const options = { threshold: 2, count: 3, random: seeded('bad') }
    const begin = () => [1, 2, 3].map((id) => beginCeremony(id, options))
    let parties = begin()
    const broadcasts = parties.map((party) => party.broadcast)
    refused(
      () => exchangeShares((parties[0] ?? expect.unreachable()).state, broadcasts.slice(1)),
      'ERR_TOKEN_CEREMONY',
    )

    parties = begin()
    const messages = parties.flatMap((party) =>
      exchangeShares(
        party.state,
        parties.map((p) => p.broadcast),
      ),
    )
    const forged = messages.map((message) =>
      message.from === 2 && message.to === 1
        ? { ...message, package: { ...message.package, signingShare: new Uint8Array(scalarFromInt(9)) } }
        : message,
    )
    refused(
      () =>
        finishCeremony(
          (parties[0] ?? expect.unreachable()).state,
          parties.map((p) => p.broadcast),
          forged,
          group,
        ),
      'ERR_TOKEN_CEREMONY',
    )

    parties = begin()
    const other = beginCeremony(2, { ...options, random: seeded('other') })
    const mixed: CeremonyBroadcast[] = parties.map((party, i) =>
      i === 1
        ? { id: 2, package: { ...party.broadcast.package, commitment: other.broadcast.package.commitment } }
        : party.broadcast,
    )
    refused(() => exchangeShares((parties[0] ?? expect.unreachable()).state, mixed), 'ERR_TOKEN_CEREMONY')
  })

  it('publishes a key set that reads back, and any changed key in it is noticed', () => {
    const json = formatKeySet(keySet)
    expect(parseKeySet(json as Json, group)).toEqual(keySet)
    checkKeySet(keySet, group)
    const foreign = sodium.multiplyBase(scalarFromInt(11))
    for (const i of [0, 1, 2]) {
      const changed = {
        ...keySet,
        shares: keySet.shares.map((share, j) => (i === j ? { ...share, publicKey: foreign } : share)),
      }
      refused(() => checkKeySet(changed, group), 'ERR_TOKEN_KEY_SET')
    }
    refused(() => checkKeySet({ ...keySet, groupKey: foreign }, group), 'ERR_TOKEN_KEY_SET')
    refused(() => checkKeySet({ ...keySet, threshold: 1 }, group), 'ERR_TOKEN_KEY_SET')
    refused(() => checkKeySet({ ...keySet, threshold: 4 }, group), 'ERR_TOKEN_KEY_SET')
    for (const wrong of [
      null,
      [],
      {},
      { ...json, format: 'x' },
      { ...json, version: 0 },
      { ...json, epoch: 1.5 },
      { ...json, note: 'x' },
      { ...json, shares: [{ ...(json['shares'] as object[])[0], secret: 'x' }] },
      { ...json, groupKey: 'AA' },
      { ...json, shares: {} },
      { ...json, shares: [null] },
      { ...json, shares: [...(json['shares'] as object[])].reverse() },
      { ...json, shares: new Array(65).fill(null) },
    ]) {
      refused(() => parseKeySet(wrong as Json, group), 'ERR_TOKEN_KEY_SET')
    }
  })
})

describe('refresh', () => {
  it('keeps every anchor and makes old shares useless with new ones', async () => {
    const before = await derive(keySet, shares)
    const next = runRefresh(keySet, shares, { group, random: seeded('refresh') })
    expect(next.keySet).toMatchObject({ version: 1, epoch: 1, groupKey: keySet.groupKey })
    for (const quorum of subsets([0, 1, 2], 2)) {
      const fresh = await derive(
        next.keySet,
        quorum.map((i) => next.shares[i] as Share),
      )
      expect(fresh.anchors).toEqual(before.anchors)
    }
    // A thief with share 1 of the old epoch and share 2 of the new one: t shares, and yet no key.
    const stolen = [shares[0] as Share, next.shares[1] as Share]
    await expect(derive(next.keySet, stolen)).rejects.toMatchObject({ code: 'ERR_TOKEN_QUORUM' })
    const element = sodium.multiplyBase(scalarFromInt(5))
    const [a, b] = stolen.map((share) => ({ id: share.id, point: sodium.multiply(share.secret, element) }))
    const real = combineAtZero(
      sodium,
      shares.slice(0, 2).map((s) => ({ id: s.id, point: sodium.multiply(s.secret, element) })),
    )
    expect(combineAtZero(sodium, [a, b] as { id: number; point: Point }[])).not.toEqual(real)
  })

  it('names a deal that raises the degree or hands out a wrong part', () => {
    const deals = shares.map(() => dealShareRefresh(keySet, group, seeded('deals')))
    const [first, second, third] = deals as [(typeof deals)[0], (typeof deals)[0], (typeof deals)[0]]
    const raised = { ...second, commitments: [...second.commitments, ...second.commitments] }
    refused(
      () => refreshKeySet(keySet, [first, raised, third], group),
      'ERR_TOKEN_CEREMONY',
      'refresh deal 2',
    )
    const next = refreshKeySet(keySet, deals, group)
    const wrong = { ...third, parts: new Map([[1, scalarFromInt(3)]]) }
    refused(
      () => refreshShare(shares[0] as Share, next, [first, second, wrong], group),
      'ERR_CRYPTO_PROOF',
      'refresh deal 3',
    )
  })
})

describe('rotation of the evaluators’ secret', () => {
  const rotated = runKeyRotation(keySet, shares, { group, random: seeded('rotation') })

  it('moves stored points without plaintext to exactly what a fresh derivation gives', async () => {
    const old = await derive(keySet, shares)
    const fresh = await derive(rotated.next.keySet, rotated.next.shares)
    expect(rotated.next.keySet).toMatchObject({ version: 2, epoch: 0, threshold: 2 })
    expect(fresh.anchors).not.toEqual(old.anchors)
    const options = {
      keySet: rotated.rotation.keySet,
      group,
      random: seeded('move'),
      evaluators: local(rotated.rotation.shares),
    }
    expect((await rotatePoints(old.anchors, options)).anchors).toEqual(fresh.anchors)
    // Sector points too, so that a registry need not keep anchors.
    const sector = generateSectorKeys(group, { version: 1, random: seeded('sector') })
    const points = old.anchors.map((anchor) => sectorPoint(group, sector.x, anchor))
    const moved = await rotatePoints(points, options)
    expect(moved.anchors).toEqual(fresh.anchors.map((anchor) => sectorPoint(group, sector.x, anchor)))
  })

  it('keeps one-to-one: different points stay different, and a lying evaluator is named', async () => {
    const old = await derive(keySet, shares, identities(64))
    const [first, ...rest] = local(rotated.rotation.shares)
    const liar = localEvaluator(
      { ...(rotated.rotation.shares[0] as Share), secret: scalarFromInt(2) },
      { group, random: seeded('l') },
    )
    const options = { keySet: rotated.rotation.keySet, group, random: seeded('m') }
    const { anchors, faults } = await rotatePoints(old.anchors, { ...options, evaluators: [liar, ...rest] })
    expect(faults).toEqual([{ evaluator: first?.id, reason: 'wrong-proof' }])
    expect(new Set(anchors.map(toHex)).size).toBe(64)
  })

  it('works for 3 of 5 with exactly 2t − 1 dealers', async () => {
    const five = ceremony(3, 5, 'five')
    const moved = runKeyRotation(five.keySet, five.shares, { group, random: seeded('r5') })
    const old = await derive(five.keySet, five.shares, identities(1))
    const fresh = await derive(moved.next.keySet, moved.next.shares.slice(2), identities(1))
    const { anchors } = await rotatePoints(old.anchors, {
      keySet: moved.rotation.keySet,
      group,
      random: seeded('x'),
      evaluators: local(moved.rotation.shares),
    })
    expect(anchors).toEqual(fresh.anchors)
  })

  it('names a dealer whose deal is not its product, or whose part does not fit', () => {
    const other = ceremony(2, 3, 'rho')
    const keys = { current: keySet, rotation: other.keySet }
    const deals = shares.map((share, i) =>
      dealProduct(
        keys,
        { current: share, rotation: other.shares[i] as Share },
        { group, random: seeded(`p${i}`) },
      ),
    ) as [ProductDeal, ProductDeal, ProductDeal]
    const next = rotatedKeySet(keys, deals, group)
    expect(rotatedShare(1, keys, next, deals, group).id).toBe(1)
    const liar = dealProduct(
      keys,
      { current: { ...(shares[1] as Share), secret: scalarFromInt(5) }, rotation: other.shares[1] as Share },
      { group, random: seeded('liar') },
    )
    refused(() => rotatedKeySet(keys, [deals[0], liar, deals[2]], group), 'ERR_TOKEN_CEREMONY', 'dealer 2')
    const tall = { ...deals[1], commitments: [...deals[1].commitments, deals[1].commitments[1] as Point] }
    refused(() => rotatedKeySet(keys, [deals[0], tall, deals[2]], group), 'ERR_TOKEN_CEREMONY', 'dealer 2')
    const relabelled = { ...deals[0], dealer: 2 }
    refused(
      () => rotatedKeySet(keys, [relabelled, { ...deals[1], dealer: 1 }, deals[2]], group),
      'ERR_TOKEN_CEREMONY',
    )
    const swappedPart = { ...deals[2], parts: new Map([[1, scalarFromInt(4)]]) }
    refused(
      () => rotatedShare(1, keys, next, [deals[0], deals[1], swappedPart], group),
      'ERR_TOKEN_CEREMONY',
      'dealer 3',
    )
    refused(() => rotatedKeySet(keys, deals.slice(0, 2), group), 'ERR_TOKEN_CEREMONY')
  })
})

describe('rotation of a sector’s secrets', () => {
  it('equals a fresh derivation from the anchor', async () => {
    const from = generateSectorKeys(group, { version: 1, random: seeded('s1') })
    const to = generateSectorKeys(group, { version: 2, random: seeded('s2') })
    const { anchors } = await derive(keySet, shares)
    for (const anchor of anchors) {
      const point = sectorPoint(group, from.x, anchor)
      expect(rotateSectorPoint(group, point, from, to)).toEqual(sectorPoint(group, to.x, anchor))
    }
  })
})
