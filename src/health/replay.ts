// Replay: from published rules, opened evidence and the authority's records, every colour computed again by anybody.
import { CtidError, isCtidError, isJsonObject, type Json } from '../base/index.ts'
import { type DerivationRecord, derivationDigest } from './assertion.ts'
import { derive } from './derive.ts'
import { commitmentOf, type Evidence, verifyEvidence } from './evidence.ts'
import { parseRuleSet, type RuleSet, ruleSetHash } from './rule-set.ts'
import type { SourceLookup } from './sources.ts'

/** What the auditor gets. */
export type AuditBundle = {
  /** Published rule sets. */
  readonly ruleSets: readonly RuleSet[]
  readonly records: readonly DerivationRecord[]
  /** Digests of records as the log and credentials carry them; a digest without its record is a finding. */
  readonly digests: readonly string[]
  /** Signed texts that open the commitments, in any order. */
  readonly openings: readonly string[]
}

export type Finding = {
  readonly digest: string
  readonly what:
    | 'rules-unknown'
    | 'record-missing'
    | 'record-not-logged'
    | 'evidence-not-opened'
    | 'evidence-refused'
    | 'evidence-of-several-people'
    | 'evidence-left-out'
    | 'colour-does-not-follow'
    | 'end-does-not-follow'
    | 'reasons-do-not-follow'
  /** Words of ours: colours, error codes, sources. */
  readonly detail: string
  /** Sources whose evidence the record rests on. */
  readonly sources: readonly string[]
}

export type ReplayReport = {
  readonly checked: number
  readonly followed: number
  readonly findings: readonly Finding[]
}

const BUNDLE = ['ruleSets', 'records', 'digests', 'openings']
const RECORD = ['format', 'region', 'ruleSetHash', 'at', 'colour', 'until', 'reasons', 'evidence', 'salt']
const COLOURS: readonly Json[] = ['green', 'yellow', 'red', 'undetermined']

/**
 * Auditor: reads a bundle as it was handed over. A record in another form than the authority's own is no record.
 *
 * @throws {CtidError} `ERR_HEALTH_BUNDLE`, and those of `parseRuleSet`
 */
export function parseAuditBundle(value: Json): AuditBundle {
  const lists = isJsonObject(value) ? BUNDLE.map((name) => value[name]) : []
  if (lists.length !== BUNDLE.length || !lists.every(Array.isArray)) throw malformed('lists')
  const [ruleSets, records, digests, openings] = lists as readonly (readonly Json[])[]
  if (!areTexts(digests) || !areTexts(openings)) throw malformed('texts')
  return {
    ruleSets: (ruleSets as readonly Json[]).map(parseRuleSet),
    records: (records as readonly Json[]).map(parseRecord),
    digests,
    openings,
  }
}

function parseRecord(value: Json): DerivationRecord {
  const isForm =
    isJsonObject(value) &&
    Object.keys(value).length === RECORD.length &&
    RECORD.every((name) => Object.hasOwn(value, name)) &&
    value['format'] === 'ctid-health-derivation/1' &&
    areTexts([value['region'], value['ruleSetHash'], value['salt']]) &&
    [value['at'], value['until']].every((time) => Number.isSafeInteger(time) && (time as number) >= 0) &&
    COLOURS.includes(value['colour'] ?? null) &&
    areTexts(value['reasons']) &&
    areTexts(value['evidence'])
  if (!isForm) throw malformed('a record')
  return value as unknown as DerivationRecord
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one.length <= 8192)
}

function malformed(detail: string): CtidError {
  return new CtidError('ERR_HEALTH_BUNDLE', { detail })
}

/** Auditor: repeats every derivation. Needs nothing from the authority but what it published and opened. */
export async function replay(bundle: AuditBundle, sources: SourceLookup): Promise<ReplayReport> {
  const ruleSets = new Map(bundle.ruleSets.map((ruleSet) => [ruleSetHash(ruleSet), ruleSet]))
  const texts = new Map(bundle.openings.map((text) => [commitmentOf(text), text]))
  const opened = new Map<string, Evidence | string>()
  const logged = new Set(bundle.digests)
  const findings: Finding[] = []
  const seen = new Set<string>()
  let followed = 0
  const known: Known = new Map()
  for (const record of [...bundle.records].sort((a, b) => a.at - b.at)) {
    const digest = derivationDigest(record)
    seen.add(digest)
    const before = findings.length
    if (!logged.has(digest)) findings.push({ digest, what: 'record-not-logged', detail: '', sources: [] })
    findings.push(...(await judge(record, digest, ruleSets, texts, opened, sources)))
    findings.push(...leftOut(record, digest, opened, known))
    if (findings.length === before) followed++
  }
  for (const digest of bundle.digests)
    if (!seen.has(digest)) findings.push({ digest, what: 'record-missing', detail: '', sources: [] })
  return { checked: bundle.records.length, followed, findings }
}

