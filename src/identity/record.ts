// A legal record: what is printed on a document, parsed strictly. Errors name the field, never its value.
import { CtidError, isJsonObject, type Json } from '../base/index.ts'
import { type CalendarDate, parseBirthDate, parseCalendarDate } from './calendar.ts'
import { normaliseDocumentNumber } from './document-number.ts'
import { parseIssuingState } from './issuing-state.ts'
import { normaliseName } from './name.ts'
import { parsePassportNumber } from './passport.ts'
import { parseResidencePermit } from './residence-permit.ts'
import { parseResidentId } from './resident-id.ts'
import { parseUscc } from './uscc.ts'

export const DOCUMENT_TYPES = ['resident-id', 'uscc', 'passport', 'residence-permit'] as const
export type DocumentType = (typeof DOCUMENT_TYPES)[number]

/** The three fields that identify: who issued which document under which number. */
export type DocumentReference = {
  readonly documentType: DocumentType
  /** ISO 3166-1 alpha-3 or an ICAO code. `CHN` except for foreign passports. */
  readonly issuingState: string
  readonly documentNumber: string
}

/** A record as {@link parseLegalRecord} gives it: every field checked and in its one spelling. */
export type LegalRecord = DocumentReference & {
  readonly name: string
  /** Derived from the number where it tells; else as given. */
  readonly birthDate?: CalendarDate
  readonly sex?: 'F' | 'M' | 'X'
  /** Last day of validity of the document. Absent: unlimited. */
  readonly validUntil?: CalendarDate
}

const MEMBERS = new Set([
  'documentType',
  'issuingState',
  'documentNumber',
  'name',
  'birthDate',
  'sex',
  'validUntil',
])

export type ParseRecordOptions = {
  /** Unix seconds. When given, birth dates later than today in China are refused. */
  readonly now?: number
}

/**
 * Registrar: checks a record from outside and brings it to its one spelling. Members: `documentType`,
 * `documentNumber`, `name`; `issuingState` (mandatory for passports, else `CHN`); optional `birthDate`, `sex`,
 * `validUntil`. Unknown members are refused.
 *
 * @throws {CtidError} `ERR_IDENTITY_*` with the field's name as detail
 */
export function parseLegalRecord(input: unknown, options: ParseRecordOptions = {}): LegalRecord {
  if (!isJsonObject(input)) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'not an object' })
  for (const member of Object.keys(input)) {
    if (!MEMBERS.has(member)) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'unknown member' })
    const value = input[member]
    if (value !== undefined && typeof value !== 'string') {
      throw new CtidError('ERR_IDENTITY_RECORD', { detail: member })
    }
  }
  const documentType = DOCUMENT_TYPES.find((type) => type === input['documentType'])
  if (documentType === undefined) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'documentType' })
  const issuingState = text(input, 'issuingState') ?? (documentType === 'passport' ? undefined : 'CHN')
  const documentNumber = text(input, 'documentNumber')
  const typedName = text(input, 'name')
  if (issuingState === undefined) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'issuingState' })
  if (documentNumber === undefined) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'documentNumber' })
  if (typedName === undefined) throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'name' })

  const document = parseDocument({ documentType, issuingState, documentNumber }, options)
  const birthDate = agree('birthDate', document.birthDate, givenBirthDate(input, documentType, options))
  const sex = agree('sex', document.sex, givenSex(input, documentType))
  const validUntil = givenDate(input, 'validUntil')
  return {
    ...document.reference,
    name: normaliseName(typedName).name,
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(sex === undefined ? {} : { sex }),
    ...(validUntil === undefined ? {} : { validUntil }),
  }
}

type ParsedDocument = {
  readonly reference: DocumentReference
  readonly birthDate?: CalendarDate | undefined
  readonly sex?: 'F' | 'M' | undefined
}

/**
 * Checks the three identifying fields and brings them to their one spelling, with what the number itself tells.
 *
 * @throws {CtidError} `ERR_IDENTITY_*`
 */
export function parseDocument(document: DocumentReference, options: ParseRecordOptions = {}): ParsedDocument {
  const { documentType } = document
  if (!DOCUMENT_TYPES.includes(documentType)) {
    throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'documentType' })
  }
  const issuingState = parseIssuingState(document.issuingState)
  if (documentType !== 'passport' && issuingState !== 'CHN') throw new CtidError('ERR_IDENTITY_ISSUING_STATE')
  const typed = normaliseDocumentNumber(document.documentNumber)
  const told = readNumber(documentType, typed, options)
  return {
    reference: { documentType, issuingState, documentNumber: told.number },
    birthDate: told.birthDate,
    sex: told.sex,
  }
}

function readNumber(
  documentType: DocumentType,
  number: string,
  options: ParseRecordOptions,
): { readonly number: string; readonly birthDate?: CalendarDate; readonly sex?: 'F' | 'M' } {
  switch (documentType) {
    case 'resident-id':
      return parseResidentId(number, options)
    case 'residence-permit':
      return parseResidencePermit(number, options)
    case 'passport':
      return { number: parsePassportNumber(number) }
    case 'uscc':
      return { number: parseUscc(number) }
  }
}

function text(input: { readonly [key: string]: Json }, field: string): string | undefined {
  return input[field] as string | undefined // parseLegalRecord has looked
}

function givenDate(input: { readonly [key: string]: Json }, field: string): CalendarDate | undefined {
  const value = text(input, field)
  if (value === undefined) return undefined
  const date = value.length === 10 ? parseCalendarDate(value) : undefined
  if (date === undefined) throw new CtidError('ERR_IDENTITY_DATE', { detail: field })
  return date
}

function givenBirthDate(
  input: { readonly [key: string]: Json },
  documentType: DocumentType,
  options: ParseRecordOptions,
): CalendarDate | undefined {
  const date = givenDate(input, 'birthDate')
  if (date === undefined) return undefined
  if (documentType === 'uscc') throw new CtidError('ERR_IDENTITY_CONTRADICTION', { detail: 'birthDate' })
  return parseBirthDate(date, { field: 'birthDate', now: options.now })
}

function givenSex(
  input: { readonly [key: string]: Json },
  documentType: DocumentType,
): 'F' | 'M' | 'X' | undefined {
  const sex = text(input, 'sex')
  if (sex === undefined) return undefined
  if (sex !== 'F' && sex !== 'M' && sex !== 'X') throw new CtidError('ERR_IDENTITY_RECORD', { detail: 'sex' })
  if (documentType === 'uscc') throw new CtidError('ERR_IDENTITY_CONTRADICTION', { detail: 'sex' })
  return sex
}

// What the number tells wins; a given value that says otherwise is a typing error to be sent back.
function agree<T>(field: string, told: T | undefined, given: T | undefined): T | undefined {
  if (told !== undefined && given !== undefined && told !== given) {
    throw new CtidError('ERR_IDENTITY_CONTRADICTION', { detail: field })
  }
  return told ?? given
}
