// The status as it travels: claims of a short-lived one-time credential, the claim in a code, and the wallet's own check.
import {
  CtidError,
  canonicalJson,
  framed,
  fromHex,
  HOUR,
  type Json,
  type JsonObject,
  MINUTE,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import type { CredentialProfile, Validity } from '../credential/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { HealthClaim, HealthOutcome } from '../qr/index.ts'
import { derive, type Status } from './derive.ts'
import type { EuVerdict } from './eu-rules.ts'
import type { Evidence } from './evidence.ts'
import type { Colour } from './program.ts'
import type { RuleSet, Text } from './rule-set.ts'

/** The credential type of a status. Everything can be kept back; reasons are for the citizen alone. */
export const HEALTH_STATUS: CredentialProfile = {
  vct: 'https://ctid.example/credentials/health-status/1',
  name: { en: 'Health status', zh: '健康状态' },
  required: ['outcome', 'region', 'rule_set', 'derived_at', 'until', 'derivation'],
  forms: {
    outcome: /^(green|yellow|red|undetermined)$/,
    region: /^(\d{6}|[A-Z]{2})$/,
    rule_set: /^[0-9a-f]{64}$/,
    derived_at: isSeconds,
    until: isSeconds,
    derivation: /^[\w-]{43}$/,
    passes: isAnswers,
    reasons: (value) =>
      Array.isArray(value) &&
      value.every((one) => typeof one === 'string' && /^[A-Z]{1,3}\d{0,3}$/.test(one)),
  },
}

function isSeconds(value: Json): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isAnswers(value: Json): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => typeof one === 'boolean')
  )
}

/** Default life of a status copy. */
export const STATUS_COPY_SECONDS = 12 * HOUR

/** What the authority keeps of a derivation, and what the auditor gets: enough to repeat it, nothing to know a person by. */
export type DerivationRecord = {
  readonly format: 'ctid-health-derivation/1'
  readonly region: string
  readonly ruleSetHash: string
  readonly at: number
  readonly colour: Colour
  readonly until: number
  /** Rules that gave the colour. */
  readonly reasons: readonly string[]
  /** Commitments of all evidence in force, sorted. */
  readonly evidence: readonly string[]
  /** 16 random bytes, base64url: hides the record behind its digest. */
  readonly salt: string
}

/** Authority: the record of a status, with fresh salt. */
export function recordDerivation(status: Status, random: RandomBytes): DerivationRecord {
  const { region, ruleSetHash, at, colour, until, evidence } = status
  const reasons = [...new Set(status.reasons.map(({ rule }) => rule))].sort()
  return {
    format: 'ctid-health-derivation/1',
    region,
    ruleSetHash,
    at,
    colour,
    until,
    reasons,
    evidence,
    salt: toBase64url(random(16)),
  }
}

/** What the log and the credential carry of a record: SHA-256 with domain over its canonical JSON, base64url. */
export function derivationDigest(record: DerivationRecord): string {
  return toBase64url(sha256(framed('ctid/health-derivation/1', canonicalJson(record as unknown as Json))))
}

/** A verifier's published question. `status` asks for the authority's finding, `proof` for what the holder can show. */
export type VerifierProfile = {
  readonly id: string
  readonly name: Text
  readonly needs: 'status' | 'proof'
  /** Colours that pass; for `proof` without meaning. */
  readonly passes: readonly Colour[]
}

/** The only answer a gate needs: pass or not, so that a red person is not exposed. Undetermined stays undetermined. */
export function outcomeFor(profile: VerifierProfile, status: Pick<Status, 'colour'>): HealthOutcome {
  if (profile.passes.includes(status.colour)) return 'pass'
  return status.colour === 'undetermined' ? 'undetermined' : 'not-passed'
}

/** The answer to a `proof`: what is not proven is undetermined. Absence of proof is no accusation. */
export function outcomeOfProof(verdict: EuVerdict): HealthOutcome {
  return verdict.verdict === 'pass' ? 'pass' : 'undetermined'
}

/**
 * Authority: the claims of a status credential, all selectively disclosable, for the issuer's `issueCopies` with
 * profile {@link HEALTH_STATUS}.
 */
