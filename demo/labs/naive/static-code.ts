// Wrong on purpose: a signed code without time step, challenge or holder key. Whoever has its picture is the person.
import { fromBase64url, fromUtf8, type JsonObject, parseJsonObject, toBase64url, utf8 } from '#ctid/base'
import { importVerifyKey, type Signer, verifyEs256 } from '#ctid/crypto'

/** Issuer: signs "a person, until then". */
export async function makeStaticCode(
  issuer: Signer,
  claims: { handle: string; exp: number },
): Promise<string> {
  const body = toBase64url(utf8(JSON.stringify(claims)))
  return `${body}.${toBase64url(await issuer.sign(utf8(body)))}`
}

/** Verifier: right signature, not expired, and that is all that can be asked of it. */
export async function verifyStaticCode(text: string, issuer: Signer, now: number): Promise<boolean> {
  const [body = '', signature = ''] = text.split('.')
  const key = await importVerifyKey(issuer.publicJwk)
  if (!(await verifyEs256(key, utf8(body), fromBase64url(signature)))) return false
  const claims: JsonObject = parseJsonObject(fromUtf8(fromBase64url(body)))
  return Number(claims['exp']) > now
}
