// Files that one kind cannot do without, and how several of a kind are read as one.
import type { FileKind } from './run.ts'
import type { TestData } from './tally.ts'

export const COMPANIONS: Readonly<Partial<Record<FileKind, readonly FileKind[]>>> = {
  'dcc-qr-images': ['dcc-vectors'],
  'production-verdicts': ['production-rules', 'dcc-vectors'],
  shc: ['jwks'],
}

/** Whether a file brings what its kind would look for elsewhere. */
export function isComplete(kind: FileKind, file: TestData): boolean {
  return COMPANIONS[kind] === undefined || (kind === 'shc' && file.jwks !== undefined)
}

/** All files of one kind as one: vectors of two sets, rules of several countries, keys of several issuers. */
export function merge(kind: FileKind, files: readonly TestData[]): TestData {
  if (kind === 'dcc-vectors')
    return {
      certificates: Object.assign({}, ...files.map(({ certificates }) => certificates)),
      vectors: files.flatMap(({ vectors }) => vectors),
    }
  if (kind === 'jwks') return { jwks: { keys: files.flatMap(({ jwks }) => jwks.keys) } }
  const rules: Record<string, TestData[]> = {}
  for (const file of files)
    for (const [country, list] of Object.entries<TestData[]>(file.rules))
      rules[country] = [...(rules[country] ?? []), ...list]
  return { rules }
}
