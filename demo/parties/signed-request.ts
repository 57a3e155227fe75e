// A holder's signed request: a statement by a device key, for one address, good for a minute and once.
import { type Clock, CtidError, type JsonObject } from '#ctid/base'
import { importVerifyKey, jwkThumbprint, parsePublicJwk } from '#ctid/crypto'
import { parseJws, verifyJws } from '#ctid/trust'

/** `typ` of a signed request. */
export const REQUEST_TYP = 'ctid-desk+jwt'
const WINDOW_SECONDS = 60

export type SignedRequest = {
  readonly claims: JsonObject
  /** RFC 7638 thumbprint of the key that signed. */
  readonly thumbprint: string
}

/** Returns a function that checks requests; it remembers those it has seen. */
export function requestChecker(clock: Clock): (jws: unknown, audience: string) => Promise<SignedRequest> {
  const seen = new Map<string, number>()
  return async (jws, audience) => {
    if (typeof jws !== 'string') throw new CtidError('ERR_HTTP_BAD_REQUEST')
    const parsed = parseJws(jws, { expectedTyp: REQUEST_TYP })
    const jwk = parsePublicJwk(parsed.header['jwk'])
    if (!(await verifyJws(parsed, await importVerifyKey(jwk)))) throw new CtidError('ERR_TRUST_SIGNATURE')
    const { aud, iat, jti } = parsed.payload
    const now = clock()
    const isFresh = typeof iat === 'number' && Math.abs(now - iat) <= WINDOW_SECONDS
    if (aud !== audience || typeof jti !== 'string') throw new CtidError('ERR_HTTP_BAD_REQUEST')
    if (!isFresh) throw new CtidError('ERR_PSEUDONYM_STALE')
    for (const [id, until] of seen) if (until < now) seen.delete(id)
    if (seen.has(jti)) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    seen.set(jti, now + 2 * WINDOW_SECONDS)
    return { claims: parsed.payload, thumbprint: jwkThumbprint(jwk) }
  }
}