export function statusClaims(
  status: Status,
  record: DerivationRecord,
  profiles: readonly VerifierProfile[] = [],
): JsonObject {
  const answers = profiles
    .filter(({ needs }) => needs === 'status')
    .map((profile): [string, boolean] => [profile.id, outcomeFor(profile, status) === 'pass'])
  return {
    outcome: status.colour,
    region: status.region,
    rule_set: status.ruleSetHash,
    derived_at: status.at,
    until: status.until,
    derivation: derivationDigest(record),
    reasons: record.reasons,
    ...(answers.length > 0 && { passes: Object.fromEntries(answers) }),
  }
}

/** The health claim of a QR attestation: the colour, or the answer to one profile; it ends with its copy. */
export function statusCodeClaim(
  status: Status,
  profile?: VerifierProfile,
  ttlSeconds = STATUS_COPY_SECONDS,
): HealthClaim {
  return {
    outcome: profile ? outcomeFor(profile, status) : status.colour,
    ruleSet: fromHex(status.ruleSetHash).slice(0, 8),
    // The copy's own end and no more: when the status itself ends would tell two verifiers whose copies they saw.
    until: statusValidity(status, ttlSeconds).exp,
  }
}

/**
 * Times of a copy: from the hour of the derivation until something may change, `ttlSeconds` at most. To the second they would
 * join the copies of one batch, so many share them: the end is the last whole hour, or where that takes more than half of
 * what is left, the last 5 minutes, the last minute. Never later than the status holds.
 */
export function statusValidity(status: Status, ttlSeconds = STATUS_COPY_SECONDS): Validity {
  const { at } = status
  const end = Math.min(status.nextChangeAt, status.until, at + ttlSeconds)
  const ends = GRAINS.map((grain) => end - (end % grain))
  return { iat: at - (at % HOUR), exp: ends.find((one) => 2 * (one - at) >= end - at) ?? end }
}

const GRAINS = [HOUR, 5 * MINUTE, MINUTE]

/** What a status credential or its holder says. */
export type StatusAssertion = {
  readonly colour: Colour
  readonly region: string
  readonly ruleSetHash: string
  readonly at: number
  readonly until: number
}

/** Reads the disclosed claims of a verified status credential. @throws {CtidError} `ERR_HEALTH_EVIDENCE` */
export function readStatusClaims(claims: JsonObject): StatusAssertion {
  for (const name of ['outcome', 'region', 'rule_set', 'derived_at', 'until']) {
    const form = HEALTH_STATUS.forms[name]
    const value = claims[name]
    const fits =
      value !== undefined &&
      (form instanceof RegExp ? typeof value === 'string' && form.test(value) : form?.(value) === true)
    if (!fits) throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'a claim of the status' })
  }
  const { outcome, region, rule_set: ruleSetHash, derived_at: at, until } = claims
  return { colour: outcome, region, ruleSetHash, at, until } as unknown as StatusAssertion
}

export type Agreement = {
  readonly agrees: boolean
  /** What differs between the authority and the holder's own derivation. */
  readonly differences: readonly ('colour' | 'region' | 'rule-set' | 'until' | 'time')[]
  /** The holder's own derivation for the instant of the assertion. */
  readonly own: Status
}

/**
 * Holder: derives the status for the assertion's instant from the evidence and rules the wallet holds, and says whether
 * the authority agrees. A wallet makes no code from an assertion that does not: a colour that does not follow from
 * evidence never reaches a gate.
 */
export function agreesWith(
  assertion: StatusAssertion,
  evidence: readonly Evidence[],
  ruleSet: RuleSet,
  now: number,
): Agreement {
  const own = derive(evidence, ruleSet, assertion.at)
  const differences: Agreement['differences'][number][] = []
  if (own.colour !== assertion.colour) differences.push('colour')
  if (own.region !== assertion.region) differences.push('region')
  if (own.ruleSetHash !== assertion.ruleSetHash) differences.push('rule-set')
  if (own.until !== assertion.until) differences.push('until')
  if (assertion.at > now + 300) differences.push('time')
  return { agrees: differences.length === 0, differences, own }
}
