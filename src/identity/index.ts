// identity: turns what is printed on a document into one canonical record, or says why not. It knows no keys and no tokens.
export { type CalendarDate, civilDate, parseCalendarDate } from './calendar.ts'
export { type CanonicalIdentity, canonicalIdentity, IDENTITY_SCHEME } from './canonical.ts'
export { normaliseDocumentNumber } from './document-number.ts'
export { parseIssuingState } from './issuing-state.ts'
export { type NameWarning, type NormalisedName, normaliseName } from './name.ts'
export { mrzCheckDigit, parsePassportNumber } from './passport.ts'
export {
  DOCUMENT_TYPES,
  type DocumentReference,
  type DocumentType,
  type LegalRecord,
  type ParseRecordOptions,
  parseLegalRecord,
} from './record.ts'
export { type PermitNumber, parseResidencePermit } from './residence-permit.ts'
export { parseResidentId, type ResidentNumber, residentCheckCharacter } from './resident-id.ts'
export {
  SYNTHETIC_NOW,
  type SyntheticOptions,
  syntheticCompanies,
  syntheticDocuments,
  syntheticPeople,
  type TypedDocument,
} from './synthetic.ts'
export { organisationCheckCharacter, parseUscc, usccCheckCharacter } from './uscc.ts'
