// Holder and verifier: puts disclosures back in the place of their digests (RFC 9901 section 7.1, steps 3 to 5).
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import type { Disclosure } from './disclosure.ts'

export type Revealed = {
  /** The processed payload: no digests, no `_sd_alg`. */
  readonly claims: JsonObject
  /** Where each disclosure belongs in `claims`, in the order given. */
  readonly places: readonly (readonly (string | number)[])[]
}

export type RevealOptions = {
  /** Top-level claims in and below which nothing may be selectively disclosable. */
  readonly protectedClaims?: ReadonlySet<string>
}

type Place = { readonly parent: Place | undefined; readonly step: string | number }
type State = {
  readonly byDigest: Map<string, Disclosure>
  readonly seen: Set<string>
  readonly places: Map<Disclosure, Place>
  readonly protectedClaims: ReadonlySet<string>
}

const NOTHING: ReadonlySet<string> = new Set()

/**
 * Processes a payload with its disclosures. Nothing is believed here: check the signature of the payload first.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_HASH_ALGORITHM`, `ERR_CREDENTIAL_DISCLOSURE` (wrong kind for its place),
 * `ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED`, `ERR_CREDENTIAL_DIGEST`, `ERR_CREDENTIAL_DIGEST_REPEATED`,
 * `ERR_CREDENTIAL_CLAIM_NAME`, `ERR_CREDENTIAL_CLAIM_COLLISION`, `ERR_CREDENTIAL_CLAIM_PROTECTED`
 */
export function reveal(
  payload: JsonObject,
  disclosures: readonly Disclosure[],
  options: RevealOptions = {},
): Revealed {
  const algorithm = payload['_sd_alg']
  // Absent means sha-256 (RFC 9901 section 4.1.1).
  if (algorithm !== undefined && algorithm !== 'sha-256') throw new CtidError('ERR_CREDENTIAL_HASH_ALGORITHM')
  const state: State = {
    byDigest: new Map(disclosures.map((disclosure) => [disclosure.digest, disclosure])),
    seen: new Set(),
    places: new Map(),
    protectedClaims: options.protectedClaims ?? NOTHING,
  }
  if (state.byDigest.size !== disclosures.length)
    throw new CtidError('ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED')
  const claims = revealObject(payload, undefined, state)
  const places = disclosures.map((disclosure) => {
    const place = state.places.get(disclosure)
    if (!place) throw new CtidError('ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED')
    return steps(place)
  })
  return { claims, places }
}

function revealValue(value: Json, place: Place, state: State): Json {
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value)
    ? revealArray(value, place, state)
    : revealObject(value as JsonObject, place, state)
}

function revealObject(object: JsonObject, place: Place | undefined, state: State): JsonObject {
  const out: Record<string, Json> = {}
  for (const name of Object.keys(object)) {
    if (name === '_sd') continue
    if (name === '...') throw new CtidError('ERR_CREDENTIAL_DIGEST', { detail: 'outside an array' })
    if (name === '_sd_alg') {
      // Only the top level may state the algorithm, and it is not a claim.
      if (place) throw new CtidError('ERR_CREDENTIAL_CLAIM_NAME')
      continue
    }
    put(out, name, revealValue(object[name] as Json, { parent: place, step: name }, state))
  }
  const digests = object['_sd']
  if (digests === undefined) return out
  if (!Array.isArray(digests)) throw new CtidError('ERR_CREDENTIAL_DIGEST', { detail: '_sd' })
  for (const digest of digests as readonly Json[]) {
    const disclosure = meet(digest, place, state)
    if (!disclosure) continue
    const { name } = disclosure
    if (name === undefined)
      throw new CtidError('ERR_CREDENTIAL_DISCLOSURE', { detail: 'element among members' })
    if (!place && state.protectedClaims.has(name)) throw new CtidError('ERR_CREDENTIAL_CLAIM_PROTECTED')
    if (Object.hasOwn(out, name)) throw new CtidError('ERR_CREDENTIAL_CLAIM_COLLISION')
    const here = { parent: place, step: name }
    state.places.set(disclosure, here)
    put(out, name, revealValue(disclosure.value, here, state))
  }
  return out
}

function revealArray(array: readonly Json[], place: Place, state: State): Json[] {
  const out: Json[] = []
  for (const element of array) {
    const here = { parent: place, step: out.length }
    const digest = elementDigest(element)
    if (digest === undefined) {
      out.push(revealValue(element, here, state))
      continue
    }
    const disclosure = meet(digest, place, state)
    if (!disclosure) continue
    if (disclosure.name !== undefined) {
      throw new CtidError('ERR_CREDENTIAL_DISCLOSURE', { detail: 'member among elements' })
    }
    state.places.set(disclosure, here)
    out.push(revealValue(disclosure.value, here, state))
  }
  return out
}

function elementDigest(element: Json): Json | undefined {
  if (!isJsonObject(element) || !Object.hasOwn(element, '...')) return undefined
  if (Object.keys(element).length !== 1)
    throw new CtidError('ERR_CREDENTIAL_DIGEST', { detail: 'more than a digest' })
  return element['...']
}

// Every digest counts, with or without a disclosure: one that occurs twice could be opened in two places.
function meet(digest: Json, place: Place | undefined, state: State): Disclosure | undefined {
  // One of another form opens nothing and is ignored as any that no disclosure belongs to (section 7.1, step 3.3).
  if (typeof digest !== 'string') throw new CtidError('ERR_CREDENTIAL_DIGEST')
  if (state.seen.has(digest)) throw new CtidError('ERR_CREDENTIAL_DIGEST_REPEATED')
  state.seen.add(digest)
  if (place && state.protectedClaims.size > 0 && state.protectedClaims.has(String(steps(place)[0]))) {
    throw new CtidError('ERR_CREDENTIAL_CLAIM_PROTECTED')
  }
  return state.byDigest.get(digest)
}

function steps(place: Place): (string | number)[] {
  const out: (string | number)[] = []
  for (let at: Place | undefined = place; at; at = at.parent) out.push(at.step)
  return out.reverse()
}

// Plain assignment to `__proto__` would change the object instead of adding a member.
function put(out: Record<string, Json>, name: string, value: Json): void {
  if (name === '__proto__') {
    Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true })
  } else {
    out[name] = value
  }
}
