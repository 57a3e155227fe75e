// Keys change while processes run: another process of the same key folder refreshes or rotates them. What may have been
// refused for that reason is tried again with the keys of today, so that no service has to be started anew.
import { setTimeout as sleep } from 'node:timers/promises'
import type { RandomBytes } from '../base/index.ts'
import { type ErrorCode, isCtidError } from '../base/index.ts'
import { localVault, type Registry, type Vault } from '../registry/index.ts'
import type { RegistrarKeyring } from './keyring.ts'

/** Runs `work`; when it is refused for keys that are no longer so, again after they were read. */
export type FreshKeys = <T>(work: () => Promise<T>) => Promise<T>

const PERHAPS_STALE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_TOKEN_QUORUM',
  'ERR_TOKEN_SHARE_FILE',
  'ERR_TOKEN_KEY_VERSION',
  'ERR_REGISTRY_ANCHOR_VERSION',
  'ERR_REGISTRY_KEYS',
  'ERR_REGISTRY_KEY_RETIRED',
])
const ATTEMPTS = 4

/** @param registry to be given the keys of today; absent while it is being opened */
export function freshKeys(keyring: RegistrarKeyring, registry?: Pick<Registry, 'useKeys'>): FreshKeys {
  let inUse = keyring.registry()
  return async (work) => {
    for (let attempt = 1; ; attempt++) {
      const before = keyring.keySet()
      try {
        return await work()
      } catch (error) {
        const isStale = isCtidError(error) && PERHAPS_STALE.has(error.code)
        if (!isStale || attempt === ATTEMPTS) throw error
        // Read by now, perhaps, but not in use yet.
        const isNew = () => keyring.registry() !== inUse || keyring.keySet() !== before
        const hasChanged = (await keyring.reload()) || isNew()
        // A rotation of K may have begun after this process looked for one; then no file that it holds has changed.
        const hasBegun = error.code === 'ERR_REGISTRY_ANCHOR_VERSION' && attempt === 1
        if (!hasChanged && !hasBegun) throw error
        // Files are replaced one by one: give the process that does so the moment it needs.
        if (attempt > 1) await sleep(100 * attempt)
        // Keys that still do not fit are what the next attempt is refused for.
        inUse = keyring.registry()
        await registry?.useKeys(keyring.registry()).catch(() => {})
      }
    }
  }
}

/** The vault of the key folder: a record is sealed under the newest key that the folder has at that moment. */
export function folderVault(keyring: RegistrarKeyring, random: RandomBytes): Vault {
  let keys = keyring.vault()
  let vault = localVault(keys, { random })
  const present = () => {
    if (keys !== keyring.vault()) {
      keys = keyring.vault()
      vault = localVault(keys, { random })
    }
    return vault
  }
  return {
    get keyId() {
      return present().keyId
    },
    async wrap(recordKey, context) {
      await keyring.reload()
      return present().wrap(recordKey, context)
    },
    unwrap: (key, context) => present().unwrap(key, context),
  }
}

/** The registry's everyday operations under {@link freshKeys}; rotations bring their keys themselves. */
export function withFreshKeys(registry: Registry, keyring: RegistrarKeyring, fresh: FreshKeys): Registry {
  return {
    ...registry,
    enrol: (application) => fresh(() => registry.enrol(application)),
    enrolMany: (applications) => fresh(() => registry.enrolMany(applications)),
    async enrolDrafts(prepare) {
      // Drafts are sealed elsewhere; whether under today's vault key is judged here.
      await keyring.reload()
      return registry.enrolDrafts(prepare)
    },
    lookup: (token) => fresh(() => registry.lookup(token)),
    freeze: (token, because) => fresh(() => registry.freeze(token, because)),
    unfreeze: (token, because) => fresh(() => registry.unfreeze(token, because)),
    revoke: (token, because) => fresh(() => registry.revoke(token, because)),
    renew: (token, change) => fresh(() => registry.renew(token, change)),
    replace: (token, change) => fresh(() => registry.replace(token, change)),
    openRecord: (token, because) => fresh(() => registry.openRecord(token, because)),
    erase: (token, because) => fresh(() => registry.erase(token, because)),
    history: (token) => fresh(() => registry.history(token)),
    audit: (options) => fresh(() => registry.audit(options)),
  }
}
