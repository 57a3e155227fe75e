// Parsers of outside input: whatever comes, the answer is a typed refusal that repeats nothing of it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CtidError, isJsonObject, type Json, type JsonObject } from '#ctid/base'
import { generateSigner, nobleGroup } from '#ctid/crypto'
import {
  openGrant,
  parseDirectory,
  parsePart,
  parseParties,
  parseRequest,
  parseTrusteeKeys,
  signGrant,
} from '#ctid/pseudonym'

const MARK = 'do-not-repeat-me'
const SEED = { seed: 7, numRuns: 150 }

const anyJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
const anyObject = anyJson.map((value): JsonObject => (isJsonObject(value) ? value : { value }))

function refused(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(CtidError)
    expect((error as Error).message).not.toContain(MARK)
  }
}

test('requests, parts, directories and key files of any JSON', async () => {
  fc.assert(
    fc.property(anyObject, (body) => refused(() => parseRequest(body))),
    SEED,
  )
  fc.assert(
    fc.property(anyObject, (body) => refused(() => parsePart(nobleGroup, body))),
    SEED,
  )
  fc.assert(
    fc.property(anyJson, (value) => refused(() => parseDirectory(nobleGroup, value))),
    SEED,
  )
  fc.assert(
    fc.property(anyJson, (value) => refused(() => parseTrusteeKeys(nobleGroup, value))),
    SEED,
  )
  await fc.assert(
    fc.asyncProperty(anyObject, async (value) => {
      await expect(parseParties(nobleGroup, value)).rejects.toBeInstanceOf(CtidError)
    }),
    SEED,
  )
})

test('members of the right shape with wrong content', () => {
  const text = fc.oneof(fc.base64String(), fc.string(), fc.constant(MARK))
  const request = fc.record({ header: text, grant: text, rows: text, proof: text, receipt: text })
  fc.assert(
    fc.property(request, (body) => refused(() => parseRequest(body))),
    SEED,
  )
  const part = fc.record({ trustee: fc.integer(), outputs: text, proof: text })
  fc.assert(
    fc.property(part, (body) => refused(() => parsePart(nobleGroup, body))),
    SEED,
  )
  const outputs = 'A'.repeat(86)
  for (const odd of [{ trustee: 1.5 }, { trustee: 1, more: MARK }])
    expect(() => parsePart(nobleGroup, { outputs, proof: '', ...odd })).toThrow(
      expect.objectContaining({ code: 'ERR_PSEUDONYM_TRUSTEES' }),
    )
  for (const rows of ['A'.repeat(524_289), '====', 'a']) {
    expect(() => parseRequest({ header: '', grant: '', rows, proof: '' })).toThrow(CtidError)
  }
})

test('a grant with any byte changed is refused', async () => {
  const authority = await generateSigner()
  const grant = await signGrant(
    {
      requester: 'Institute',
      purpose: { code: 'study', text: { en: 'Study' } },
      from: 'health',
      to: 'transport',
      fields: ['asthma'],
      count: 1,
      notBefore: 0,
      notAfter: 1,
      serial: '1',
    },
    authority,
  )
  await fc.assert(
    fc.asyncProperty(
      fc.nat(grant.length - 1),
      fc.constantFrom('A', '.', '-', '~', '9'),
      async (at, letter) => {
        const changed = grant.slice(0, at) + letter + grant.slice(at + 1)
        fc.pre(changed !== grant)
        await expect(openGrant(changed, [authority.publicJwk])).rejects.toBeInstanceOf(CtidError)
      },
    ),
    SEED,
  )
  await expect(openGrant(grant, [])).rejects.toMatchObject({ code: 'ERR_PSEUDONYM_SIGNATURE' })
  expect((await openGrant(grant, [authority.publicJwk])).fields).toEqual(['asthma'])
})
