// Counting of a conformance run: what passed, and what failed with its name.

/** Collects results. A *disputed* expectation contradicts other facts in the same file and counts neither way. */
export type Tally = {
  readonly passed: number
  readonly failures: readonly string[]
  readonly disputed: readonly string[]
  check(name: string, holds: boolean): void
  dispute(name: string): void
}

export function makeTally(): Tally {
  let passed = 0
  const failures: string[] = []
  const disputed: string[] = []
  return {
    get passed() {
      return passed
    },
    failures,
    disputed,
    check: (name, holds) => {
      if (holds) passed++
      else failures.push(name)
    },
    dispute: (name) => {
      disputed.push(name)
    },
  }
}

/** JSON of a conformance file: checked by use, since a missing member is a failed test like any other. */
// biome-ignore lint/suspicious/noExplicitAny: test data of many shapes, all read defensively
export type TestData = any

/** Deep equality of JSON values; member order does not matter. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const names = Object.keys(a)
  if (Array.isArray(a) !== Array.isArray(b) || names.length !== Object.keys(b).length) return false
  return names.every(
    (name) => Object.hasOwn(b, name) && sameJson((a as TestData)[name], (b as TestData)[name]),
  )
}
