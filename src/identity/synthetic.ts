// Synthetic people and companies for tests, demo and benches: valid check digits, invented names, and numbers that no
// authority issues (county code 99, passport numbers from SYN). Same seed, same town.
import { type CalendarDate, civilDate } from './calendar.ts'
import { type Draw, drawFrom } from './draw.ts'
import { mrzCheckDigit } from './passport.ts'
import { type DocumentType, type LegalRecord, parseLegalRecord } from './record.ts'
import { provinceCodes } from './region.ts'
import { residentCheckCharacter } from './resident-id.ts'
import {
  COMPANY_PLACES,
  COMPANY_TRADES,
  FOREIGN,
  GIVEN,
  MINORITY,
  RARE_GIVEN,
  SURNAMES,
} from './synthetic-names.ts'
import { organisationCheckCharacter, usccCheckCharacter } from './uscc.ts'

/** Reference time of the default town: 2026-01-01T00:00:00Z, so that ages do not change with the machine's clock. */
export const SYNTHETIC_NOW = 1_767_225_600

export type SyntheticOptions = {
  readonly seed: string
  readonly count: number
  /** Unix seconds that ages and validity are reckoned from. Default {@link SYNTHETIC_NOW}. */
  readonly now?: number
}

/** A document as somebody typed it: old forms, small x, full-width digits, several kinds of dot. */
export type TypedDocument = {
  readonly documentType: DocumentType
  readonly issuingState: string
  readonly documentNumber: string
  readonly name: string
  readonly birthDate?: CalendarDate
  readonly sex?: 'F' | 'M'
  readonly validUntil?: CalendarDate
}

const YEAR = 31_556_952
const MAINLAND = provinceCodes.filter((code) => code !== '71')
const MIDDLE_DOTS = ['·', '•', '・', '‧'] as const

/**
 * People as a registrar's screen receives them. Of every twenty: thirteen resident adults (some typed oddly), an elder
 * with a 15-digit number, two minority names, a rare character, a child, a Hong Kong, Macau or Taiwan resident, and a
 * foreigner with a permanent residence card or a passport. No two have the same document.
 */
export function syntheticDocuments(options: SyntheticOptions): TypedDocument[] {
  const { seed, count, now = SYNTHETIC_NOW } = options
  const draw = drawFrom(seed)
  const taken = new Set<string>()
  const documents: TypedDocument[] = []
  while (documents.length < count) {
    const document = person(documents.length % 20, draw, now)
    const number = parseLegalRecord(document).documentNumber
    if (taken.has(number)) continue
    taken.add(number)
    documents.push(document)
  }
  return documents
}

/** The same people as checked legal records. */
export function syntheticPeople(options: SyntheticOptions): LegalRecord[] {
  return syntheticDocuments(options).map((document) => parseLegalRecord(document))
}

/** Companies with valid Unified Social Credit Codes, the organisation code inside included. */
export function syntheticCompanies(options: SyntheticOptions): LegalRecord[] {
  const draw = drawFrom(`${options.seed}/companies`)
  const taken = new Set<string>()
  const companies: LegalRecord[] = []
  while (companies.length < options.count) {
    const organisation = `MA${digits(draw, 6)}`
    const body = `91${draw.pick(MAINLAND)}0199${organisation}${organisationCheckCharacter(organisation)}`
    const documentNumber = body + usccCheckCharacter(body)
    if (taken.has(documentNumber)) continue
    taken.add(documentNumber)
    const name = `${draw.pick(COMPANY_PLACES)}${draw.pick(COMPANY_TRADES)}有限公司`
    companies.push(parseLegalRecord({ documentType: 'uscc', documentNumber, name }))
  }
  return companies
}

