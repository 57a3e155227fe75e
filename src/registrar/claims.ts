// What the registrar vouches for, in the words of the credential profiles.
import type { JsonObject } from '../base/index.ts'
import {
  type CredentialProfile,
  CTID_FILE,
  ctidFileClaims,
  ORGANISATION_FILE,
  organisationClaims,
  type PairwiseIdentifier,
} from '../credential/index.ts'
import type { LegalRecord } from '../identity/index.ts'

/**
 * Profile and claims for a record: the CTID file of a person, or the organisation file of a legal person.
 *
 * @param options.now Unix seconds, for the ages
 */
export function credentialSubject(
  record: LegalRecord,
  options: { readonly now: number; readonly pairwise?: PairwiseIdentifier },
): {
  readonly profile: CredentialProfile
  readonly subject: JsonObject
  readonly kind: 'person' | 'organisation'
} {
  const { documentType, issuingState, documentNumber, name, birthDate, sex, validUntil } = record
  if (documentType === 'uscc') {
    const claims = {
      document_type: documentType,
      issuing_state: issuingState,
      legal_name: name,
      unified_social_credit_code: documentNumber,
      region: documentNumber.slice(2, 8),
      ...(validUntil === undefined ? {} : { document_expiry: validUntil }),
    }
    const subject = organisationClaims(ORGANISATION_FILE, claims)
    return { profile: ORGANISATION_FILE, subject, kind: 'organisation' }
  }
  const subject = ctidFileClaims(
    {
      documentType,
      issuingState,
      name,
      birthDate: birthDate ?? '',
      ...(sex === undefined ? {} : { sex: SEX_CODES[sex] }),
      ...(documentType === 'resident-id' ? { region: documentNumber.slice(0, 6) } : {}),
      ...(validUntil === undefined ? {} : { documentExpiry: validUntil }),
    },
    options,
  )
  return { profile: CTID_FILE, subject, kind: 'person' }
}

// ISO/IEC 5218.
const SEX_CODES = { M: 1, F: 2, X: 9 } as const
