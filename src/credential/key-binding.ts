// Key binding: the holder's signature over one presentation, one audience and one nonce (RFC 9901 section 4.3).
import { CtidError, type JsonObject } from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, parsePublicJwk, type Signer } from '../crypto/index.ts'
import { isInForce, parseJws, signJws, type UnverifiedJws, verifyJws } from '../trust/index.ts'
import { sdHash } from './sd-jwt.ts'

/** JWS `typ` of a key binding JWT. */
export const KEY_BINDING_TYP = 'kb+jwt'

export type KeyBindingOptions = {
  /** The verifier, exactly as it names itself: in OpenID4VP its whole client identifier with prefix. */
  readonly audience: string
  /** The verifier's nonce. */
  readonly nonce: string
  /** Unix seconds. */
  readonly now: number
}

/** Holder: appends a key binding JWT to a presentation, which ends with a tilde. */
export async function bindPresentation(
  presentation: string,
  holder: Signer,
  options: KeyBindingOptions,
): Promise<string> {
  const payload = {
    iat: options.now,
    aud: options.audience,
    nonce: options.nonce,
    sd_hash: sdHash(presentation),
  }
  return presentation + (await signJws(payload, holder, { typ: KEY_BINDING_TYP }))
}

/** What a verifier demands of a key binding. */
export type KeyBindingPolicy = {
  /** The verifier's name; several where it is asked for under several, any of which will do. */
  readonly expectedAudience: string | readonly string[]
  readonly expectedNonce: string
  /** Oldest and, for clocks that run ahead, earliest accepted `iat` in seconds around now. Default 300. */
  readonly windowSeconds?: number
}

/**
 * The holder's key from `cnf.jwk` (RFC 7800 section 3.2).
 *
 * @throws {CtidError} `ERR_CREDENTIAL_HOLDER_KEY`
 */
export function holderKeyOf(claims: JsonObject): P256PublicJwk {
  const cnf = claims['cnf'] as JsonObject | undefined
  try {
    return parsePublicJwk(cnf?.['jwk'])
  } catch {
    throw new CtidError('ERR_CREDENTIAL_HOLDER_KEY')
  }
}

/** Reads a key binding JWT; its form only. */
export function parseKeyBinding(text: string): UnverifiedJws {
  return parseJws(text, { expectedTyp: KEY_BINDING_TYP, maxLength: 8192 })
}

/** Throws `ERR_CREDENTIAL_BINDING_SIGNATURE` unless `holderKey` signed the key binding JWT. */
export async function requireHolderSignature(
  binding: UnverifiedJws,
  holderKey: P256PublicJwk,
): Promise<void> {
  let valid: boolean
  try {
    valid = await verifyJws(binding, await importVerifyKey(holderKey))
  } catch {
    throw new CtidError('ERR_CREDENTIAL_HOLDER_KEY', { detail: 'not on the curve' })
  }
  if (!valid) throw new CtidError('ERR_CREDENTIAL_BINDING_SIGNATURE')
}

/**
 * Throws unless the binding was made about now. `exp` and `nbf`, when present, count as well
 * (RFC 9901 section 7.3, step 5.8).
 */
export function requireRecent(binding: UnverifiedJws, now: number, policy: KeyBindingPolicy): void {
  const { iat } = binding.payload
  const window = policy.windowSeconds ?? 300
  const isRecent = typeof iat === 'number' && Math.abs(now - iat) <= window
  if (!isRecent || !isInForce(binding, now, window)) throw new CtidError('ERR_CREDENTIAL_BINDING_TIME')
}
