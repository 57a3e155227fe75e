// DPoP (RFC 9449): access tokens that only the holder of a key can use. Made by wallets, checked by the issuer.
import { type Clock, CtidError, type JsonObject, type RandomBytes, toBase64url, utf8 } from '../base/index.ts'
import {
  importVerifyKey,
  jwkThumbprint,
  type P256PublicJwk,
  parsePublicJwk,
  type Signer,
  sha256,
} from '../crypto/index.ts'
import { isInForce, parseJws, signJws, type UnverifiedJws, verifyJws } from '../trust/index.ts'
import type { Sessions } from './sessions.ts'

export const DPOP_TYP = 'dpop+jwt'
const MAX_AGE_SECONDS = 300
const MAX_AHEAD_SECONDS = 60

/** Wallet: a proof for one request. */
export async function makeDpopProof(
  key: Signer,
  request: {
    readonly method: string
    readonly url: string
    readonly accessToken?: string
    readonly nonce?: string
  },
  options: { readonly clock: Clock; readonly random: RandomBytes },
): Promise<string> {
  const payload = {
    htm: request.method,
    htu: withoutQuery(request.url),
    iat: options.clock(),
    jti: toBase64url(options.random(16)),
    ...(request.accessToken === undefined ? {} : { ath: toBase64url(sha256(utf8(request.accessToken))) }),
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
  }
  return signJws(payload, key, { typ: DPOP_TYP, header: { jwk: key.publicJwk } })
}

export type DpopPolicy = {
  readonly clock: Clock
  /** Remembers proof ids until they expire. */
  readonly seen: Sessions<true>
  /** When given, proofs must carry a nonce this accepts (section 8). */
  readonly acceptsNonce?: (nonce: string) => boolean
}

export type DpopExpectation = {
  readonly method: string
  /** The URL as the client must have seen it. */
  readonly url: string
  /** At a protected resource: the token presented, and the key it is bound to. */
  readonly accessToken?: string
  readonly thumbprint?: string
}

/**
 * Issuer: checks a proof by every rule of section 4.3 and returns the thumbprint of its key.
 *
 * @throws {CtidError} `ERR_OPENID_DPOP` naming the rule, `ERR_OPENID_DPOP_NONCE`
 */
export async function checkDpopProof(
  proof: string,
  expected: DpopExpectation,
  policy: DpopPolicy,
): Promise<string> {
  const jws = parseProof(proof)
  const jwk = keyOf(jws)
  if (!(await isSignedBy(jws, jwk))) refuse('signature')
  const { htm, htu, iat, jti, ath, nonce } = jws.payload
  if (htm !== expected.method) refuse('htm')
  if (typeof htu !== 'string' || normalised(htu) !== normalised(expected.url)) refuse('htu')
  const now = policy.clock()
  if (typeof iat !== 'number' || iat < now - MAX_AGE_SECONDS || iat > now + MAX_AHEAD_SECONDS) refuse('iat')
  if (!isInForce(jws, now, MAX_AHEAD_SECONDS)) refuse('exp or nbf')
  if (typeof jti !== 'string' || jti.length === 0 || jti.length > 256) refuse('jti')
  if (expected.accessToken !== undefined && ath !== toBase64url(sha256(utf8(expected.accessToken))))
    refuse('ath')
  const thumbprint = jwkThumbprint(jwk)
  if (expected.thumbprint !== undefined && thumbprint !== expected.thumbprint) refuse('another key')
  if (policy.acceptsNonce && (typeof nonce !== 'string' || !policy.acceptsNonce(nonce))) {
    throw new CtidError('ERR_OPENID_DPOP_NONCE')
  }
  const id = `${thumbprint}.${jti}`
  if (policy.seen.get(id)) refuse('replayed jti')
  policy.seen.put(id, true, now + MAX_AGE_SECONDS + MAX_AHEAD_SECONDS)
  return thumbprint
}

function parseProof(proof: string): UnverifiedJws {
  try {
    return parseJws(proof, { expectedTyp: DPOP_TYP, maxLength: 8192 })
  } catch {
    return refuse('not a DPoP proof')
  }
}

function keyOf(jws: UnverifiedJws): P256PublicJwk {
  try {
    return parsePublicJwk((jws.header as JsonObject)['jwk'])
  } catch {
    return refuse('jwk')
  }
}

// A point that is not on the curve has signed nothing.
async function isSignedBy(jws: UnverifiedJws, key: P256PublicJwk): Promise<boolean> {
  try {
    return await verifyJws(jws, await importVerifyKey(key))
  } catch {
    return false
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

// Scheme and host are compared without regard to case, and default ports are dropped (RFC 9449 section 4.3, RFC 3986).
function normalised(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const parsed = new URL(url)
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

function refuse(detail: string): never {
  throw new CtidError('ERR_OPENID_DPOP', { detail })
}
