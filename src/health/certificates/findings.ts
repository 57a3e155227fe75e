// What a real certificate says in our classes: tests, vaccinations, recoveries. The name in it stays outside.
import { isJsonObject, type Json, type JsonObject } from '../../base/index.ts'
import { parseInstant } from '../certlogic/instants.ts'
import type { Finding } from '../evidence-class.ts'
import type { Dcc } from './dcc.ts'
import type { HealthCard } from './shc.ts'

/** A finding with its instant (Unix seconds) and how exactly that is known. */
export type DatedFinding = Finding & { readonly at: number; readonly precision: { readonly seconds: number } }

const COVID_19 = '840539006' // SNOMED CT, value set disease-agent-targeted
const DETECTED = '260373001'
const NOT_DETECTED = '260415000'
const NAAT = 'LP6464-4' // LOINC, nucleic acid amplification
const RAPID = 'LP217198-3' // LOINC, rapid immunoassay: value set covid-19-lab-test-type has these two
const DAY_SECONDS = 86_400

/** The events of a DCC that concern COVID-19 and have a date; what is malformed is left out, never guessed. */
export function findingsOfDcc(dcc: Dcc): readonly DatedFinding[] {
  const events = (kind: string): readonly JsonObject[] => {
    const list = dcc.hcert[kind]
    return Array.isArray(list)
      ? list.filter((one): one is JsonObject => isJsonObject(one) && one['tg'] === COVID_19)
      : []
  }
  const tests = events('t').flatMap((t) => {
    const result = t['tr'] === DETECTED ? 'positive' : t['tr'] === NOT_DETECTED ? 'negative' : undefined
    const kind = t['tt'] === NAAT ? 'naat' : t['tt'] === RAPID ? 'antigen' : undefined
    if (!result || !kind) return []
    return dated({ class: 'test', data: { kind, result } }, t['sc'])
  })
  const vaccinations = events('v').flatMap((v) => {
    const { dn, sd } = v
    if (!isDose(dn) || !isDose(sd)) return []
    return dated({ class: 'vaccination', data: { dose: dn, of: sd } }, v['dt'])
  })
  const recoveries = events('r').flatMap((r) => dated({ class: 'recovery', data: {} }, r['fr']))
  return [...tests, ...vaccinations, ...recoveries]
}

// Codes of COVID-19 vaccines: CVX in use since 2020, the ATC classes, SNOMED CT products.
const VACCINE =
  /^(20[78]|21[0-37-9]|22[15-9]|230|30[0-289]|31[0-3]|5(0\d|1\d|2[01])|J07BX03|J07BN\d\d|1119305005|1119349007|28531000087107|28571000087109)$/
// LOINC codes of SARS-CoV-2 tests: of the antigen, and of nucleic acid.
const ANTIGEN_TESTS = ['94558-4', '95209-3', '96119-3', '97097-0']
const NAAT_TESTS = [
  ...['94306-8', '94309-2', '94315-9', '94316-7', '94500-6', '94502-2', '94531-1', '94533-7', '94534-5'],
  ...[
    '94559-2',
    '94565-9',
    '94640-0',
    '94756-4',
    '94757-2',
    '94759-8',
    '94760-6',
    '94845-5',
    '95406-5',
    '95423-0',
  ],
  ...['95608-6', '96986-5'],
]

/**
 * The FHIR resources of a card that we understand: completed immunisations against COVID-19 and final results of
 * tests for it. Cards carry other vaccines too; those are not looked at.
 */
export function findingsOfHealthCard(card: HealthCard): readonly DatedFinding[] {
  const bundle = card.subject['fhirBundle']
  const entries = isJsonObject(bundle) && Array.isArray(bundle['entry']) ? bundle['entry'] : []
  const resources = entries.flatMap((entry: Json) =>
    isJsonObject(entry) && isJsonObject(entry['resource']) ? [entry['resource']] : [],
  )
  const shots = resources
    .filter((one) => one['resourceType'] === 'Immunization' && one['status'] === 'completed')
    .filter((one) => codesOf(one['vaccineCode']).some((code) => VACCINE.test(String(code))))
    .flatMap((one) => secondsOf(one['occurrenceDateTime']) ?? [])
    .sort((a, b) => a.at - b.at)
  const vaccinations = shots.map(
    ({ at, precision }, i): DatedFinding => ({
      class: 'vaccination',
      data: { dose: i + 1, of: shots.length },
      at,
      precision,
    }),
  )
  const tests = resources
    .filter((one) => one['resourceType'] === 'Observation' && isFinal(one['status']))
    .flatMap((one) => {
      const kind = testKind(codesOf(one['code']))
      const codes = codesOf(one['valueCodeableConcept'])
      const [positive, negative] = [codes.includes(DETECTED), codes.includes(NOT_DETECTED)]
      if (kind === undefined || positive === negative) return []
      const result = positive ? 'positive' : 'negative'
      return dated({ class: 'test', data: { kind, result } }, one['effectiveDateTime'])
    })
  return [...vaccinations, ...tests]
}

function isFinal(status: Json | undefined): boolean {
  return status === 'final' || status === 'amended' || status === 'corrected'
}

function testKind(codes: readonly Json[]): 'antigen' | 'naat' | undefined {
  if (codes.some((code) => ANTIGEN_TESTS.includes(String(code)))) return 'antigen'
  return codes.some((code) => NAAT_TESTS.includes(String(code))) ? 'naat' : undefined
}

function isDose(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 20
}

function codesOf(concept: Json | undefined): readonly Json[] {
  const coding = isJsonObject(concept) ? concept['coding'] : undefined
  return Array.isArray(coding)
    ? coding.map((one: Json) => (isJsonObject(one) ? (one['code'] ?? null) : null))
    : []
}

function dated(finding: Finding, text: Json | undefined): readonly DatedFinding[] {
  const when = secondsOf(text)
  return when ? [{ ...finding, ...when } as DatedFinding] : []
}

function secondsOf(
  text: Json | undefined,
): { readonly at: number; readonly precision: { readonly seconds: number } } | undefined {
  if (typeof text !== 'string') return undefined
  const ms = parseInstant(text)
  if (Number.isNaN(ms)) return undefined
  return { at: Math.floor(ms / 1000), precision: { seconds: text.length === 10 ? DAY_SECONDS : 0 } }
}
