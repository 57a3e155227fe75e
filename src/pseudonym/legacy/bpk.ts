// LEGACY, for comparison only: Austria's sector-specific personal identifier (bereichsspezifisches Personenkennzeichen).
//
// bPK = Base64(SHA-1(sourcePIN ‖ "+urn:publicid:gv.at:cdid+" ‖ sector)). Anybody who has a source PIN computes every bPK of
// that person; one authority's 3DES key makes all source PINs; there is no rotation. Nothing else in this
// project uses these functions; they exist so that the difference can be measured and shown.
import { sha1 } from '@noble/hashes/legacy.js'
import { CtidError, concatBytes, toBase64url, uintBytes, utf8 } from '../../base/index.ts'

const SOURCE_PIN = /^[A-Za-z0-9+/]{22}==$/
const SECTOR = /^[A-Z]{2}(-[A-Z]{2,3})?$/
const PREFIX = '+urn:publicid:gv.at:cdid+'

/**
 * The bPK of a source PIN (24 characters of Base64) in a sector of the administration, such as `SA` or `GH`.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_LEGACY`
 */
export function legacyBpk(sourcePin: string, sector: string): string {
  if (!SOURCE_PIN.test(sourcePin) || !SECTOR.test(sector)) throw new CtidError('ERR_PSEUDONYM_LEGACY')
  const base64url = toBase64url(sha1(utf8(`${sourcePin}${PREFIX}${sector}`)))
  return `${base64url.replaceAll('-', '+').replaceAll('_', '/')}=`
}

/**
 * The 16-byte block that the register encrypts with 3DES into a source PIN: base ‖ seed ‖ base ‖ base, where base is the
 * residents' register number of 12 decimal digits in 5 bytes. The encryption itself needs the register's secret key.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_LEGACY`
 */
export function legacySourcePinBlock(baseNumber: string, seed: number): Uint8Array {
  if (!/^[0-9]{12}$/.test(baseNumber) || !Number.isInteger(seed) || seed < 0 || seed > 255) {
    throw new CtidError('ERR_PSEUDONYM_LEGACY')
  }
  const base = uintBytes(Number(baseNumber), 5)
  return concatBytes(base, uintBytes(seed, 1), base, base)
}
