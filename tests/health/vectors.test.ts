// The committed vectors: what a second implementation must compute from the same bytes.
import { expect, test } from 'vitest'
import type { Json } from '#ctid/base'
import {
  derivationDigest,
  derive,
  EDITION_8,
  EDITION_9,
  explain,
  parseRuleSet,
  parseSourceRegister,
  ruleSetHash,
  sourceLookup,
  TWENTY_MEASURES,
  verifyEvidence,
} from '#ctid/health'
import vectors from '../vectors/health.json' with { type: 'json' }

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('rule sets have these hashes', () => {
  expect(
    [EDITION_8, EDITION_9, TWENTY_MEASURES].map((one) => ({ id: one.id, hash: ruleSetHash(one) })),
  ).toEqual(vectors.editions)
  expect(ruleSetHash(parseRuleSet(vectors.ruleSet as unknown as Json))).toBe(vectors.ruleSetHash)
})

test('evidence verifies, has these commitments, and gives these statuses, reasons, ends and ways back', async () => {
  const ruleSet = parseRuleSet(vectors.ruleSet as unknown as Json)
  const sources = sourceLookup(parseSourceRegister(vectors.register as unknown as Json))
  const now = vectors.statuses[0]?.at ?? 0
  const evidence = await Promise.all(
    vectors.evidence.map(({ text }) => verifyEvidence(text, { sources, now, acceptExpired: true })),
  )
  expect(evidence.map(({ text, commitment, source }) => ({ text, commitment, source }))).toEqual(
    vectors.evidence,
  )
  for (const status of vectors.statuses) expect(plain(derive(evidence, ruleSet, status.at))).toEqual(status)
  const first = derive(evidence, ruleSet, now)
  expect({ en: explain(first, 'en'), zh: explain(first, 'zh') }).toEqual(vectors.explanation)
})

test('a derivation record has this digest', () => {
  expect(derivationDigest(vectors.record as Parameters<typeof derivationDigest>[0])).toBe(
    vectors.recordDigest,
  )
})
