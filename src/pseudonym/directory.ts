// The public directory: everything that trustees, departments, log and gateway must agree on, and nothing secret.
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import {
  type Group,
  type P256PublicJwk,
  type Point,
  parsePublicJwk,
  type SharedKey,
} from '../crypto/index.ts'
import { requireSharing } from './ceremony.ts'
import type { PublicFactorShare } from './convert.ts'
import { isSectorId } from './grant.ts'
import { verifyReceiverKey } from './possession.ts'

/** The sector whose points are the anchors themselves: enrolment converts from it. */
export const ANCHOR = 'anchor'

/** One sector: a department, a purpose, the audit log, or the anchor. */
export type SectorEntry = {
  /** X = x·G; the generator for the anchor. */
  readonly commitment: Point
  /** Y = y·G, the key under which this sector receives. The anchor receives nothing. */
  readonly key?: Point
  /** Proof of possession of the key's secret, see `possession.ts`. Present wherever the key is. */
  readonly keyProof?: Uint8Array
  /** Signs the sector's conversion requests. For the anchor: the registrar. */
  readonly signer: P256PublicJwk
}

/** Public side of a factor and its strip. */
export type FactorEntry = { readonly factor: SharedKey; readonly strip: SharedKey }

export type Directory = {
  /** t */
  readonly threshold: number
  /** W = w·G, the trustees' envelope key: no row can be read without t of them. */
  readonly envelope: Point
  /** Sector id of the audit log. */
  readonly audit: string
  /** Signs receipts. */
  readonly log: P256PublicJwk
  /** Length of an audit epoch in seconds. */
  readonly epochSeconds: number
  /** May sign purpose grants. */
  readonly authorities: readonly P256PublicJwk[]
  readonly sectors: ReadonlyMap<string, SectorEntry>
  /** By {@link pairId}. */
  readonly factors: ReadonlyMap<string, FactorEntry>
}

/** Name of an ordered pair of sectors. */
export function pairId(from: string, to: string): string {
  return `${from}>${to}`
}

/** A sector by id; throws `ERR_PSEUDONYM_PAIR` if there is none. */
export function sectorOf(directory: Directory, id: string): SectorEntry {
  const sector = directory.sectors.get(id)
  if (!sector) throw new CtidError('ERR_PSEUDONYM_PAIR', { detail: 'unknown sector' })
  return sector
}

/** The key under which a sector receives; throws `ERR_PSEUDONYM_PAIR` if it receives nothing. */
export function receiverKey(directory: Directory, id: string): Point {
  const { key } = sectorOf(directory, id)
  if (!key) throw new CtidError('ERR_PSEUDONYM_PAIR', { detail: 'this sector receives nothing' })
  return key
}

/** A trustee's public shares for a pair; throws `ERR_PSEUDONYM_PAIR` without ceremony or for an unknown trustee. */
export function publicFactorShare(directory: Directory, pair: string, trustee: number): PublicFactorShare {
  const entry = directory.factors.get(pair)
  const factor = entry?.factor.shares.find(({ id }) => id === trustee)?.publicKey
  const strip = entry?.strip.shares.find(({ id }) => id === trustee)?.publicKey
  if (!factor || !strip) throw new CtidError('ERR_PSEUDONYM_PAIR')
  return { id: trustee, factor, strip }
}

/** The directory as JSON, points in base64url. */
export function directoryToJson(directory: Directory): JsonObject {
  const shared = (key: SharedKey): JsonObject => ({
    key: toBase64url(key.groupKey),
    shares: key.shares.map(({ publicKey }) => toBase64url(publicKey)),
  })
  return {
    version: 1,
    threshold: directory.threshold,
    envelope: toBase64url(directory.envelope),
    audit: directory.audit,
    log: directory.log,
    epochSeconds: directory.epochSeconds,
    authorities: [...directory.authorities],
    sectors: Object.fromEntries(
      [...directory.sectors].map(([id, { commitment, key, keyProof, signer }]) => [
        id,
        {
          commitment: toBase64url(commitment),
          ...(key && { key: toBase64url(key) }),
          ...(keyProof && { keyProof: toBase64url(keyProof) }),
          signer,
        },
      ]),
    ),
    factors: Object.fromEntries(
      [...directory.factors].map(([pair, { factor, strip }]) => [
        pair,
        { factor: shared(factor), strip: shared(strip) },
      ]),
    ),
  }
}

