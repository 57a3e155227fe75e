// A list of checks, each passed, failed or not executed: what every verification in this project returns.
import { type CtidError, type ErrorCode, isCtidError } from '../base/index.ts'

/** One check of a verification. "Not executed" is never "passed". */
export type Check<Name extends string = string> = {
  readonly name: Name
  readonly result: 'passed' | 'failed' | 'not-executed'
  /** Why it failed. */
  readonly code?: ErrorCode
  /** Words of ours that locate the failure; never a claim or a part of the input. */
  readonly detail?: string
}

/** Collects the checks of one verification in a fixed order; what was not reached stays "not executed". */
export type CheckList<Name extends string> = {
  pass(name: Name): void
  /** Records the failure and returns it. Errors that are not ours are not swallowed: they are thrown on. */
  fail(name: Name, error: unknown): CtidError
  list(): readonly Check<Name>[]
}

/** A list in which nothing was executed yet. */
export function checkList<Name extends string>(names: readonly Name[]): CheckList<Name> {
  const results = new Map<Name, Check<Name>>()
  return {
    pass: (name) => void results.set(name, { name, result: 'passed' }),
    fail: (name, error) => {
      if (!isCtidError(error)) throw error
      const { code, detail } = error
      results.set(name, { name, result: 'failed', code, ...(detail === undefined ? {} : { detail }) })
      return error
    },
    list: () => names.map((name) => results.get(name) ?? { name, result: 'not-executed' }),
  }
}
