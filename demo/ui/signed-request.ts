// Signs a request with one of this device's keys: for one address, now, once.
import { type JsonObject, systemRandom, toBase64url } from '#ctid/base'
import { signJws } from '#ctid/trust'
import { deviceKeys } from './wallet-home.ts'

const REQUEST_TYP = 'ctid-desk+jwt'

/** The request as compact JWS. `nonce` is its number, which nobody accepts twice. */
export async function signRequest(
  keyName: string,
  audience: string,
  claims: JsonObject,
  nonce = toBase64url(systemRandom(16)),
): Promise<string> {
  const signer = await deviceKeys.signer(keyName)
  if (!signer) throw new Error('the key of this wallet is gone')
  const payload = { ...claims, aud: audience, iat: Math.floor(Date.now() / 1000), jti: nonce }
  return signJws(payload, signer, { typ: REQUEST_TYP, header: { jwk: { ...signer.publicJwk } } })
}