function person(turn: number, draw: Draw, now: number): TypedDocument {
  const name = draw.pick(SURNAMES) + draw.pick(GIVEN)
  switch (turn) {
    case 3:
      return elder(name, draw, now)
    case 5:
    case 7:
      return resident(draw.pick(MINORITY).replace('·', draw.pick(MIDDLE_DOTS)), draw, now, [18, 75])
    case 9:
      return resident(draw.pick(SURNAMES) + draw.pick(RARE_GIVEN), draw, now, [18, 75])
    case 11:
      return resident(name, draw, now, [1, 13])
    case 13:
      return permit(draw.pick(['810000', '820000', '830000']), name, draw, now)
    case 15:
      return foreigner(draw, now)
    case 1:
    case 17:
      return typedOddly(resident(name, draw, now, [18, 75]), draw)
    default:
      return resident(name, draw, now, [18, 75])
  }
}

type Ages = readonly [from: number, below: number]

function resident(name: string, draw: Draw, now: number, ages: Ages): TypedDocument {
  const digits17 = `${draw.pick(MAINLAND)}0199${compact(birthDate(draw, now, ages))}${sequence(draw)}`
  return {
    documentType: 'resident-id',
    issuingState: 'CHN',
    documentNumber: digits17 + residentCheckCharacter(digits17),
    name,
    validUntil: expiry(draw, now),
  }
}

// Born 1930 to 1950, in the town's own time; the old card shows 15 digits and never expires.
function elder(name: string, draw: Draw, now: number): TypedDocument {
  const born = compact(birthDate(draw, now, [76, 95])).slice(2)
  const documentNumber = `${draw.pick(MAINLAND)}0199${born}${sequence(draw)}`
  return { documentType: 'resident-id', issuingState: 'CHN', documentNumber, name }
}

function permit(region: string, name: string, draw: Draw, now: number): TypedDocument {
  const digits17 = `${region}${compact(birthDate(draw, now, [18, 75]))}${sequence(draw)}`
  return {
    documentType: 'residence-permit',
    issuingState: 'CHN',
    documentNumber: digits17 + residentCheckCharacter(digits17),
    name,
    validUntil: expiry(draw, now),
  }
}

function foreigner(draw: Draw, now: number): TypedDocument {
  const [state, numeric, name] = draw.pick(FOREIGN)
  const born = birthDate(draw, now, [27, 75])
  const shared = { name, validUntil: expiry(draw, now) }
  const kind = draw.integer(3)
  if (kind === 0) {
    const documentNumber = `SYN${digits(draw, 6)}`
    const sex = draw.pick(['F', 'M'] as const)
    return { documentType: 'passport', issuingState: state, documentNumber, birthDate: born, sex, ...shared }
  }
  const permitOf = { documentType: 'residence-permit', issuingState: 'CHN', ...shared } as const
  if (kind === 1) {
    const body = `${state}1199${compact(born).slice(2)}${draw.integer(10)}`
    return { ...permitOf, documentNumber: body + String(mrzCheckDigit(body)), birthDate: born }
  }
  const digits17 = `9${draw.pick(MAINLAND)}${numeric}${compact(born)}${sequence(draw)}`
  return { ...permitOf, documentNumber: digits17 + residentCheckCharacter(digits17) }
}

function typedOddly(document: TypedDocument, draw: Draw): TypedDocument {
  const number = document.documentNumber
  const spelling = draw.pick([
    number.toLowerCase(),
    number.replace(/[0-9X]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    `${number.slice(0, 6)} ${number.slice(6, 14)} ${number.slice(14)}`,
  ])
  return { ...document, documentNumber: spelling }
}

function birthDate(draw: Draw, now: number, [from, below]: Ages): CalendarDate {
  return civilDate(now - from * YEAR - draw.integer((below - from) * 365) * 86_400 - 86_400)
}

function expiry(draw: Draw, now: number): CalendarDate {
  return civilDate(now + YEAR + draw.integer(9 * 365) * 86_400)
}

function compact(date: CalendarDate): string {
  return date.replaceAll('-', '')
}

function sequence(draw: Draw): string {
  return String(1 + draw.integer(994)).padStart(3, '0')
}

function digits(draw: Draw, count: number): string {
  return String(draw.integer(10 ** count)).padStart(count, '0')
}
