// Which conformance file is which, by what is in it.
import { runDccImages, runDccVectors, runHealthCards, runTrustList } from './certificates.ts'
import { runCertLogicSuite, runMemberRules, runValidationSuite } from './certlogic.ts'
import { runProductionRules, runProductionVerdicts } from './production.ts'
import type { Tally, TestData } from './tally.ts'

/** Kinds of files; `data` is known and holds nothing to test, `jwks` has keys for `shc`, `rule-tests` want their rule. */
export type FileKind =
  | 'dcc-vectors'
  | 'dcc-qr-images'
  | 'certlogic-suite'
  | 'certlogic-validation-suite'
  | 'member-rules'
  | 'production-rules'
  | 'production-verdicts'
  | 'shc'
  | 'trust-list'
  | 'rule-tests'
  | 'jwks'
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
  const entries = Object.values<TestData>(file)
  return entries.length > 0 && entries.every((entry) => typeof entry?.sha256 === 'string')
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
      return runHealthCards(file, file.jwks ?? companion('jwks')?.jwks, tally)
    case 'trust-list':
      return runTrustList(file, tally)
    case 'rule-tests':
      return tally.check(`${file.id ?? 'tests'}: their rule is not known`, false)
    case 'jwks':
    case 'data':
      return
  }
}
