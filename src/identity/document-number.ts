// How a document number is written: one spelling for what people type in several.
import { CtidError } from '../base/index.ts'

const MAX_TYPED_LENGTH = 64
const FULL_WIDTH_OFFSET = 0xfee0

/**
 * Brings a typed document number to its one spelling: full-width letters and digits become ASCII, letters become
 * capitals, and spaces (ASCII, no-break, ideographic) are removed. Nothing else is repaired: hyphens, other
 * scripts' digits, controls and invisible characters are refused, because guessing could join two people.
 *
 * @throws {CtidError} `ERR_IDENTITY_DOCUMENT_NUMBER`
 */
export function normaliseDocumentNumber(typed: string): string {
  if (typeof typed !== 'string' || typed.length > MAX_TYPED_LENGTH)
    throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
  if (/^[0-9A-Z]*$/.test(typed)) return typed
  let out = ''
  for (const character of typed) {
    const code = character.codePointAt(0) as number
    if (code === 0x20 || code === 0xa0 || code === 0x3000) continue
    const narrow = code >= 0xff01 && code <= 0xff5e ? code - FULL_WIDTH_OFFSET : code
    const letter = String.fromCodePoint(narrow)
    if (!/^[0-9A-Za-z]$/.test(letter)) throw new CtidError('ERR_IDENTITY_DOCUMENT_NUMBER')
    out += letter.toUpperCase()
  }
  return out
}
