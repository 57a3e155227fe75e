// Holder: takes from a credential what a verifier may see, and signs the choice.
import { CtidError, type Json, type JsonObject } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import { parseJws } from '../trust/index.ts'
import { type ClaimPath, type PathTree, pathTree } from './claim-path.ts'
import { bindPresentation, type KeyBindingOptions } from './key-binding.ts'
import { reveal } from './reveal.ts'
import { joinSdJwt, parseSdJwt } from './sd-jwt.ts'
import { SD_JWT_VC_TYP } from './vc-claims.ts'

/** A stored credential as its holder sees it. It was verified when it was received; here nothing is checked again. */
export type HeldCredential = {
  /** All claims, with every disclosure put back. */
  readonly claims: JsonObject
  /** Paths of what can be kept back, in the order of the disclosures. */
  readonly disclosable: readonly ClaimPath[]
}

/** Holder: reads an own credential, to show it or to choose from it. Throws as `parseSdJwt` and `reveal` do. */
export function readCredential(credential: string): HeldCredential {
  const { issuerJwt, disclosures, keyBinding } = parseSdJwt(credential)
  // An issuer has no business with key binding (RFC 9901 section 7.2).
  if (keyBinding !== undefined) throw new CtidError('ERR_CREDENTIAL_BINDING_UNEXPECTED')
  const { payload } = parseJws(issuerJwt, { expectedTyp: SD_JWT_VC_TYP, maxLength: 262_144 })
  const { claims, places } = reveal(payload, disclosures)
  return { claims, disclosable: places }
}

export type PresentOptions = {
  /** Claims to show. A path brings along what lies above it and everything below it. */
  readonly disclose: readonly ClaimPath[]
  /** Key binding for one verifier and one nonce; `holder` is the key in `cnf`. */
  readonly binding?: KeyBindingOptions & { readonly holder: Signer }
}

/**
 * Holder: makes the presentation. Claims that were never hidden are always part of it.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PATH` when a path names nothing
 */
export async function presentCredential(credential: string, options: PresentOptions): Promise<string> {
  const { issuerJwt, disclosures, keyBinding } = parseSdJwt(credential)
  if (keyBinding !== undefined) throw new CtidError('ERR_CREDENTIAL_BINDING_UNEXPECTED')
  const { payload } = parseJws(issuerJwt, { expectedTyp: SD_JWT_VC_TYP, maxLength: 262_144 })
  const presentation = joinSdJwt(issuerJwt, select(payload, disclosures, options.disclose))
  if (!options.binding) return presentation
  return await bindPresentation(presentation, options.binding.holder, options.binding)
}

/** Holder: the disclosures needed to show the claims at `paths`, in their original order. */
export function select(
  payload: JsonObject,
  disclosures: ReturnType<typeof parseSdJwt>['disclosures'],
  paths: readonly ClaimPath[],
): ReturnType<typeof parseSdJwt>['disclosures'] {
  const { claims, places } = reveal(payload, disclosures)
  const tree = pathTree(claims, paths)
  return disclosures.filter((_, i) => isWanted(tree, places[i] as ClaimPath))
}

// Wanted is what lies on the way to a chosen claim (the tree has a branch there) or below one.
function isWanted(tree: PathTree, place: ClaimPath): boolean {
  let at: PathTree | undefined = tree
  for (const step of place) {
    at = at.inner?.get(step as string | number)
    if (!at) return false
    if (at.chosen) return true
  }
  return true
}

/** The value at a path without `null` steps, or `undefined`. */
export function claimAt(claims: JsonObject, path: ClaimPath): Json | undefined {
  let at: Json | undefined = claims
  for (const step of path) {
    if (typeof at !== 'object' || at === null || step === null || !Object.hasOwn(at, step)) return undefined
    at = (at as { readonly [key: string]: Json })[step]
  }
  return at
}
