// Claim paths: how issuer, holder and verifier name a place in a JSON document.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'

/**
 * The way to a claim from the top: a member's name, an element's number, or `null` for every element of an array
 * (the claims path pointer of OpenID4VP 1.0 section 7). `['nationalities', null]`, `['address', 'region']`.
 */
export type ClaimPath = readonly (string | number | null)[]

/** A set of claim paths as a tree over one document; `chosen` marks the ends. */
export type PathTree = { chosen: boolean; inner: Map<string | number, PathTree> | undefined }

/**
 * Lays paths over a document. Every path must lead somewhere: a typing error must not make a claim public.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PATH`
 */
export function pathTree(document: JsonObject, paths: readonly ClaimPath[]): PathTree {
  const root: PathTree = { chosen: false, inner: undefined }
  for (const path of paths) {
    if (path.length === 0) throw new CtidError('ERR_CREDENTIAL_PATH')
    grow(root, document, path, 0)
  }
  return root
}

function grow(tree: PathTree, value: Json, path: ClaimPath, depth: number): void {
  const step = path[depth]
  if (step === undefined) {
    tree.chosen = true
    return
  }
  if (step === null && Array.isArray(value)) {
    // Elements without the rest of the path are passed over, as section 7.1 says, as long as one has it.
    const indices = value.flatMap((element: Json, index) => (leads(element, path, depth + 1) ? [index] : []))
    if (indices.length === 0 && value.length > 0) throw new CtidError('ERR_CREDENTIAL_PATH')
    for (const index of indices) grow(branch(tree, index), value[index] as Json, path, depth + 1)
    return
  }
  const next = member(value, step)
  if (next === undefined) throw new CtidError('ERR_CREDENTIAL_PATH')
  grow(branch(tree, step as string | number), next, path, depth + 1)
}

function leads(value: Json, path: ClaimPath, depth: number): boolean {
  const step = path[depth]
  if (step === undefined) return true
  if (step === null) return Array.isArray(value) && value.some((one: Json) => leads(one, path, depth + 1))
  const next = member(value, step)
  return next !== undefined && leads(next, path, depth + 1)
}

function branch(tree: PathTree, step: string | number): PathTree {
  tree.inner ??= new Map()
  let next = tree.inner.get(step)
  if (!next) {
    next = { chosen: false, inner: undefined }
    tree.inner.set(step, next)
  }
  return next
}

function member(value: Json, step: string | number | null): Json | undefined {
  if (typeof step === 'string') {
    return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
  }
  return typeof step === 'number' && Array.isArray(value) ? (value[step] as Json | undefined) : undefined
}
