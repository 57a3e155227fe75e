// The memory of used codes, kept in this browser: a reload or a restart does not make an old code new.
import { type Clock, CtidError } from '#ctid/base'
import type { ReplayCache } from '#ctid/verifier'
import { addOnce, all, entries, remove } from '../../ui/database.ts'

const MAX_ENTRIES = 20_000

/** Atomic across tabs: the database adds a key once. Keys name the time step, so a forgotten one cannot return. */
export function keptReplayCache(clock: Clock): ReplayCache {
  return {
    consume: async (key, expiresAt) => {
      if ((await countReplays(clock())) >= MAX_ENTRIES) throw new CtidError('ERR_VERIFIER_REPLAY_FULL')
      return addOnce('replay', key, expiresAt)
    },
  }
}

/** How many codes are remembered, after forgetting those that have expired. */
export async function countReplays(now: number): Promise<number> {
  const kept = await all<number>('replay')
  if (kept.every((expiresAt) => expiresAt > now)) return kept.length
  for (const [key, expiresAt] of await entries<number>('replay'))
    if (expiresAt <= now) await remove('replay', key)
  return (await all('replay')).length
}
