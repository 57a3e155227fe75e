// The CTID file: what a natural person's credential says. No token, no document number: a verifier learns neither.
import {
  CtidError,
  fromBase64url,
  HOUR,
  isJsonObject,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import { type CredentialProfile, isDate, requireProfile, TEXT } from './profile.ts'

/** Ages that services ask for; each is a claim of its own. 60 and 65 open benefits, the others limit access. */
export const AGE_THRESHOLDS = [14, 16, 18, 21, 60, 65] as const

/** The CTID file of a natural person. Claim names follow OpenID Connect and the EU PID where they have one. */
export const CTID_FILE: CredentialProfile = {
  vct: 'https://ctid.example/credentials/ctid-file/1',
  name: { en: 'CTID file', zh: '网络可信身份凭证' },
  required: ['document_type', 'issuing_state', 'name', 'birthdate', 'age_equal_or_over'],
  forms: {
    document_type: /^(resident-id|passport|residence-permit)$/,
    issuing_state: /^[A-Z]{3}$/,
    name: TEXT,
    family_name: TEXT,
    given_name: TEXT,
    birthdate: isDate,
    // ISO/IEC 5218: 1 male, 2 female, 9 not applicable.
    sex: (value) => value === 1 || value === 2 || value === 9,
    age_equal_or_over: isAges,
    // GB/T 2260 code of the county or district, never finer.
    region: /^\d{6}$/,
    document_expiry: isDate,
    document_number_masked: /^[0-9A-Z]\*{3,24}[0-9A-Z]$/,
    pairwise_id: /^[A-Za-z0-9_-]{43}$/,
    pairwise_audience: TEXT,
  },
}

/** What the registrar has checked about a person, in the words of this profile. */
export type CtidFileSubject = {
  readonly documentType: 'resident-id' | 'passport' | 'residence-permit'
  /** ISO 3166-1 alpha-3. */
  readonly issuingState: string
  /** The whole name as printed. */
  readonly name: string
  readonly familyName?: string
  readonly givenName?: string
  /** `1984-12-31`. */
  readonly birthDate: string
  readonly sex?: 1 | 2 | 9
  /** Six digits, GB/T 2260. */
  readonly region?: string
  /** `2031-05-17`, last day. */
  readonly documentExpiry?: string
  /** Only when a service must compare it with a paper: all but the first and last character are masked here. */
  readonly documentNumber?: string
}

/** For a service that must recognise a returning person: `HMAC(k_v, P)`, which no other service can match. */
export type PairwiseIdentifier = {
  /** 32 bytes. */
  readonly id: Uint8Array
  /** The service, as it names itself in requests. */
  readonly audience: string
}

/**
 * Issuer: the claims of a CTID file, without times, status and key.
 *
 * @param options.now Unix seconds; ages are those of that day in China (UTC+8)
 * @throws {CtidError} `ERR_CREDENTIAL_PROFILE`
 */
export function ctidFileClaims(
  subject: CtidFileSubject,
  options: { readonly now: number; readonly pairwise?: PairwiseIdentifier },
): JsonObject {
  const { pairwise, now } = options
  const claims = present({
    document_type: subject.documentType,
    issuing_state: subject.issuingState,
    name: subject.name,
    family_name: subject.familyName,
    given_name: subject.givenName,
    birthdate: subject.birthDate,
    sex: subject.sex,
    age_equal_or_over: ages(subject.birthDate, now),
    region: subject.region,
    document_expiry: subject.documentExpiry,
    document_number_masked:
      subject.documentNumber === undefined ? undefined : maskDocumentNumber(subject.documentNumber),
    pairwise_id: pairwise && toBase64url(pairwise.id),
    pairwise_audience: pairwise?.audience,
  })
  requireProfile(CTID_FILE, claims, { complete: true })
  return claims
}

/**
 * Verifier: the pairwise identifier from verified claims, if it was issued for this service.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PROFILE` when it is absent or meant for somebody else
 */
export function pairwiseIdOf(claims: JsonObject, expectedAudience: string): Uint8Array {
  const { pairwise_id: id, pairwise_audience: audience } = claims
  if (typeof id !== 'string' || audience !== expectedAudience) {
    throw new CtidError('ERR_CREDENTIAL_PROFILE', { detail: 'pairwise_id' })
  }
  requireProfile(CTID_FILE, { pairwise_id: id }, { complete: false })
  return fromBase64url(id)
}

/** Keeps the first and the last character. */
export function maskDocumentNumber(number: string): string {
  return `${number.slice(0, 1)}${'*'.repeat(Math.max(0, number.length - 2))}${number.slice(-1)}`
}

const CHINA_STANDARD_TIME = 8 * HOUR

// One is 18 from the day of the eighteenth birthday; who was born on 29 February, from 1 March in common years.
function ages(birthDate: string, now: number): JsonObject {
  const today = new Date((now + CHINA_STANDARD_TIME) * 1000).toISOString().slice(0, 10)
  return Object.fromEntries(
    AGE_THRESHOLDS.map((age) => {
      const birthday = `${String(Number(birthDate.slice(0, 4)) + age).padStart(4, '0')}${birthDate.slice(4)}`
      return [String(age), birthday <= today]
    }),
  )
}

function isAges(value: Json): boolean {
  return (
    isJsonObject(value) &&
    Object.entries(value).every(([age, over]) => /^\d{1,3}$/.test(age) && typeof over === 'boolean')
  )
}

function present(claims: { readonly [name: string]: Json | undefined }): JsonObject {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)) as JsonObject
}
