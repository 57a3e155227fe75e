// The bytes that stand for one identity: all spellings of one document give the same, two documents never do.
import { type Brand, framed } from '../base/index.ts'
import { type DocumentReference, parseDocument } from './record.ts'

/** Input of the token derivation: framed scheme id, document type, issuing state, document number. */
export type CanonicalIdentity = Brand<Uint8Array, 'CanonicalIdentity'>

/** Names this encoding; a different rule for any field needs a new one. */
export const IDENTITY_SCHEME = 'ctid/id/v1'

/**
 * Canonical identity of a document: `framed("ctid/id/v1", documentType, issuingState, documentNumber)`, SPEC section 5.
 * The name is not in it, so a change of name changes nothing. Fields are checked and brought to their one spelling
 * again here, so that no caller can derive two identities from two spellings.
 *
 * @throws {CtidError} `ERR_IDENTITY_*` for a document that could not have been parsed
 */
export function canonicalIdentity(document: DocumentReference): CanonicalIdentity {
  const { documentType, issuingState, documentNumber } = parseDocument(document).reference
  return framed(
    IDENTITY_SCHEME,
    documentType,
    issuingState,
    documentNumber,
  ) as Uint8Array as CanonicalIdentity
}
