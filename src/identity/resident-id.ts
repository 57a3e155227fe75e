// GB 11643-1999 citizen identification numbers: check character, region, birth date, and the old form of 15 digits.
import { CtidError } from '../base/index.ts'
import { type CalendarDate, parseBirthDate } from './calendar.ts'
import { isPermitRegion, isProvince } from './region.ts'

/** What an 18-digit number of GB 11643 form says of its holder. */
export type ResidentNumber = {
  /** The 18-character form with a capital `X`. */
  readonly number: string
  readonly birthDate: CalendarDate
  readonly sex: 'F' | 'M'
}

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECK_CHARACTERS = '10X98765432'

/** Check character of 17 digits: ISO 7064 MOD 11-2, as GB 11643-1999 section 4.4 has it. */
export function residentCheckCharacter(digits17: string): string {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += Number(digits17[i]) * (WEIGHTS[i] as number)
  return CHECK_CHARACTERS[sum % 11] as string
}

/**
 * Reads a resident ID number (already in one spelling) in either form. The 15-digit form of before 1999 becomes the
 * 18-digit form of the same person: `19` after the sixth digit, and the check character.
 *
 * @throws {CtidError} `ERR_IDENTITY_DOCUMENT_NUMBER`, `_CHECK_DIGIT`, `_REGION`, `_DATE`, `_DOCUMENT_TYPE`
 */
export function parseResidentId(
  number: string,
  options: { readonly now?: number | undefined } = {},
): ResidentNumber {
  const full = /^\d{15}$/.test(number) ? expandOldForm(number) : number
  const parsed = parseResidentForm(full, options)
  if (isPermitRegion(full.slice(0, 6)))
    throw new CtidError('ERR_IDENTITY_DOCUMENT_TYPE', { detail: 'residence-permit' })
  if (!isProvince(full.slice(0, 2)) || full.slice(2, 6) === '0000') throw new CtidError('ERR_IDENTITY_REGION')
  return parsed
}

/** Checks length, check character and birth date of an 18-character number, whatever its first six digits mean. */
export function parseResidentForm(
  full: string,
  options: { readonly now?: number | undefined },
): ResidentNumber {
  if (!/^\d{17}[\dX]$/.test(full)) throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
  if (residentCheckCharacter(full) !== full[17]) throw new CtidError('ERR_IDENTITY_CHECK_DIGIT')
  if (full.slice(14, 17) === '000') throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
  return {
    number: full,
    birthDate: parseBirthDate(full.slice(6, 14), { field: 'documentNumber', now: options.now }),
    sex: Number(full[16]) % 2 === 1 ? 'M' : 'F',
  }
}

function expandOldForm(digits15: string): string {
  // Sequence numbers 996 to 999 were kept for people over a hundred, whose century the 15 digits do not tell.
  if (Number(digits15.slice(12)) >= 996)
    throw new CtidError('ERR_IDENTITY_DATE', { detail: 'documentNumber' })
  const digits17 = `${digits15.slice(0, 6)}19${digits15.slice(6)}`
  return digits17 + residentCheckCharacter(digits17)
}
