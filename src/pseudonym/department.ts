// What a department keeps of its people: a keyed index and a sealed point. A leaked table says nothing to anybody who lacks
// the department's keys, and links to no other department's table even for those who have both departments' keys.
import { CtidError, framed, type RandomBytes, toBase64url, utf8 } from '../base/index.ts'
import { type Group, hmacSha256, open, type Point, seal } from '../crypto/index.ts'

/** A department's storage keys, 32 bytes each. `version` counts key changes; old rows name the key they need. */
export type DepartmentKeys = {
  readonly sector: string
  readonly version: number
  readonly index: Uint8Array
  readonly seal: Uint8Array
}

/** A pseudonym at rest. */
export type StoredPseudonym = {
  /** base64url(HMAC(k_A, P_A)): unique per person within the department. */
  readonly index: string
  /** P_A under AES-256-GCM, bound to the index. */
  readonly sealed: Uint8Array
}

/** Seals a sector point for storage and computes its index. */
export async function storePseudonym(
  point: Point,
  keys: DepartmentKeys,
  { random }: { readonly random: RandomBytes },
): Promise<StoredPseudonym> {
  const index = pseudonymIndex(point, keys)
  return { index, sealed: await seal(keys.seal, point, { context: context(index, keys), random }) }
}

/** The index alone, for looking a person up. */
export function pseudonymIndex(point: Point, keys: DepartmentKeys): string {
  const label = framed(utf8('CTID-department-v1'), keys.sector, String(keys.version), point)
  return toBase64url(hmacSha256(keys.index, label))
}

/**
 * Opens a stored pseudonym, to ask for a conversion.
 *
 * @throws {CtidError} `ERR_CRYPTO_DECRYPT` for other keys, or a row moved to another index
 */
export async function openPseudonym(
  group: Group,
  stored: StoredPseudonym,
  keys: DepartmentKeys,
): Promise<Point> {
  return group.parsePoint(await open(keys.seal, stored.sealed, { context: context(stored.index, keys) }))
}

/** Changes the department's storage keys for one row; no trustee and no person is needed. */
export async function rekeyPseudonym(
  group: Group,
  stored: StoredPseudonym,
  keys: { readonly from: DepartmentKeys; readonly to: DepartmentKeys },
  { random }: { readonly random: RandomBytes },
): Promise<StoredPseudonym> {
  return storePseudonym(await openPseudonym(group, stored, keys.from), keys.to, { random })
}

/**
 * A department's table: rows by pseudonym, one row a person.
 */
export type DepartmentTable<Row> = {
  readonly size: number
  /** Adds a person; `existing` if the person is there already, whose row then stays as it is. */
  add(point: Point, row: Row): Promise<'created' | 'existing'>
  get(point: Point): Row | undefined
  /** All rows as they lie on disk. */
  rows(): Iterable<StoredPseudonym & { readonly row: Row }>
}

/** A table in memory; `stored` restores one. */
export function departmentTable<Row>(
  keys: DepartmentKeys,
  {
    random,
    stored = [],
  }: {
    readonly random: RandomBytes
    readonly stored?: Iterable<StoredPseudonym & { readonly row: Row }>
  },
): DepartmentTable<Row> {
  const rows = new Map<string, StoredPseudonym & { readonly row: Row }>()
  for (const one of stored) {
    if (rows.has(one.index)) throw new CtidError('ERR_PSEUDONYM_ROWS', { detail: 'two rows of one person' })
    rows.set(one.index, one)
  }
  return {
    get size() {
      return rows.size
    },
    add: async (point, row) => {
      const pseudonym = await storePseudonym(point, keys, { random })
      if (rows.has(pseudonym.index)) return 'existing'
      rows.set(pseudonym.index, { ...pseudonym, row })
      return 'created'
    },
    get: (point) => rows.get(pseudonymIndex(point, keys))?.row,
    rows: () => rows.values(),
  }
}

function context(index: string, keys: DepartmentKeys): Uint8Array {
  return framed(utf8('CTID-department-seal-v1'), keys.sector, String(keys.version), index)
}
