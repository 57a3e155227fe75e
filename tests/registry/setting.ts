// The setting of the registry's tests: keys from a seed, a clock that is moved by hand, synthetic people.
import { createHash } from 'node:crypto'
import type { RandomBytes } from '#ctid/base'
import { loadSodiumGroup, type Point } from '#ctid/crypto'
import { type LegalRecord, syntheticPeople } from '#ctid/identity'
import {
  createRegistryKeys,
  createVaultKey,
  localVault,
  openRegistry,
  type Registry,
  type RegistryDependencies,
  type RegistryKeys,
} from '#ctid/registry'
import type { Store } from '#ctid/store'

export const group = await loadSodiumGroup()
export const START = 1_790_000_000

/** Bytes that depend on the seed only. Tests and vectors; never anything real. */
export function seeded(seed: string): RandomBytes {
  let count = 0
  return (length) => {
    const parts: Buffer[] = []
    for (let have = 0; have < length; have += 32) {
      parts.push(createHash('sha256').update(`${seed}:${count++}`).digest())
    }
    return Uint8Array.from(Buffer.concat(parts).subarray(0, length))
  }
}

export type Person = { readonly anchor: Point; readonly record: LegalRecord }

/** Synthetic people with anchors as the token room would give them: distinct elements, fixed by the seed. */
export function people(count: number, seed = 'registry'): Person[] {
  const records = syntheticPeople({ seed, count })
  return records.map((record) => ({ anchor: anchorOf(record.documentNumber), record }))
}

const DST = new TextEncoder().encode('test anchors')

export function anchorOf(text: string): Point {
  return group.hashToGroup(new TextEncoder().encode(text), DST)
}

export type Setting = {
  readonly registry: Registry
  readonly store: Store
  readonly keys: RegistryKeys
  readonly clock: { now: number }
  readonly random: RandomBytes
}

export const vaultKeys = [createVaultKey(seeded('vault one')), createVaultKey(seeded('vault two'))] as const

export async function setUp(store: Store, more: Partial<RegistryDependencies> = {}): Promise<Setting> {
  const clock = { now: START }
  const random = seeded('the registry')
  const keys = createRegistryKeys({ group, random: seeded('keys') })
  const registry = await openRegistry({
    store,
    keys,
    vault: localVault([vaultKeys[0]], { random }),
    group,
    clock: () => clock.now,
    random,
    ...more,
  })
  return { registry, store, keys: more.keys ?? keys, clock, random }
}

export const TABLES = [
  'registry_by_rec',
  'registry_by_token',
  'registry_vault',
  'registry_event',
  'registry_key',
]
