// The compact form: issuer-signed JWT, disclosures and key binding JWT joined by tildes (RFC 9901 section 4).
// The JSON serialisations of RFC 9901 section 8 are not used here; SPEC says so.
import { CtidError } from '../base/index.ts'
import { type Disclosure, disclosureDigest, parseDisclosure } from './disclosure.ts'

/** An SD-JWT or SD-JWT+KB taken apart; no signature has been looked at yet. */
export type ParsedSdJwt = {
  readonly issuerJwt: string
  readonly disclosures: readonly Disclosure[]
  /** The key binding JWT, when the text is an SD-JWT+KB. */
  readonly keyBinding: string | undefined
  /** Everything before the key binding JWT, last tilde included: what `sd_hash` covers. */
  readonly presentation: string
}

export type ParseSdJwtOptions = {
  /** Longest accepted text in characters. Default 262,144. */
  readonly maxLength?: number
  /** Default 500. */
  readonly maxDisclosures?: number
}

/**
 * Takes a compact SD-JWT apart.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_TOO_LARGE`, `ERR_CREDENTIAL_FORMAT`, and those of `parseDisclosure`
 */
export function parseSdJwt(text: string, options: ParseSdJwtOptions = {}): ParsedSdJwt {
  const { maxLength = 262_144, maxDisclosures = 500 } = options
  if (text.length > maxLength) throw new CtidError('ERR_CREDENTIAL_TOO_LARGE')
  const parts = text.split('~', maxDisclosures + 3)
  if (parts.length > maxDisclosures + 2) throw new CtidError('ERR_CREDENTIAL_TOO_LARGE')
  const issuerJwt = parts.shift()
  const keyBinding = parts.pop()
  if (!issuerJwt || keyBinding === undefined || parts.includes(''))
    throw new CtidError('ERR_CREDENTIAL_FORMAT')
  return {
    issuerJwt,
    disclosures: parts.map(parseDisclosure),
    keyBinding: keyBinding === '' ? undefined : keyBinding,
    presentation: text.slice(0, text.length - keyBinding.length),
  }
}

/** Joins the issuer-signed JWT and the encoded disclosures. Ends with a tilde. */
export function joinSdJwt(issuerJwt: string, disclosures: readonly Disclosure[]): string {
  let text = `${issuerJwt}~`
  for (const disclosure of disclosures) text += `${disclosure.encoded}~`
  return text
}

/** Base64url SHA-256 over a presentation without its key binding JWT (RFC 9901 section 4.3.1). */
export function sdHash(presentation: string): string {
  return disclosureDigest(presentation)
}
