// What the published files of verdicts share: one character a check, the first that failed, and a file with a case a line.
import { writeFileSync } from 'node:fs'
import { CtidError } from '#ctid/base'
import type { Check } from '#ctid/trust'

export type Verdict = { readonly results: string; readonly check?: string; readonly code?: string }

const SIGNS = { passed: '+', failed: 'x', 'not-executed': '-' } as const

export function verdictOf(checks: readonly Check<string>[], code: string | undefined): Verdict {
  const failed = checks.find(({ result }) => result === 'failed')?.name
  return {
    results: checks.map(({ result }) => SIGNS[result]).join(''),
    ...(failed === undefined ? {} : { check: failed }),
    ...(code === undefined ? {} : { code }),
  }
}

/** The status lists of a file, as they would be fetched. */
export function statusFetch(lists: { readonly [uri: string]: string }): (uri: string) => Promise<string> {
  return async (uri) => {
    const token = lists[uri]
    if (token === undefined) throw new CtidError('ERR_STATUS_UNAVAILABLE')
    return token
  }
}

export function writeCases(path: string, { cases, ...rest }: { readonly cases: readonly object[] }): void {
  const head = JSON.stringify(rest, null, 1).slice(0, -2)
  const lines = cases.map((one) => `  ${JSON.stringify(one)}`).join(',\n')
  writeFileSync(path, `${head},\n "cases": [\n${lines}\n ]\n}\n`)
}
