// The issuer's ledger in a database: places, sealed links, statuses.
import type { RandomBytes } from '../base/index.ts'
import { CtidError, shuffle } from '../base/index.ts'
import { randomIndex, STATUS_INVALID, type StatusPlace } from '../status/index.ts'
import type { Migrations, Session, Store } from '../store/index.ts'
import type { IssuerLedger, LedgerOptions } from './ledger.ts'

// A place is one number, so that it can be a key: list · 2^24 + index.
const LIST = 2 ** 24

/** Places of one statement: more than one request can ask for. */
const TOGETHER = 64
const MARKS = Array.from({ length: TOGETHER }, (_, i) => `$${i + 3}`).join(', ')
const UPDATE = `update issuer_status set status = $1 where status <> $2 and place in (${MARKS})`

/** `issuer_place` makes "never twice" a constraint of the database; nothing in these tables names a subject. */
export const issuerMigrations: Migrations = {
  room: 'issuer',
  steps: [
    [
      'create table issuer_place (place bigint not null primary key) without rowid',
      'create table issuer_list (list bigint not null primary key, taken bigint not null) without rowid',
      'create table issuer_link (id bytea not null primary key, label bytea not null, sealed bytea not null, expires_at bigint not null)',
      'create index issuer_link_label on issuer_link (label)',
      'create table issuer_subject (label bytea not null primary key, status bigint not null) without rowid',
      'create table issuer_status (place bigint not null primary key, status bigint not null) without rowid',
    ],
    ['create index issuer_link_expires on issuer_link (expires_at)'],
  ],
  // `issuer_list` is a row for each million places, and stays whole.
  shardBy: {
    issuer_place: 'place',
    issuer_link: 'id',
    issuer_subject: 'label',
    issuer_status: 'place',
  },
}

/** A ledger over a {@link Store} on which {@link issuerMigrations} were applied. */
export function storeLedger(store: Store, options: LedgerOptions): IssuerLedger {
  const { random, listSize = 1_048_576, fill: share = 0.75 } = options
  const capacity = Math.floor(listSize * share)
  // A database shows, to whoever copies its files, which rows were written together. So places are taken ahead for many
  // batches at once and given away in another order; those that a process has left when it ends stay decoys.
  const ahead = Math.floor(capacity / 1024)
  let reserve: StatusPlace[] = []
  let filling: Promise<void> | undefined
  const newestList = async (session: Session): Promise<number> => {
    const [row] = await session.rows<{ list: number | null }>('select max(list) as list from issuer_list')
    return row?.list ?? 0
  }
  const fill = async (count: number): Promise<void> => {
    const places = await store.transaction(async (session) => {
      // Counted first: the list's row is locked from here on, so places of one list are taken by one process at a time.
      for (let list = await newestList(session); ; list++) {
        const taken = [count, list, capacity - count]
        const room = 'update issuer_list set taken = taken + $1 where list = $2 and taken <= $3'
        let counted = await session.run(room, taken)
        if (counted === 0) {
          // Full, or not there yet; of two that open a list the second waits here and counts with the first.
          await session.insert('issuer_list', ['list', 'taken'], [[list, 0]])
          counted = await session.run(room, taken)
        }
        if (counted === 1) return await takePlaces(session, { list, count, listSize, random })
      }
    })
    reserve = shuffle([...reserve, ...places], random)
  }
  return {
    allocate: async (count) => {
      if (count > capacity) throw new CtidError('ERR_STATUS_FULL')
      while (reserve.length < count) {
        filling ??= fill(Math.max(ahead, count - reserve.length)).finally(() => {
          filling = undefined
        })
        await filling
      }
      return reserve.splice(0, count)
    },
    append: async ({ label, sealed, expiresAt }) => {
      await store.insert(
        'issuer_link',
        ['id', 'label', 'sealed', 'expires_at'],
        [[random(16), label, sealed, expiresAt]],
      )
    },
    entries: async (label) => {
      const rows = await store.rows<{ sealed: Uint8Array }>(
        'select sealed from issuer_link where label = $1',
        [label],
      )
      return rows.map((row) => row.sealed)
    },
    subjectStatus: async (label) => {
      const [row] = await store.rows<{ status: number }>(
        'select status from issuer_subject where label = $1',
        [label],
      )
      return row?.status ?? 0
    },
    setSubjectStatus: async (label, status) => {
      const written = await store.run(
        'insert into issuer_subject (label, status) values ($1, $2) on conflict (label) do update set status = excluded.status where issuer_subject.status <> $3',
        [label, status, STATUS_INVALID],
      )
      return written === 1 || status === STATUS_INVALID
    },
    setStatuses: async (places, status) => {
      const keys = places.map(({ list, index }) => list * LIST + index)
      const rows = keys.map((key) => [key, status])
      await store.transaction(async (session) => {
        if ((await session.insert('issuer_status', ['place', 'status'], rows)) === keys.length) return
        for (let start = 0; start < keys.length; start += TOGETHER) {
          const some = keys.slice(start, start + TOGETHER)
          // Always the same number of keys, the last one again and again: a statement is parsed once.
          const full = Array.from(
            { length: TOGETHER },
            (_, i) => some[Math.min(i, some.length - 1)] as number,
          )
          await session.run(UPDATE, [status, STATUS_INVALID, ...full])
        }
      })
    },
    statuses: async (list) => {
      const rows = await store.rows<{ place: number; status: number }>(
        'select place, status from issuer_status where place >= $1 and place < $2 and status <> 0',
        [list * LIST, (list + 1) * LIST],
      )
      return rows.map(({ place, status }) => ({ index: place % LIST, status }))
    },
    newestList: () => newestList(store),
    sweep: (now) =>
      store.transaction((tx) => tx.run('delete from issuer_link where expires_at <= $1', [now]), {
        bulk: true,
      }),
  }
}

// The first places that are free, of a sequence of random ones: looked up together, taken together.
async function takePlaces(
  session: Session,
  { list, count, listSize, random }: { list: number; count: number; listSize: number; random: RandomBytes },
): Promise<StatusPlace[]> {
  const drawn = new Set<number>()
  const free: number[] = []
  while (free.length < count) {
    const candidates: number[] = []
    for (
      const wanted = 2 * (count - free.length) + SPARE;
      candidates.length < wanted && drawn.size < listSize;
    ) {
      const index = randomIndex(listSize, random)
      if (drawn.has(index)) continue
      drawn.add(index)
      candidates.push(index)
    }
    // Never while the counts are right.
    if (candidates.length === 0) throw new CtidError('ERR_STATUS_FULL')
    const keys = candidates.map((index) => list * LIST + index)
    const rows = await session.find<{ place: number }>('issuer_place', ['place'], keys)
    const taken = new Set(rows.map(({ place }) => place))
    free.push(...candidates.filter((_, i) => !taken.has(keys[i] as number)))
  }
  const indices = free.slice(0, count)
  const rows = indices.map((index) => [list * LIST + index])
  // The constraint decides: whoever took one of them without having locked the list must have it.
  if ((await session.insert('issuer_place', ['place'], rows)) !== count) throw new CtidError('ERR_STORE_BUSY')
  return indices.map((index) => ({ list, index }))
}

/** Draws beyond twice what is needed: so that one look is mostly enough until half of a list is taken. */
const SPARE = 8
