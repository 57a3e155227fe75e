// Whose key is this? The answer to that question, from a trust list here or from certificates in chain.ts.
import { CtidError, isCtidError, type JsonObject, type MaybePromise } from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, type VerifyKey } from '../crypto/index.ts'
import type { Purpose, TrustedIssuer, TrustedKey, TrustList } from './trust-list.ts'

/** A key that may be believed for the purpose asked, and whose it is. */
export type TrustedSigner = {
  /** Issuer's id in the trust list, or the subject's name in the certificate. */
  readonly id: string
  readonly kid: string
  readonly publicJwk: P256PublicJwk
  readonly verifyKey: VerifyKey
  /** Whether the signer may call itself `iss`. */
  speaksFor(iss: string): boolean
  /** The entry of the trust list, when that is where the key was found. */
  readonly issuer?: TrustedIssuer
  /** Key identifiers of the authorities above the leaf (hex), when the key came with a certificate chain. */
  readonly authorityKeyIds?: readonly string[]
}

/**
 * Finds the key for a JWS header at a time, or throws `ERR_TRUST_*`. Asynchronous where the platform demands it;
 * implementations keep imported keys, because importing costs as much as verifying.
 */
export type SignerResolver = (header: JsonObject, now: number) => MaybePromise<TrustedSigner>

export type TrustQuery = {
  readonly purpose: Purpose
  /** Unix seconds at which the key must be in force. */
  readonly now: number
  /** Region of whoever asks. When given, the issuer's region must be recognised there. */
  readonly region?: string
}

type Entry = {
  readonly issuer: TrustedIssuer
  readonly key: TrustedKey
  signer?: MaybePromise<TrustedSigner>
}
const indices = new WeakMap<TrustList, Map<string, Entry>>()

// One index per list, made on first use: a national list has thousands of keys and a gate asks on each scan.
function entryOf(list: TrustList, kid: string): Entry | undefined {
  let index = indices.get(list)
  if (!index) {
    index = new Map(list.issuers.flatMap((issuer) => issuer.keys.map((key) => [key.kid, { issuer, key }])))
    indices.set(list, index)
  }
  return index.get(kid)
}

/**
 * Verifier: the key `kid` of the list, if its issuer is recognised for the purpose, in the region, at the time.
 * Imported keys are kept; a second look-up costs a map access.
 *
 * @throws {CtidError} `ERR_TRUST_UNKNOWN_KEY`, `ERR_TRUST_PURPOSE`, `ERR_TRUST_REGION`, `ERR_TRUST_KEY_PERIOD`
 */
export function findSigner(list: TrustList, kid: string, query: TrustQuery): MaybePromise<TrustedSigner> {
  const entry = entryOf(list, kid)
  if (!entry) throw new CtidError('ERR_TRUST_UNKNOWN_KEY')
  const { issuer, key } = entry
  if (!issuer.purposes.includes(query.purpose)) throw new CtidError('ERR_TRUST_PURPOSE')
  if (query.region !== undefined && !recognises(list, query.region, issuer, query.purpose)) {
    throw new CtidError('ERR_TRUST_REGION')
  }
  if (query.now < key.notBefore || query.now >= key.notAfter) throw new CtidError('ERR_TRUST_KEY_PERIOD')
  entry.signer ??= signerOf(entry)
  return entry.signer
}

function signerOf({ issuer, key }: Entry): MaybePromise<TrustedSigner> {
  const withKey = (verifyKey: VerifyKey): TrustedSigner => ({
    id: issuer.id,
    kid: key.kid,
    publicJwk: key.jwk,
    verifyKey,
    speaksFor: (iss) => iss === issuer.id,
    issuer,
  })
  const imported = importVerifyKey(key.jwk)
  return imported instanceof Promise ? imported.then(withKey) : withKey(imported)
}

/** Whether verifiers of `region` recognise this issuer for the purpose: its own region, or an entry that says so. */
export function recognises(
  list: TrustList,
  region: string,
  issuer: Pick<TrustedIssuer, 'region'>,
  purpose: Purpose,
): boolean {
  if (issuer.region === region) return true
  return list.recognition.some(
    (entry) =>
      entry.region === region && entry.recognises.includes(issuer.region) && entry.purposes.includes(purpose),
  )
}

/**
 * Verifier: resolves JWS headers by the trust list: by `kid`, or by the leaf of `x5c` when the list has that leaf.
 * A header that names a listed key but brings another certificate than the listed one is refused. Throws as {@link findSigner}.
 */
export function trustListResolver(
  list: TrustList,
  options: { readonly purpose: Purpose; readonly region?: string },
): SignerResolver {
  return (header, now) => {
    const { kid, x5c } = header
    const leaf = Array.isArray(x5c) ? x5c[0] : undefined
    const id = typeof kid === 'string' ? kid : typeof leaf === 'string' ? kidOfLeaf(list, leaf) : undefined
    if (id === undefined) throw new CtidError('ERR_TRUST_UNKNOWN_KEY', { detail: 'no kid' })
    const listed = entryOf(list, id)?.key.x5c?.[0]
    if (leaf !== undefined && listed !== undefined && leaf !== listed) {
      throw new CtidError('ERR_TRUST_UNKNOWN_KEY', { detail: 'another certificate than listed' })
    }
    return findSigner(list, id, { ...options, now })
  }
}

function kidOfLeaf(list: TrustList, leaf: string): string | undefined {
  for (const issuer of list.issuers) {
    for (const key of issuer.keys) if (key.x5c?.[0] === leaf) return key.kid
  }
  return undefined
}

/**
 * Verifier: asks several resolvers in turn. The next one is asked only when a resolver does not know the key at all; who
 * is known but not recognised (purpose, region, period) cannot come in by another door. Throws the first failure.
 */
export function firstResolver(...resolvers: readonly SignerResolver[]): SignerResolver {
  return async (header, now) => {
    let first: CtidError | undefined
    for (const resolve of resolvers) {
      try {
        return await resolve(header, now)
      } catch (error) {
        if (!isCtidError(error)) throw error
        first ??= error
        if (error.code !== 'ERR_TRUST_UNKNOWN_KEY' && error.code !== 'ERR_TRUST_CHAIN') throw error
      }
    }
    throw first ?? new CtidError('ERR_TRUST_UNKNOWN_KEY')
  }
}
