// The published verdicts on presentations: made again byte for byte, and what this verifier says of each.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/base/index.ts'
import { CREDENTIAL_CHECKS, verifyCredential } from '../../src/credential/index.ts'
import { createStatusChecker } from '../../src/status/index.ts'
import { parseTrustList, trustListResolver } from '../../src/trust/index.ts'
import { statusFetch, type Verdict, verdictOf, writeCases } from '../verdict-files.ts'
import { type CredentialCase, makeVerdicts } from './credential-cases.ts'

type Made = Awaited<ReturnType<typeof makeVerdicts>>
type Stated = CredentialCase & Verdict & { readonly claims?: JsonObject }
type File = Omit<Made, 'cases'> & { readonly cases: readonly Stated[] }

async function judge(file: Omit<Made, 'cases'>, one: CredentialCase): Promise<Stated> {
  const now = one.now ?? file.now
  const { purpose, region, audience: expectedAudience, nonce: expectedNonce } = file
  const checker = createStatusChecker({ fetchToken: statusFetch(file.statusLists), clock: () => now })
  const report = await verifyCredential(one.presentation, {
    now,
    resolveIssuer: trustListResolver(parseTrustList(file.trustList as unknown as Json), { purpose, region }),
    expectedTypes: [file.type],
    keyBinding: one.unbound ? 'none' : { expectedAudience, expectedNonce },
    checkStatus: checker.check,
  })
  const read = report.ok ? { claims: report.credential.claims } : {}
  return { ...one, ...verdictOf(report.checks, report.ok ? undefined : report.error.code), ...read }
}

const path = 'tests/vectors/credential-verdicts.json'
const made = await makeVerdicts()
if (process.env['UPDATE_VECTORS']) {
  writeCases(path, { ...made, cases: await Promise.all(made.cases.map((one) => judge(made, one))) })
}
const file = JSON.parse(readFileSync(path, 'utf8')) as File

describe('the published verdicts on presentations', () => {
  it('are made again from the same inputs', () => {
    const cases = file.cases.map(({ results: _, check: __, code: ___, claims: ____, ...one }) => one)
    expect({ ...file, cases }).toEqual(JSON.parse(JSON.stringify(made)))
  })

  it.each(file.cases)('$name', async (one) => {
    expect(one.results).toHaveLength(CREDENTIAL_CHECKS.length)
    expect(await judge(file, one)).toEqual(one)
  })
})
