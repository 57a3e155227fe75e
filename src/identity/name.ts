// Names of people and bodies in one spelling. A name is sealed in the record and shown; it is never part of an identity.
import { CtidError } from '../base/index.ts'

/** What a registrar should look at; the name is kept all the same. */
export type NameWarning =
  /** A code point of a private use area: another system will show or match another character. Ask for the standard one. */
  | 'private-use'
  /** A private-use code point of GB 18030-2000 or GBK was replaced by the character's standard code point. */
  | 'gb18030-mapped'
  /** A character outside the Basic Multilingual Plane: old systems may have lost or replaced it. */
  | 'supplementary-plane'

export type NormalisedName = { readonly name: string; readonly warnings: readonly NameWarning[] }

const MAX_NAME_LENGTH = 200

/**
 * What no name may have: controls and format characters (bidirectional, zero-width), lone surrogates, separators of lines, what
 * Unicode says is no character, and what shows nothing at all (fillers): two names that look alike would be two.
 * Variation selectors stay: they choose the form of a rare character.
 */
const REFUSED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{NChar}]|(?!\p{VS})\p{DI}/u

/** What people type between the parts of minority and foreign names; U+00B7 is the one in documents. */
const MIDDLE_DOTS = /[\u2022\u2027\u2219\u22c5\u2e31\u2e33\u30fb\uff65]/g

/**
 * Fourteen Han characters that GB 18030-2000 had to place in the private use area, with the code points they have
 * since Unicode 3.1 and 4.1 (GB 18030-2005 and -2022).
 */
const FROM_PRIVATE_USE: ReadonlyMap<number, number> = new Map([
  [0xe816, 0x20087],
  [0xe817, 0x20089],
  [0xe818, 0x200cc],
  [0xe81e, 0x9fb4],
  [0xe826, 0x9fb5],
  [0xe82b, 0x9fb6],
  [0xe82c, 0x9fb7],
  [0xe831, 0x215d7],
  [0xe832, 0x9fb8],
  [0xe83b, 0x2298f],
  [0xe843, 0x9fb9],
  [0xe854, 0x9fba],
  [0xe855, 0x241fe],
  [0xe864, 0x9fbb],
])

/**
 * Brings a name to one spelling: Unicode NFC; full-width ASCII to ASCII; every middle dot to U+00B7, also a full stop
 * between two Han characters; no spaces between Han characters or around a dot, single spaces elsewhere; private-use
 * code points of GB 18030 to their standard ones. Letter case stays.
 *
 * @throws {CtidError} `ERR_IDENTITY_NAME` when empty, longer than 200 UTF-16 units (as typed or in this spelling), with control,
 * format, bidirectional, surrogate or invisible code points, or without any letter
 */
export function normaliseName(typed: string): NormalisedName {
  if (typeof typed !== 'string' || typed.length > MAX_NAME_LENGTH || REFUSED.test(typed)) {
    throw new CtidError('ERR_IDENTITY_NAME')
  }
  const warnings = new Set<NameWarning>()
  let mapped = ''
  for (const character of typed) {
    const code = character.codePointAt(0) as number
    const standard = FROM_PRIVATE_USE.get(code)
    if (standard !== undefined) warnings.add('gb18030-mapped')
    mapped += String.fromCodePoint(standard ?? narrow(code))
  }
  const name = mapped
    .normalize('NFC')
    .replace(MIDDLE_DOTS, '·')
    .replace(/(?<=\p{Script=Han})\s*[.]\s*(?=\p{Script=Han})/gu, '·')
    .replace(/\s*·\s*/gu, '·')
    .replace(/\s+/gu, ' ')
    .replace(/(?<=\p{Script=Han}) (?=\p{Script=Han})/gu, '')
    .trim()
  for (const character of name) {
    const code = character.codePointAt(0) as number
    if (/\p{Co}/u.test(character)) warnings.add('private-use')
    else if (code > 0xffff) warnings.add('supplementary-plane')
  }
  // NFC writes some letters as two: a name that is too long then would be refused when it is read again.
  if (name.length > MAX_NAME_LENGTH || !/[\p{L}\p{Co}]/u.test(name) || /^·|·$|··/.test(name)) {
    throw new CtidError('ERR_IDENTITY_NAME')
  }
  return { name, warnings: [...warnings] }
}

function narrow(code: number): number {
  if (code === 0x3000) return 0x20
  return code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code
}
