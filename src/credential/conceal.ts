// Issuer: replaces chosen claims by digests and returns them as disclosures (RFC 9901 sections 4.2.4 to 4.2.6).
import {
  CtidError,
  isJsonObject,
  type Json,
  type JsonObject,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import { type ClaimPath, type PathTree, pathTree } from './claim-path.ts'
import { type Disclosure, isReservedName, makeDisclosure, SALT_LENGTH } from './disclosure.ts'

export type ConcealOptions = {
  /** Claims to make selectively disclosable. Nested paths give recursive disclosures. */
  readonly disclosable: readonly ClaimPath[]
  readonly random: RandomBytes
  /** Decoy digests added wherever something is hidden, so that their number says less (RFC 9901 section 4.2.5). */
  readonly decoys?: number
  /** As many decoys at the top that so many digests stand there: then their number does not tell which claims were put in. */
  readonly fillTo?: number
}

/**
 * Hides claims. Digests are sorted, so that their order says nothing about the claims; elements of arrays stay
 * where they are.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PATH`, `ERR_CREDENTIAL_CLAIM_NAME`
 */
export function conceal(
  claims: JsonObject,
  options: ConcealOptions,
): { readonly payload: JsonObject; readonly disclosures: readonly Disclosure[] } {
  requireFreeNames(claims)
  const state = { ...options, disclosures: [] as Disclosure[], salts: saltSource(options) }
  const tree = pathTree(claims, options.disclosable)
  const payload = fillUp(concealValue(claims, tree, state) as JsonObject, options)
  return { payload, disclosures: state.disclosures }
}

function fillUp(payload: JsonObject, { fillTo = 0, random }: ConcealOptions): JsonObject {
  const digests = (payload['_sd'] ?? []) as readonly string[]
  const missing = fillTo - digests.length
  if (missing <= 0) return payload
  const bytes = random(32 * missing)
  const decoys = Array.from({ length: missing }, (_, i) => toBase64url(bytes.subarray(32 * i, 32 * (i + 1))))
  return { ...payload, _sd: [...digests, ...decoys].sort() }
}

type State = ConcealOptions & { readonly disclosures: Disclosure[]; readonly salts: () => Uint8Array }

// One request to the generator for the usual number of salts: it is the call that costs, not the bytes.
function saltSource({ random, disclosable }: ConcealOptions): () => Uint8Array {
  let pool = random(SALT_LENGTH * Math.max(1, disclosable.length))
  return () => {
    if (pool.length === 0) pool = random(SALT_LENGTH)
    const salt = pool.subarray(0, SALT_LENGTH)
    pool = pool.subarray(SALT_LENGTH)
    return salt
  }
}

function concealValue(value: Json, tree: PathTree, state: State): Json {
  if (!tree.inner) return value
  return Array.isArray(value)
    ? concealArray(value, tree.inner, state)
    : concealObject(value as JsonObject, tree.inner, state)
}

function concealObject(object: JsonObject, inner: Map<string | number, PathTree>, state: State): JsonObject {
  const out: Record<string, Json> = {}
  const digests: string[] = []
  for (const name of Object.keys(object)) {
    const tree = inner.get(name)
    const value = tree ? concealValue(object[name] as Json, tree, state) : (object[name] as Json)
    if (!tree?.chosen) out[name] = value
    else digests.push(hide(makeDisclosure(state.salts(), value, name), state))
  }
  if (digests.length === 0) return out
  for (let i = 0; i < (state.decoys ?? 0); i++) digests.push(decoy(state.random))
  return { _sd: digests.sort(), ...out }
}

function concealArray(array: readonly Json[], inner: Map<string | number, PathTree>, state: State): Json[] {
  let hidden = false
  const out = array.map((element, index): Json => {
    const tree = inner.get(index)
    const value = tree ? concealValue(element, tree, state) : element
    if (!tree?.chosen) return value
    hidden = true
    return { '...': hide(makeDisclosure(state.salts(), value), state) }
  })
  if (hidden) for (let i = 0; i < (state.decoys ?? 0); i++) out.push({ '...': decoy(state.random) })
  return out
}

function hide(disclosure: Disclosure, state: State): string {
  state.disclosures.push(disclosure)
  return disclosure.digest
}

// Uniform bytes cannot be told from a SHA-256 digest.
function decoy(random: RandomBytes): string {
  return toBase64url(random(32))
}

function requireFreeNames(value: Json): void {
  if (Array.isArray(value)) {
    for (const element of value as readonly Json[]) requireFreeNames(element)
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      // `__proto__` is a legal JSON name that too many readers stumble over; we do not issue it.
      if (isReservedName(name) || name === '__proto__') throw new CtidError('ERR_CREDENTIAL_CLAIM_NAME')
      requireFreeNames(value[name] as Json)
    }
  }
}
