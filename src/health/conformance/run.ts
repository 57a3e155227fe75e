// Which conformance file is which, by what is in it, and which other files it needs.
import { runDccImages, runDccVectors, runHealthCards } from './certificates.ts'
import { runCertLogicSuite, runMemberRules, runValidationSuite } from './certlogic.ts'
import { runProductionRules, runProductionVerdicts } from './production.ts'
import type { Tally, TestData } from './tally.ts'

/** Kinds of files; `data` is known and holds nothing to test. */
export type FileKind =
  | 'dcc-vectors'
  | 'dcc-qr-images'
  | 'certlogic-suite'
  | 'certlogic-validation-suite'
  | 'member-rules'
  | 'production-rules'
  | 'production-verdicts'
  | 'shc'
  | 'data'

/** Recognises a file by its content; undefined when it is none of ours. */
export function recognise(file: TestData): FileKind | undefined {
  if (typeof file !== 'object' || file === null) return undefined
  if (Array.isArray(file.vectors) && file.certificates) return 'dcc-vectors'
  if (Array.isArray(file.images)) return 'dcc-qr-images'
  if (file.verdicts) return 'production-verdicts'
  if (Array.isArray(file.rules)) return 'member-rules'
  if (Array.isArray(file.positive)) return 'shc'
  const suite = Array.isArray(file.suites) ? file.suites[0]?.cases?.[0] : undefined
  if (suite) return suite.assertions ? 'certlogic-suite' : 'certlogic-validation-suite'
  if (typeof file.rules === 'object' && file.rules !== null) return 'production-rules'
  return file.valueSets || file.schema || file.$schema || isManifest(file) ? 'data' : undefined
}

function isManifest(file: TestData): boolean {
  return Object.values<TestData>(file).every((entry) => typeof entry?.sha256 === 'string')
}

/** Files that a kind cannot do without. */
export const COMPANIONS: Readonly<Partial<Record<FileKind, readonly FileKind[]>>> = {
  'dcc-qr-images': ['dcc-vectors'],
  'production-verdicts': ['production-rules', 'dcc-vectors'],
}

/** Runs one file into the tally. `companion` gives the files it needs. */
export async function runFile(
  kind: FileKind,
  file: TestData,
  companion: (kind: FileKind) => TestData,
  tally: Tally,
): Promise<void> {
  switch (kind) {
    case 'dcc-vectors':
      return runDccVectors(file, tally)
    case 'dcc-qr-images':
      return runDccImages(file, companion('dcc-vectors'), tally)
    case 'certlogic-suite':
      return runCertLogicSuite(file, tally)
    case 'certlogic-validation-suite':
      return runValidationSuite(file, tally)
    case 'member-rules':
      return runMemberRules(file, tally)
    case 'production-rules':
      return runProductionRules(file, tally)
    case 'production-verdicts':
      return runProductionVerdicts(file, companion('production-rules'), companion('dcc-vectors'), tally)
    case 'shc':
      return runHealthCards(file, tally)
    case 'data':
      return
  }
}
