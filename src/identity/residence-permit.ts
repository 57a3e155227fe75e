// Numbers of Chinese residence permits: Hong Kong, Macau and Taiwan residents', and foreigners' permanent ones, old and new.
import { CtidError } from '../base/index.ts'
import { type CalendarDate, parseBirthDate } from './calendar.ts'
import { isCountry } from './issuing-state.ts'
import { mrzCheckDigit } from './passport.ts'
import { isPermitRegion, isProvince } from './region.ts'
import { parseResidentForm } from './resident-id.ts'

/** A foreigner's permit names another nationality than the country's own. */
const NO_FOREIGNER: ReadonlySet<string> = new Set(['000', '156', 'CHN'])

/** What a residence permit's number says of its holder; the old form tells only the last two digits of the year. */
export type PermitNumber = {
  readonly number: string
  readonly birthDate?: CalendarDate
  readonly sex?: 'F' | 'M'
}

/**
 * Reads a residence permit number (already in one spelling), one of three forms:
 * - 18 characters from 810000, 820000 or 830000: Hong Kong, Macau, Taiwan residents, GB 11643 form;
 * - 18 characters from 9 (since 2023): 9, province (2), ISO 3166 numeric nationality (3), birth date (8), sequence (3),
 *   check character as in GB 11643;
 * - 15 characters (2004 to 2023): ISO 3166 alpha-3 nationality, region (4), birth date YYMMDD, sequence, check digit
 *   by the 7-3-1 rule of machine readable zones.
 *
 * The two foreign forms of one person share no number, so they are two documents and two records.
 *
 * @throws {CtidError} `ERR_IDENTITY_DOCUMENT_NUMBER`, `_CHECK_DIGIT`, `_REGION`, `_DATE`, `_DOCUMENT_TYPE`
 */
export function parseResidencePermit(
  number: string,
  options: { readonly now?: number | undefined } = {},
): PermitNumber {
  if (/^[A-Z]{3}\d{12}$/.test(number)) return parseOldForm(number, options)
  const parsed = parseResidentForm(number, options)
  if (isPermitRegion(number.slice(0, 6))) return parsed
  if (isProvince(number.slice(0, 2)))
    throw new CtidError('ERR_IDENTITY_DOCUMENT_TYPE', { detail: 'resident-id' })
  const nationality = number.slice(3, 6)
  if (number[0] !== '9' || !isProvince(number.slice(1, 3)) || NO_FOREIGNER.has(nationality)) {
    throw new CtidError('ERR_IDENTITY_REGION')
  }
  return parsed
}

function parseOldForm(number: string, options: { readonly now?: number | undefined }): PermitNumber {
  if (String(mrzCheckDigit(number.slice(0, 14))) !== number[14])
    throw new CtidError('ERR_IDENTITY_CHECK_DIGIT')
  const nationality = number.slice(0, 3)
  if (!isCountry(nationality) || NO_FOREIGNER.has(nationality) || !isProvince(number.slice(3, 5)))
    throw new CtidError('ERR_IDENTITY_REGION')
  // The century is not told; 1904 and 2004 are leap years alike and 1900 is not, so 19 decides only 29 February 1900.
  const yymmdd = number.slice(7, 13)
  const century = yymmdd.startsWith('00') ? '20' : '19'
  parseBirthDate(century + yymmdd, { field: 'documentNumber', now: options.now })
  return { number }
}
