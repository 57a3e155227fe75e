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
    if (!result) return []
    return dated({ class: 'test', data: { kind: t['tt'] === NAAT ? 'naat' : 'antigen', result } }, t['sc'])
  })
  const vaccinations = events('v').flatMap((v) => {
    const { dn, sd } = v
    if (!isDose(dn) || !isDose(sd)) return []
    return dated({ class: 'vaccination', data: { dose: dn, of: sd } }, v['dt'])
  })
  const recoveries = events('r').flatMap((r) => dated({ class: 'recovery', data: {} }, r['fr']))
  return [...tests, ...vaccinations, ...recoveries]
}

/** The FHIR resources of a card that we understand: completed immunisations and final results of COVID-19 tests. */
export function findingsOfHealthCard(card: HealthCard): readonly DatedFinding[] {
  const bundle = card.subject['fhirBundle']
  const entries = isJsonObject(bundle) && Array.isArray(bundle['entry']) ? bundle['entry'] : []
  const resources = entries.flatMap((entry: Json) =>
    isJsonObject(entry) && isJsonObject(entry['resource']) ? [entry['resource']] : [],
  )
  const shots = resources
    .filter((one) => one['resourceType'] === 'Immunization' && one['status'] === 'completed')
    .flatMap((one) => {
      const at = secondsOf(one['occurrenceDateTime'])
      return at === undefined ? [] : [at]
    })
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
    .filter((one) => one['resourceType'] === 'Observation' && one['status'] === 'final')
    .flatMap((one) => {
      const codes = codesOf(one['valueCodeableConcept'])
      const result = codes.includes(DETECTED)
        ? 'positive'
        : codes.includes(NOT_DETECTED)
          ? 'negative'
          : undefined
      return result
        ? dated({ class: 'test', data: { kind: 'antigen', result } }, one['effectiveDateTime'])
        : []
    })
  return [...vaccinations, ...tests]
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
