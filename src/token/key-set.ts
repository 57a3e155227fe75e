// What everybody knows of the evaluators: threshold, group key, share keys. Strictly parsed, and checked to fit together.
import {
  CtidError,
  equalBytes,
  exactMembers,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import { combineAtZero, type Group, type Point, type PublicShare, type SharedKey } from '../crypto/index.ts'

/** The published key set. */
export type EvaluatorKeySet = SharedKey & {
  /** Version of the secret: a new one gives new anchors. From 1. */
  readonly version: number
  /** Counts refreshes of the shares; the secret and all anchors stay. From 0. */
  readonly epoch: number
}

export const KEY_SET_FORMAT = 'ctid/evaluators/v1'
/** Most evaluators of a key set. */
export const MAX_EVALUATORS = 64

/** The key set as JSON, for publication. */
export function formatKeySet(keySet: EvaluatorKeySet): JsonObject {
  return {
    format: KEY_SET_FORMAT,
    version: keySet.version,
    epoch: keySet.epoch,
    threshold: keySet.threshold,
    groupKey: toBase64url(keySet.groupKey),
    shares: keySet.shares.map(({ id, publicKey }) => ({ id, publicKey: toBase64url(publicKey) })),
  }
}

/**
 * Parses a published key set and checks it, see {@link checkKeySet}.
 *
 * @throws {CtidError} `ERR_TOKEN_KEY_SET`
 */
export function parseKeySet(input: Json, group: Group): EvaluatorKeySet {
  if (!isJsonObject(input) || input['format'] !== KEY_SET_FORMAT) throw bad('format')
  const required = ['format', 'version', 'epoch', 'threshold', 'groupKey', 'shares']
  exactMembers(input, { required }, bad)
  const shares = input['shares']
  if (!Array.isArray(shares) || shares.length > MAX_EVALUATORS) throw bad('shares')
  const keySet: EvaluatorKeySet = {
    version: integer(input['version'], 1, 'version'),
    epoch: integer(input['epoch'], 0, 'epoch'),
    threshold: integer(input['threshold'], 2, 'threshold'),
    groupKey: point(input['groupKey'], group, 'groupKey'),
    shares: shares.map((share): PublicShare => {
      const { id, publicKey } = exactMembers(share, { required: ['id', 'publicKey'] }, bad)
      return {
        id: integer(id, 1, 'shares'),
        publicKey: point(publicKey, group, 'shares'),
      }
    }),
  }
  const ids = keySet.shares.map(({ id }) => id)
  if (ids.some((id, i) => id <= (ids[i - 1] ?? 0))) throw bad('shares')
  checkKeySet(keySet, group)
  return keySet
}

/**
 * Checks that threshold and ids are sound and that all share keys lie on one polynomial of degree t−1 through the group
 * key, so that every quorum gives the same anchor. Costs about n·t multiplications.
 *
 * @throws {CtidError} `ERR_TOKEN_KEY_SET`
 */
export function checkKeySet(keySet: EvaluatorKeySet, group: Group): void {
  const { threshold, shares } = keySet
  const ids = new Set(shares.map((share) => share.id))
  if (ids.size !== shares.length || threshold < 2 || threshold > shares.length) throw bad('threshold')
  const parts = shares.map(({ id, publicKey }) => ({ id, point: publicKey }))
  const fixed = parts.slice(0, threshold - 1)
  for (const part of parts.slice(threshold - 1)) {
    if (!equalBytes(combineAtZero(group, [...fixed, part]), keySet.groupKey)) throw bad('share keys')
  }
}

/** The published key of one share. Throws `ERR_TOKEN_KEY_SET` for an id that is not in the set. */
export function shareKeyOf(keySet: EvaluatorKeySet, id: number): Point {
  const share = keySet.shares.find((candidate) => candidate.id === id)
  if (!share) throw bad('unknown evaluator')
  return share.publicKey
}

function integer(value: Json | undefined, least: number, field: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > 2 ** 31)
    throw bad(field)
  return value
}

function point(value: Json | undefined, group: Group, field: string): Point {
  if (typeof value !== 'string' || value.length !== 43) throw bad(field)
  try {
    return group.parsePoint(fromBase64url(value))
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_KEY_SET', { detail: field, cause })
  }
}

function bad(detail: string): CtidError {
  return new CtidError('ERR_TOKEN_KEY_SET', { detail })
}
