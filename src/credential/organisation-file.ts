// Credentials of legal persons: the organisation file (who it is) and the business licence as electronic certificate.
import type { JsonObject } from '../base/index.ts'
import { type CredentialProfile, isDate, requireProfile, TEXT } from './profile.ts'

// Unified Social Credit Code, GB 32100-2015; its check character was checked when the record was enrolled.
const USCC = /^[0-9A-HJ-NPQRTUWXY]{18}$/

/** The file of a legal person. Unlike a person's number, the code of an organisation is public. */
export const ORGANISATION_FILE: CredentialProfile = {
  vct: 'https://ctid.example/credentials/organisation-file/1',
  name: { en: 'Organisation file', zh: '法人网络可信身份凭证' },
  required: ['document_type', 'issuing_state', 'legal_name', 'unified_social_credit_code'],
  forms: {
    document_type: /^uscc$/,
    issuing_state: /^[A-Z]{3}$/,
    legal_name: TEXT,
    unified_social_credit_code: USCC,
    organisation_type: TEXT,
    region: /^\d{6}$/,
    established: isDate,
    document_expiry: isDate,
    /** The role of whoever holds the key, for instance `legal representative`; not the person. */
    holder_role: TEXT,
  },
}

/** The business licence (营业执照) as an electronic certificate. */
export const BUSINESS_LICENCE: CredentialProfile = {
  vct: 'https://ctid.example/credentials/business-licence/1',
  name: { en: 'Business licence', zh: '电子营业执照' },
  required: [
    'unified_social_credit_code',
    'legal_name',
    'organisation_type',
    'established',
    'registration_authority',
  ],
  forms: {
    unified_social_credit_code: USCC,
    legal_name: TEXT,
    organisation_type: TEXT,
    legal_representative: TEXT,
    registered_capital: TEXT,
    established: isDate,
    valid_until: isDate,
    region: /^\d{6}$/,
    business_scope: /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,2000}$/u,
    registration_authority: TEXT,
    approved: isDate,
  },
}

/**
 * Issuer: checks the claims of a legal person's credential against its profile and returns them.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PROFILE`
 */
export function organisationClaims(
  profile: typeof ORGANISATION_FILE | typeof BUSINESS_LICENCE,
  claims: JsonObject,
): JsonObject {
  requireProfile(profile, claims, { complete: true })
  return claims
}
