// The published vectors of records and names: what is read of each, or why it is refused.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canonicalIdentity, normaliseName, parseLegalRecord } from '#ctid/identity'
import { isCtidError, type JsonObject, toHex } from '../../src/base/index.ts'
import { made, type NameCase, type RecordCase } from './identity-cases.ts'

const refusal = (error: unknown) => {
  if (!isCtidError(error)) throw error
  return error.detail === undefined ? { code: error.code } : { code: error.code, detail: error.detail }
}

function judgeRecord({ record }: RecordCase): JsonObject {
  try {
    const read = parseLegalRecord(record, { now: made.now })
    return { read, canonical: toHex(canonicalIdentity(read)) }
  } catch (error) {
    return refusal(error)
  }
}

function judgeName({ typed }: NameCase): JsonObject {
  try {
    return normaliseName(typed)
  } catch (error) {
    return refusal(error)
  }
}

/** What cannot be seen, or turns what is seen around, is escaped. */
const visible = (one: object) =>
  JSON.stringify(one).replace(
    /(?! )[\p{C}\p{Z}\p{M}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const path = 'tests/vectors/identity-verdicts.json'
if (process.env['UPDATE_VECTORS']) {
  const { note, now } = made
  const lines = (cases: readonly object[]) => cases.map((one) => `  ${visible(one)}`).join(',\n')
  const records = lines(made.records.map((one) => ({ ...one, ...judgeRecord(one) })))
  const names = lines(made.names.map((one) => ({ ...one, ...judgeName(one) })))
  writeFileSync(
    path,
    `{\n "note": ${JSON.stringify(note)},\n "now": ${now},\n "records": [\n${records}\n ],\n "names": [\n${names}\n ]\n}\n`,
  )
}
const file = JSON.parse(readFileSync(path, 'utf8')) as typeof made

describe('the published records and names', () => {
  it('are those that these tests make', () => {
    const inputs = {
      ...file,
      records: file.records.map(({ case: text, record }) => ({ case: text, record })),
      names: file.names.map(({ case: text, typed }) => ({ case: text, typed })),
    }
    expect(inputs).toEqual(made)
  })

  it.each(file.records)('record: $case', (one) => {
    expect({ case: one.case, record: one.record, ...judgeRecord(one) }).toEqual(one)
  })

  it.each(file.names)('name: $case', (one) => {
    expect({ case: one.case, typed: one.typed, ...judgeName(one) }).toEqual(one)
  })
})
