// GB 32100-2015 Unified Social Credit Codes of legal persons, with the GB 11714 organisation code inside.
import { CtidError } from '../base/index.ts'
import { isProvince } from './region.ts'

/** The 31 characters: digits and capitals without I, O, S, V, Z. */
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY'
/** 3^i mod 31. */
const WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]

/** Check character of the first 17 characters (GB 32100-2015 section 4.6: modulus 31). */
export function usccCheckCharacter(body17: string): string {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += ALPHABET.indexOf(body17[i] as string) * (WEIGHTS[i] as number)
  return ALPHABET[(31 - (sum % 31)) % 31] as string
}

/** Check character of an organisation code's eight characters (GB 11714-1997: modulus 11, `X` for ten). */
export function organisationCheckCharacter(body8: string): string {
  let sum = 0
  for (let i = 0; i < 8; i++)
    sum += Number.parseInt(body8[i] as string, 36) * (ORGANISATION_WEIGHTS[i] as number)
  const check = 11 - (sum % 11)
  return check === 10 ? 'X' : check === 11 ? '0' : String(check)
}

/**
 * Reads a Unified Social Credit Code (already in one spelling): registering authority and category (2), region (6),
 * organisation code (9), check character (1). The region is 100000 for bodies registered nationally, else in a province.
 *
 * @throws {CtidError} `ERR_IDENTITY_DOCUMENT_NUMBER`, `_CHECK_DIGIT`, `_REGION`
 */
export function parseUscc(code: string): string {
  if (code.length !== 18 || !/^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(code)) {
    throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
  }
  const organisation = code.slice(8, 17)
  if (usccCheckCharacter(code) !== code[17] || organisationCheckCharacter(organisation) !== organisation[8]) {
    throw new CtidError('ERR_IDENTITY_CHECK_DIGIT')
  }
  if (code.slice(2, 8) !== '100000' && !isProvince(code.slice(2, 4)))
    throw new CtidError('ERR_IDENTITY_REGION')
  return code
}