/**
 * Reads a directory strictly: 2 ≤ t and 2t−1 ≤ n, the same n for all pairs, public shares that are sharings of their key,
 * sectors that are there, keys proved to be somebody's.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_KEYS`
 */
export function parseDirectory(group: Group, value: unknown): Directory {
  try {
    return readDirectory(group, object(value))
  } catch (cause) {
    throw new CtidError('ERR_PSEUDONYM_KEYS', { cause })
  }
}

function readDirectory(group: Group, json: JsonObject): Directory {
  const threshold = whole(json['threshold'])
  const point = (value: Json | undefined): Point => group.parsePoint(fromBase64url(text(value)))
  const shared = (value: Json | undefined): SharedKey => {
    const { key, shares } = object(value)
    return {
      threshold,
      groupKey: point(key),
      shares: list(shares).map((share, i) => ({ id: i + 1, publicKey: point(share) })),
    }
  }
  const sectors = Object.entries(object(json['sectors'])).map(([id, entry]): [string, SectorEntry] => {
    const { commitment, key, keyProof, signer } = object(entry)
    if (!isSectorId(id)) throw new TypeError('sector id')
    const signed = { commitment: point(commitment), signer: parsePublicJwk(signer) }
    if (key === undefined) return [id, signed]
    const received = { key: point(key), keyProof: fromBase64url(text(keyProof)) }
    if (!verifyReceiverKey(group, id, received)) throw new TypeError('key proof')
    return [id, { ...signed, ...received }]
  })
  const factors = Object.entries(object(json['factors'])).map(([pair, entry]): [string, FactorEntry] => {
    const { factor, strip } = object(entry)
    return [pair, { factor: shared(factor), strip: shared(strip) }]
  })
  const isComplete = Object.keys(json).sort().join() === MEMBERS.join()
  if (!isComplete || json['version'] !== 1) throw new TypeError('version or members')
  requireFactors(group, threshold, new Map(factors), new Set(sectors.map(([id]) => id)))
  const audit = text(json['audit'])
  if (!sectors.some(([id, { key }]) => id === audit && key !== undefined)) throw new TypeError('audit sector')
  return {
    threshold,
    envelope: point(json['envelope']),
    audit,
    log: parsePublicJwk(json['log']),
    epochSeconds: whole(json['epochSeconds']),
    authorities: list(json['authorities']).map(parsePublicJwk),
    sectors: new Map(sectors),
    factors: new Map(factors),
  }
}

const MEMBERS = [
  'audit',
  'authorities',
  'envelope',
  'epochSeconds',
  'factors',
  'log',
  'sectors',
  'threshold',
  'version',
]

function requireFactors(
  group: Group,
  threshold: number,
  factors: Directory['factors'],
  sectors: ReadonlySet<string>,
): void {
  const counts = new Set<number>()
  for (const [pair, { factor, strip }] of factors) {
    const [from, to, ...rest] = pair.split('>')
    if (!sectors.has(from ?? '') || !sectors.has(to ?? '') || rest.length > 0) throw new TypeError('pair')
    for (const shared of [factor, strip]) {
      counts.add(shared.shares.length)
      requireSharing(group, shared)
    }
  }
  const [count = 2 * threshold - 1] = counts
  if (threshold < 2 || counts.size > 1 || count < 2 * threshold - 1) throw new TypeError('threshold')
}

function object(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new TypeError('object expected')
  return value
}

function text(value: Json | undefined): string {
  if (typeof value !== 'string') throw new TypeError('text expected')
  return value
}

function list(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw new TypeError('list expected')
  return value
}

function whole(value: Json | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw new TypeError('number expected')
  return value
}
