// The published verdicts on codes: made again byte for byte, and what this verifier says of each.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex, type Json } from '#ctid/base'
import { createStatusChecker } from '#ctid/status'
import { parseTrustList } from '#ctid/trust'
import {
  CODE_CHECKS,
  memoryReplayCache,
  parsePolicy,
  statusLookup,
  trustListLookup,
  verifyCode,
} from '#ctid/verifier'
import { statusFetch, type Verdict, verdictOf, writeCases } from '../verdict-files.ts'
import { type CodeCase, makeMalformed, makeVerdicts } from './code-cases.ts'

type Made = Awaited<ReturnType<typeof makeVerdicts>>
type Stated = CodeCase & Verdict
type File = Omit<Made, 'cases'> & { readonly cases: readonly Stated[] }

async function judge(file: Omit<Made, 'cases'>, one: CodeCase): Promise<Stated> {
  const clock = () => one.now ?? file.now
  const policies: { readonly [name: string]: Json } = file.policies as never
  const context = {
    policy: parsePolicy(policies[one.policy ?? 'library'] as Json),
    trust: trustListLookup(parseTrustList(file.trustList as unknown as Json)),
    status: statusLookup(createStatusChecker({ fetchToken: statusFetch(file.statusLists), clock })),
    replay: memoryReplayCache({ clock }),
    clock,
    ...(one.challenge === undefined ? {} : { expectedChallenge: fromHex(one.challenge) }),
  }
  // What came before was not asked for: it answers no challenge.
  const { expectedChallenge: _, ...unasked } = context
  for (const text of one.before ?? []) await verifyCode(text, unasked)
  const { checks, code } = await verifyCode(one.text, context)
  return { ...one, ...verdictOf(checks, code) }
}

describe.each([
  ['tests/vectors/qr-verdicts.json', await makeVerdicts()],
  ['tests/vectors/qr-malformed.json', await makeMalformed()],
])('%s', async (path, made) => {
  if (process.env['UPDATE_VECTORS']) {
    writeCases(path, { ...made, cases: await Promise.all(made.cases.map((one) => judge(made, one))) })
  }
  const file = JSON.parse(readFileSync(path, 'utf8')) as File

  it('is made again from the same inputs', () => {
    const cases = file.cases.map(({ results: _, check: __, code: ___, ...one }) => one)
    expect({ ...file, cases }).toEqual(JSON.parse(JSON.stringify(made)))
  })

  it.each(file.cases)('$name', async (one) => {
    expect(one.results).toHaveLength(CODE_CHECKS.length)
    expect(await judge(file, one)).toEqual(one)
  })
})
