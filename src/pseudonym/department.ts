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
  /** Of the keys that made the row. */
  readonly version: number
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
  const sealed = await seal(keys.seal, point, { context: context(index, keys), random })
  return { version: keys.version, index, sealed }
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

/** A row of a department's table. */
export type DepartmentRow<Row> = StoredPseudonym & { readonly row: Row }

/**
 * A department's table: rows by pseudonym, one row a person, whichever version of the keys a row lies under.
 */
export type DepartmentTable<Row> = {
  readonly size: number
  /** Adds a person; `existing` if the person is there already, whose row then stays as it is. */
  add(point: Point, row: Row): Promise<'created' | 'existing'>
  get(point: Point): Row | undefined
  /** Takes a row out by its index: it has moved to the table of the sector's next key. */
  take(index: string): Row | undefined
  /** All rows as they lie on disk, in the order of their indices: the order in which people came would join two tables. */
  rows(): Iterable<DepartmentRow<Row>>
  /**
   * Brings every row under the current keys, one at a time, and yields what replaces what: for a store to write, each
   * pair in one transaction. People can be added and looked up meanwhile. Stopped in the middle and begun again, also
   * in another process over the rows written so far, it goes on with the rest.
   */
  rekey(
    group: Group,
  ): AsyncIterable<{ readonly old: DepartmentRow<Row>; readonly renewed: DepartmentRow<Row> }>
}

/**
 * A table in memory; `stored` restores one. `earlier` has the keys that rows may still lie under while they change.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_ROWS` for two rows of one index, `ERR_PSEUDONYM_KEYS` for a row of unknown version
 */
export function departmentTable<Row>(
  keys: DepartmentKeys,
  {
    random,
    stored = [],
    earlier = [],
  }: {
    readonly random: RandomBytes
    readonly stored?: Iterable<DepartmentRow<Row>>
    readonly earlier?: readonly DepartmentKeys[]
  },
): DepartmentTable<Row> {
  const versions = new Map([...earlier, keys].map((one) => [one.version, one]))
  if (versions.size !== earlier.length + 1 || earlier.some(({ sector }) => sector !== keys.sector)) {
    throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'one key a version' })
  }
  const keysOf = ({ version }: StoredPseudonym): DepartmentKeys => {
    const known = versions.get(version)
    if (!known) throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'a row of an unknown version' })
    return known
  }
  const rows = new Map<string, DepartmentRow<Row>>()
  for (const one of stored) {
    keysOf(one)
    if (rows.has(one.index)) throw new CtidError('ERR_PSEUDONYM_ROWS', { detail: 'two rows of one person' })
    rows.set(one.index, one)
  }
  const find = (point: Point): DepartmentRow<Row> | undefined => {
    for (const one of versions.values()) {
      const found = rows.get(pseudonymIndex(point, one))
      if (found) return found
    }
    return undefined
  }
  return {
    get size() {
      return rows.size
    },
    add: async (point, row) => {
      const pseudonym = await storePseudonym(point, keys, { random })
      if (find(point)) return 'existing'
      rows.set(pseudonym.index, { ...pseudonym, row })
      return 'created'
    },
    get: (point) => find(point)?.row,
    take: (index) => {
      const taken = rows.get(index)
      rows.delete(index)
      return taken?.row
    },
    rows: () => [...rows.values()].sort((a, b) => (a.index < b.index ? -1 : 1)),
    rekey: async function* (group) {
      for (const old of [...rows.values()]) {
        if (old.version === keys.version) continue
        const moved = await rekeyPseudonym(group, old, { from: keysOf(old), to: keys }, { random })
        const renewed = { ...moved, row: old.row }
        rows.delete(old.index)
        rows.set(renewed.index, renewed)
        yield { old, renewed }
      }
    },
  }
}

function context(index: string, keys: DepartmentKeys): Uint8Array {
  return framed(utf8('CTID-department-seal-v1'), keys.sector, String(keys.version), index)
}
