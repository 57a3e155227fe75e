// A replay cache in a store, for gates on several machines: the database decides who was first.
import { type Clock, utf8 } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import { type Migrations, migrate, type Store } from '../store/index.ts'
import type { ReplayCache } from '../verifier/index.ts'

/** Used codes by a hash of their one-time key; nothing in the table names anybody. */
export const replayMigrations: Migrations = {
  room: 'replay',
  steps: [
    [
      'create table replay_used (code bytea not null primary key, expires_at bigint not null) without rowid',
      'create index replay_used_expiry on replay_used (expires_at)',
    ],
  ],
  shardBy: { replay_used: 'code' },
}

/** A machine whose clock is ahead must not forget what still counts on the others. */
const SWEEP_GRACE_SECONDS = 300

export type StoreReplayCache = ReplayCache & {
  /** Forgets what expired five minutes ago; returns how many. To be called every minute or so, by any of the processes. */
  sweep(): Promise<number>
}

/** Opens the cache, making its table if it is missing. `consume` costs one durable insert. */
export async function openStoreReplayCache(
  store: Store,
  options: { readonly clock: Clock },
): Promise<StoreReplayCache> {
  await migrate(store, [replayMigrations])
  return {
    async consume(key, expiresAt) {
      const code = sha256(utf8(key))
      // The constraint decides; an entry that has expired may be taken over, again by one only.
      if ((await store.insert('replay_used', ['code', 'expires_at'], [[code, expiresAt]])) === 1) return true
      const taken = await store.run(
        'update replay_used set expires_at = $1 where code = $2 and expires_at <= $3',
        [expiresAt, code, options.clock()],
      )
      return taken === 1
    },
    sweep: () =>
      store.run('delete from replay_used where expires_at <= $1', [options.clock() - SWEEP_GRACE_SECONDS]),
  }
}
