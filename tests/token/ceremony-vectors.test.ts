// The published vectors of ceremony and refresh: made again byte for byte, and right by the equations of SPEC section 6.4 alone.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromBase64url, fromHex, toHex } from '../../src/base/index.ts'
import { type Point, type Scalar, scalarFromInt } from '../../src/crypto/index.ts'
import { makeVectors } from './ceremony-vectors.ts'
import { sodium as group } from './fixtures.ts'
import { proofChallenge } from './possession.ts'

const FILE = 'tests/vectors/token-ceremony.json'
if (process.env['UPDATE_VECTORS']) writeFileSync(FILE, `${JSON.stringify(makeVectors(), null, 1)}\n`)
const { ceremony, refresh } = JSON.parse(readFileSync(FILE, 'utf8')) as ReturnType<typeof makeVectors>

const point = (text: unknown) => group.parsePoint(fromBase64url(text as string))
const scalar = (text: unknown) => group.parseScalar(fromBase64url(text as string))
const number = (text: string) => group.parseScalar(fromHex(text))
const sum = (scalars: readonly Scalar[]) => scalars.reduce((a, b) => group.scalarAdd(a, b))
const commitmentsOf = (document: { readonly [name: string]: unknown } | undefined) =>
  ((document?.['commitments'] ?? []) as string[]).map(point)
const keysOf = (shares: readonly { readonly id: number; readonly secret: string }[]) =>
  shares.map(({ id, secret }) => ({
    id,
    publicKey: Buffer.from(group.multiplyBase(number(secret))).toString('base64url'),
  }))

describe('the published vectors', () => {
  it('are made again from the same inputs', () => {
    expect(JSON.parse(JSON.stringify(makeVectors()))).toMatchObject({ ceremony, refresh })
  })

  it('prove possession by the formula of the text', () => {
    for (const [i, { id, coefficients, k, c }] of ceremony.secrets.entries()) {
      const broadcast = ceremony.broadcasts[i]
      const commitments = commitmentsOf(broadcast)
      expect(commitments.map(toHex)).toEqual(
        coefficients.map((text) => toHex(group.multiplyBase(number(text)))),
      )
      const [first] = commitments as [Point]
      const proof = fromBase64url(broadcast?.['proofOfPossession'] as string)
      const nonce = proof.slice(0, 32)
      expect(toHex(proofChallenge(group, { id, commitment: first, nonce }))).toBe(c)
      expect(toHex(group.multiplyBase(number(k)))).toBe(toHex(nonce))
      const right = group.add(group.parsePoint(nonce), group.multiply(number(c), first))
      expect(toHex(group.multiplyBase(group.parseScalar(proof.slice(32))))).toBe(toHex(right))
    }
  })

  it('give each party the sum of what was sent to it and of its own', () => {
    for (const { id, secret } of ceremony.shares) {
      const own = ceremony.secrets.find((party) => party.id === id)?.coefficients.map(number) as [
        Scalar,
        Scalar,
      ]
      const value = group.scalarAdd(own[0], group.scalarMultiply(scalarFromInt(id), own[1]))
      const received = ceremony.messages.filter(({ to }) => to === id).map(({ share }) => scalar(share))
      expect(toHex(sum([value, ...received]))).toBe(secret)
    }
    expect(ceremony.keySet).toMatchObject({ epoch: 0, shares: keysOf(ceremony.shares) })
  })

  it('move each share by what all have dealt to it, and leave the group key', () => {
    for (const part of refresh.parts) {
      const [commitment] = commitmentsOf(refresh.deals[Number(part['from']) - 1]) as [Point]
      const expected = group.multiply(scalarFromInt(Number(part['to'])), commitment)
      expect(toHex(group.multiplyBase(scalar(part['part'])))).toBe(toHex(expected))
    }
    for (const [i, { id, secret }] of refresh.shares.entries()) {
      const parts = refresh.parts.filter(({ to }) => to === id).map(({ part }) => scalar(part))
      expect(toHex(sum([number(ceremony.shares[i]?.secret ?? ''), ...parts]))).toBe(secret)
    }
    const { groupKey } = ceremony.keySet
    expect(refresh.keySet).toMatchObject({ epoch: 1, groupKey, shares: keysOf(refresh.shares) })
  })
})
