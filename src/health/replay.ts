// Replay: from published rules, opened evidence and the authority's records, every colour computed again by anybody.
import { isCtidError } from '../base/index.ts'
import { type DerivationRecord, derivationDigest } from './assertion.ts'
import { derive } from './derive.ts'
import { commitmentOf, type Evidence, verifyEvidence } from './evidence.ts'
import { type RuleSet, ruleSetHash } from './rule-set.ts'
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
    | 'colour-does-not-follow'
    | 'end-does-not-follow'
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

/** Auditor: repeats every derivation. Needs nothing from the authority but what it published and opened. */
export async function replay(bundle: AuditBundle, sources: SourceLookup): Promise<ReplayReport> {
  const ruleSets = new Map(bundle.ruleSets.map((ruleSet) => [ruleSetHash(ruleSet), ruleSet]))
  const texts = new Map(bundle.openings.map((text) => [commitmentOf(text), text]))
  const opened = new Map<string, Evidence | string>()
  const logged = new Set(bundle.digests)
  const findings: Finding[] = []
  const seen = new Set<string>()
  let followed = 0
  for (const record of bundle.records) {
    const digest = derivationDigest(record)
    seen.add(digest)
    const before = findings.length
    if (!logged.has(digest)) findings.push({ digest, what: 'record-not-logged', detail: '', sources: [] })
    findings.push(...(await judge(record, digest, ruleSets, texts, opened, sources)))
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
  return []
}

async function open(text: string, sources: SourceLookup, at: number): Promise<Evidence | string> {
  try {
    return await verifyEvidence(text, { sources, now: at, acceptExpired: true })
  } catch (error) {
    if (isCtidError(error)) return error.code
    throw error
  }
}