async function judge(
  record: DerivationRecord,
  digest: string,
  ruleSets: ReadonlyMap<string, RuleSet>,
  texts: ReadonlyMap<string, string>,
  opened: Map<string, Evidence | string>,
  lookup: SourceLookup,
): Promise<readonly Finding[]> {
  const ruleSet = ruleSets.get(record.ruleSetHash)
  if (!ruleSet) return [{ digest, what: 'rules-unknown', detail: '', sources: [] }]
  const findings: Finding[] = []
  const evidence: Evidence[] = []
  for (const commitment of record.evidence) {
    const text = texts.get(commitment)
    if (text === undefined) {
      findings.push({ digest, what: 'evidence-not-opened', detail: '', sources: [] })
      continue
    }
    const one = opened.get(commitment) ?? (await open(text, lookup, record.at))
    opened.set(commitment, one)
    if (typeof one === 'string') findings.push({ digest, what: 'evidence-refused', detail: one, sources: [] })
    else evidence.push(one)
  }
  if (findings.length > 0) return findings
  const named = [...new Set(evidence.map(({ source }) => source))].sort()
  if (new Set(evidence.map(({ subject }) => subject)).size > 1)
    return [{ digest, what: 'evidence-of-several-people', detail: '', sources: named }]
  const status = derive(evidence, ruleSet, record.at)
  if (status.colour !== record.colour)
    return [
      {
        digest,
        what: 'colour-does-not-follow',
        detail: `${record.colour} on record, ${status.colour} by the rules`,
        sources: named,
      },
    ]
  if (status.until !== record.until)
    return [{ digest, what: 'end-does-not-follow', detail: '', sources: named }]
  const reasons = [...new Set(status.reasons.map(({ rule }) => rule))].sort()
  if (status.region !== record.region || reasons.join() !== record.reasons.join())
    return [{ digest, what: 'reasons-do-not-follow', detail: '', sources: named }]
  return []
}

/** By person and commitment: evidence, and the time of the first record that rests on it. */
type Known = Map<string, Map<string, { readonly evidence: Evidence; readonly since: number }>>

// What an earlier record of the same person rests on the authority had; while it lives a later one may not forget it.
// A restriction could be painted by leaving out the test that ends it. Of two records of one second neither is the later.
function leftOut(
  record: DerivationRecord,
  digest: string,
  opened: ReadonlyMap<string, Evidence | string>,
  known: Known,
): readonly Finding[] {
  const own = record.evidence.flatMap((commitment) => {
    const one = opened.get(commitment)
    return one === undefined || typeof one === 'string' ? [] : [one]
  })
  const [first] = own
  if (!first) return []
  const before = known.get(first.subject) ?? new Map<string, { evidence: Evidence; since: number }>()
  const present = new Set(record.evidence)
  const missing = [...before.values()]
    .filter(({ evidence, since }) => since < record.at && record.at < evidence.expiresAt)
    .map(({ evidence }) => evidence)
    .filter(({ commitment }) => !present.has(commitment))
  for (const evidence of own)
    if (!before.has(evidence.commitment)) before.set(evidence.commitment, { evidence, since: record.at })
  known.set(first.subject, before)
  if (missing.length === 0) return []
  const sources = [...new Set(missing.map(({ source }) => source))].sort()
  return [{ digest, what: 'evidence-left-out', detail: sources.join(', '), sources }]
}

async function open(text: string, sources: SourceLookup, at: number): Promise<Evidence | string> {
  try {
    return await verifyEvidence(text, { sources, now: at, acceptExpired: true })
  } catch (error) {
    if (isCtidError(error)) return error.code
    throw error
  }
}
