// Passport numbers and machine-readable-zone check digits (ICAO Doc 9303 part 3 section 4.9 and part 4).
import { CtidError } from '../base/index.ts'

/**
 * Reads a passport number (already in one spelling): 5 to 9 letters and digits with a digit among them, as the nine
 * positions of the TD3 machine readable zone hold. Letters O and I stay what they are; states use both.
 *
 * @throws {CtidError} `ERR_IDENTITY_DOCUMENT_NUMBER`
 */
export function parsePassportNumber(number: string): string {
  if (!/^(?=.*\d)[0-9A-Z]{5,9}$/.test(number)) throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
  return number
}

/**
 * Check digit of a machine-readable field: weights 7, 3, 1; `<` counts 0, A to Z count 10 to 35; modulus 10.
 *
 * @throws {CtidError} `ERR_IDENTITY_DOCUMENT_NUMBER` on any other character
 */
export function mrzCheckDigit(field: string): number {
  let sum = 0
  for (let i = 0; i < field.length; i++) {
    const character = field[i] as string
    if (!/^[0-9A-Z<]$/.test(character)) throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
    const value = character === '<' ? 0 : Number.parseInt(character, 36)
    sum += value * ([7, 3, 1][i % 3] as number)
  }
  return sum % 10
}
