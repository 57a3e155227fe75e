// Wrong on purpose: a token checker that believes the token about how it should be checked, and reads whatever is there.
import { equalBytes, fromBase64url, fromUtf8, type JsonObject, utf8 } from '#ctid/base'
import { hmacSha256, importVerifyKey, type P256PublicJwk, verifyEs256 } from '#ctid/crypto'

/** The claims of a text, or `undefined` when it was refused. The checker of lab 10 has the same shape. */
export type Checker = (text: string) => Promise<JsonObject | undefined>

/** Checks with the algorithm and the key that the header names. */
export function lenientChecker(issuer: P256PublicJwk): Checker {
  return async (text) => {
    const [jwt = '', ...disclosures] = text.split('~')
    const [head = '', body = '', signature = ''] = jwt.split('.')
    const header = decode(head) as { alg?: string; jwk?: P256PublicJwk }
    const input = utf8(`${head}.${body}`)
    if (!(await isSigned(header, input, fromBase64url(signature), issuer))) return undefined
    // JSON.parse keeps the last of two members of one name.
    const claims: { [name: string]: JsonObject[string] } = { ...(decode(body) as JsonObject) }
    for (const disclosure of disclosures.filter((one) => one !== '' && !one.includes('.'))) {
      const [, name, value] = decode(disclosure) as [string, string, JsonObject[string]]
      claims[name] = value as NonNullable<typeof value>
    }
    return claims as JsonObject
  }
}

async function isSigned(
  header: { readonly alg?: string; readonly jwk?: P256PublicJwk },
  input: Uint8Array,
  signature: Uint8Array,
  issuer: P256PublicJwk,
): Promise<boolean> {
  if (header.alg === 'none') return true
  if (header.alg === 'HS256') return equalBytes(hmacSha256(utf8(JSON.stringify(issuer)), input), signature)
  const key = await importVerifyKey(header.jwk ?? issuer)
  return verifyEs256(key, input, signature)
}

function decode(part: string): unknown {
  return JSON.parse(fromUtf8(fromBase64url(part)))
}

/** A gate that recognises a used ticket by its text. */
export function onceByText(accepts: (text: string) => Promise<boolean>): (text: string) => Promise<boolean> {
  const used = new Set<string>()
  return async (text) => {
    if (used.has(text) || !(await accepts(text))) return false
    used.add(text)
    return true
  }
}
