// The published verdicts on codes: made again byte for byte, and what this verifier says of each.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CtidError, fromHex, type Json } from '#ctid/base'
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
import { type CodeCase, makeMalformed, makeVerdicts } from './code-cases.ts'

type Made = Awaited<ReturnType<typeof makeVerdicts>>
type Stated = CodeCase & { readonly results: string; readonly check?: string; readonly code?: string }
type File = Omit<Made, 'cases'> & { readonly cases: readonly Stated[] }

const SIGNS = { passed: '+', failed: 'x', 'not-executed': '-' } as const

async function judge(file: Omit<Made, 'cases'>, one: CodeCase): Promise<Stated> {
  const clock = () => one.now ?? file.now
  const lists: { readonly [uri: string]: string | undefined } = file.statusLists
  const fetchToken = async (uri: string) => {
    const token = lists[uri]
    if (token === undefined) throw new CtidError('ERR_STATUS_UNAVAILABLE')
    return token
  }
  const policies: { readonly [name: string]: Json } = file.policies as never
  const context = {
    policy: parsePolicy(policies[one.policy ?? 'library'] as Json),
    trust: trustListLookup(parseTrustList(file.trustList as unknown as Json)),
    status: statusLookup(createStatusChecker({ fetchToken, clock })),
    replay: memoryReplayCache({ clock }),
    clock,
    ...(one.challenge === undefined ? {} : { expectedChallenge: fromHex(one.challenge) }),
  }
  // What came before was not asked for: it answers no challenge.
  const { expectedChallenge: _, ...unasked } = context
  for (const text of one.before ?? []) await verifyCode(text, unasked)
  const { checks, code } = await verifyCode(one.text, context)
  const failed = checks.find(({ result }) => result === 'failed')?.name
  return {
    ...one,
    results: checks.map(({ result }) => SIGNS[result]).join(''),
    ...(failed === undefined ? {} : { check: failed }),
    ...(code === undefined ? {} : { code }),
  }
}

/** A case a line. */
const write = (path: string, { cases, ...rest }: File) =>
  writeFileSync(
    path,
    `${JSON.stringify(rest, null, 1).slice(0, -2)},\n "cases": [\n${cases.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n ]\n}\n`,
  )

describe.each([
  ['tests/vectors/qr-verdicts.json', await makeVerdicts()],
  ['tests/vectors/qr-malformed.json', await makeMalformed()],
])('%s', async (path, made) => {
  if (process.env['UPDATE_VECTORS']) {
    write(path, { ...made, cases: await Promise.all(made.cases.map((one) => judge(made, one))) })
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
