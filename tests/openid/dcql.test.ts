// Our DCQL against the library `dcql`: for random queries and credentials both must say the same.
import { DcqlError, DcqlPresentationResult, DcqlQuery } from 'dcql'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isCtidError, type Json, type JsonObject } from '#ctid/base'
import { type Candidate, checkAnswer, parseDcql } from '#ctid/openid'

const AKI = ['s9tIpPmhxdiuNkHMEWNpYim8S8Y', 'UPWx6sk3yQ6fT4mYlKaGkQdGmoE']
const leaf = fc.constantFrom<Json>('a', 'b', 1, 2, true, false)
const claims = fc.record(
  {
    name: leaf,
    address: fc.record({ city: leaf, street: leaf }, { requiredKeys: [] }),
    list: fc.array(leaf, { maxLength: 3 }),
    objects: fc.array(fc.record({ x: leaf }, { requiredKeys: [] }), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)
// Indices beyond the first are left out: the library falls over when the list is shorter, and looks at later elements too.
const path = fc.constantFrom<(string | number | null)[]>(
  ['name'],
  ['address'],
  ['address', 'city'],
  ['list'],
  ['list', 0],
  ['list', null],
  ['objects', null, 'x'],
  ['missing'],
)
const claimQuery = fc.record(
  { path, values: fc.uniqueArray(fc.constantFrom('a', 'b', 1, 2, true), { minLength: 1, maxLength: 2 }) },
  { requiredKeys: ['path'] },
)
const vct = fc.constantFrom('t1', 't2')

type Query = { readonly credentials: JsonObject[]; readonly credential_sets?: Json }
const credentialQuery = (id: string) =>
  fc
    .record(
      {
        vct_values: fc.uniqueArray(vct, { minLength: 1, maxLength: 2 }),
        claims: fc.array(claimQuery, { minLength: 1, maxLength: 3 }),
        sets: fc.array(fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 }), {
          minLength: 1,
          maxLength: 2,
        }),
        aki: fc.constantFrom(...AKI),
      },
      { requiredKeys: ['vct_values'] },
    )
    .map(({ vct_values, claims: asked, sets, aki }): JsonObject => {
      const withIds = asked?.map((one, i) => ({ id: `c${i}`, ...one }))
      const known = sets?.filter((set) => set.every((i) => i < (asked?.length ?? 0)))
      return {
        id,
        format: 'dc+sd-jwt',
        meta: { vct_values },
        ...(withIds ? { claims: withIds as Json } : {}),
        ...(withIds && known?.length ? { claim_sets: known.map((set) => set.map((i) => `c${i}`)) } : {}),
        ...(aki ? { trusted_authorities: [{ type: 'aki', values: [aki] }] } : {}),
      }
    })
const options = fc.array(fc.uniqueArray(fc.constantFrom('q0', 'q1'), { minLength: 1, maxLength: 2 }), {
  minLength: 1,
  maxLength: 2,
})
const query: fc.Arbitrary<Query> = fc
  .tuple(
    credentialQuery('q0'),
    credentialQuery('q1'),
    fc.option(fc.array(fc.record({ options, required: fc.boolean() }), { minLength: 1, maxLength: 2 })),
  )
  .map(([first, second, sets]) => ({
    credentials: [first, second],
    ...(sets ? { credential_sets: sets as Json } : {}),
  }))
const credential = fc.record({ vct, claims, aki: fc.constantFrom(...AKI) })
type Credential = { readonly vct: string; readonly claims: object; readonly aki: string }
type Given = { readonly q0?: Credential; readonly q1?: Credential }
const answer: fc.Arbitrary<Given> = fc.record({ q0: credential, q1: credential }, { requiredKeys: [] })

function ours(asked: Query, given: Given): boolean {
  const candidates = new Map(
    Object.entries(given).map(([id, one]): [string, Candidate[]] => [
      id,
      [
        {
          format: 'dc+sd-jwt',
          vct: one.vct,
          claims: one.claims as JsonObject,
          holderBound: true,
          authorityKeyIds: [one.aki],
        },
      ],
    ]),
  )
  try {
    checkAnswer(parseDcql(asked), candidates)
    return true
  } catch (error) {
    if (!isCtidError(error)) throw error
    return false
  }
}

// `undefined` where the library itself falls over (two claims, one within the other).
function theirs(asked: Query, given: Given): boolean | undefined {
  const parsed = DcqlQuery.parse(asked as never)
  DcqlQuery.validate(parsed)
  const presentation = Object.fromEntries(
    Object.entries(given).map(([id, one]) => [
      id,
      [
        {
          credential_format: 'dc+sd-jwt',
          vct: one.vct,
          claims: one.claims,
          authority: { type: 'aki', values: [one.aki] },
          cryptographic_holder_binding: true,
        },
      ],
    ]),
  )
  try {
    const options = { dcqlQuery: parsed }
    return DcqlPresentationResult.fromDcqlPresentation(presentation as never, options).can_be_satisfied
  } catch (error) {
    if (error instanceof TypeError || error instanceof DcqlError) return undefined
    throw error
  }
}

describe('DCQL', () => {
  it('judges random answers to random queries as an independent library does', () => {
    let satisfied = 0
    fc.assert(
      fc.property(query, answer, (asked, given) => {
        fc.pre(Object.keys(given).length > 0)
        const accepts = ours(asked, given)
        const accepted = theirs(asked, given)
        fc.pre(accepted !== undefined)
        // We also refuse credentials that no set asked for, which the library lets pass.
        if (accepts) satisfied++
        if (accepts || !asked.credential_sets) expect(accepts).toBe(accepted)
      }),
      { seed: 17, numRuns: 3000 },
    )
    expect(satisfied).toBeGreaterThan(40)
  })
})
