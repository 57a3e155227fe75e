// Faults at every statement: whatever fails, at whatever point of a long scenario, both directions still agree.

import { expect, it } from 'vitest'
import { toHex } from '#ctid/base'
import { addKeyVersion, localVault, openRegistry } from '#ctid/registry'
import { openStore, type Session, type Store } from '#ctid/store'
import { anchorOf, group, people, START, seeded, setUp, vaultKeys } from './setting.ts'

class Fault extends Error {}

/** A store that fails at the n-th point: any statement, before a commit, or after it with the answer lost. */
function failingAt(store: Store, point: number): { store: Store; reached: () => number } {
  let count = 0
  const pass = () => {
    count += 1
    if (count === point) throw new Fault()
  }
  const watched = (session: Session): Session => ({
    async rows(sql, parameters) {
      pass()
      return session.rows(sql, parameters)
    },
    async run(sql, parameters) {
      pass()
      return session.run(sql, parameters)
    },
    async find(table, columns, keys) {
      pass()
      return session.find(table, columns, keys)
    },
    async insert(table, columns, rows) {
      pass()
      return session.insert(table, columns, rows)
    },
  })
  return {
    reached: () => count,
    store: {
      ...watched(store),
      engine: store.engine,
      async transaction(work, options) {
        const value = await store.transaction(async (tx) => {
          const made = await work(watched(tx))
          pass()
          return made
        }, options)
        pass()
        return value
      },
      snapshot: (work) => store.snapshot((tx) => work(watched(tx))),
      define: (statements, work) => store.define(statements, work),
      close: () => store.close(),
    },
  }
}

const officer = 'desk-7'
const [ann, bob, eve] = people(3)

async function scenario(store: Store): Promise<string[]> {
  if (!ann || !bob || !eve) throw new Error('no people')
  const done: string[] = []
  const { registry, keys, random } = await setUp(store)
  const a = await registry.enrol(ann)
  done.push(toHex(a.token))
  const [b] = await registry.enrolMany([bob, ann])
  const of = b?.token ?? a.token
  await registry.freeze(of, { reason: 'court-order', officer })
  await registry.unfreeze(of, { reason: 'court-order', officer })
  await registry.renew(of, { ...bob, reason: 'record-corrected', officer })
  await registry.replace(a.token, { ...ann, anchor: anchorOf('new'), reason: 'document-replaced', officer })
  await registry.openRecord(a.token, { reason: 'court-order', officer })
  for (const kind of ['token', 'record'] as const) {
    const more = addKeyVersion(keys, kind, { group, random: seeded(`next ${kind}`) })
    await registry.useKeys(
      kind === 'token'
        ? more
        : { ...more, token: addKeyVersion(keys, 'token', { group, random: seeded('next token') }).token },
    )
    await registry.rotate(kind, { pageSize: 2 })
    await registry.enrol(eve)
    await registry.retire(kind)
  }
  const present = (await registry.enrol(bob)).token
  await registry.revoke(present, { reason: 'death', officer })
  await registry.erase(present, { reason: 'retention-ended', officer })
  const vault = localVault(vaultKeys, { random })
  const all = addKeyVersion(keys, 'token', { group, random: seeded('next token') })
  const everyKey = {
    ...all,
    record: addKeyVersion(keys, 'record', { group, random: seeded('next record') }).record,
  }
  const next = await openRegistry({ store, keys: everyKey, vault, group, clock: () => START, random })
  await next.rotateVault({ pageSize: 1 })
  return done
}

it('passes the audit after a fault at any statement, and finishes when repeated', async () => {
  const all = await openStore(':memory:')
  const counting = failingAt(all, Number.POSITIVE_INFINITY)
  await scenario(counting.store)
  const points = counting.reached()
  expect(points).toBeGreaterThan(100)
  await all.close()

  const everyKey = (kind: 'token' | 'record') =>
    addKeyVersion(base, kind, { group, random: seeded(`next ${kind}`) })[kind]
  const memory = await openStore(':memory:')
  const { keys: base } = await setUp(memory)
  await memory.close()
  const keys = { ...base, token: everyKey('token'), record: everyKey('record') }

  for (let point = 1; point <= points; point++) {
    const store = await openStore(':memory:')
    await expect(scenario(failingAt(store, point).store), `point ${point}`).rejects.toThrow(Fault)
    // The next process: audits, then finishes what was under way.
    const vault = localVault(vaultKeys, { random: seeded('vault') })
    const random = seeded(`after ${point}`)
    const started = await store.rows('select kind from registry_key').catch(() => [])
    const registry = await openRegistry({
      store,
      keys: started.length > 0 ? keys : base,
      vault,
      group,
      clock: () => START,
      random,
    })
    const audit = await registry.audit({ deep: true })
    expect(audit, `after a fault at point ${point}`).toMatchObject({ passed: true })
    const again = await Promise.all(
      [ann, ann, bob].map((person) => registry.enrol(person as NonNullable<typeof ann>)),
    )
    expect(again[0]?.token).toEqual(again[1]?.token)
    expect(await registry.audit()).toMatchObject({ passed: true })
    for (const kind of ['token', 'record'] as const) {
      const open = await store.rows<{ state: string }>(
        "select state from registry_key where kind = $1 and state in ('next', 'old')",
        [kind],
      )
      if (open.some(({ state }) => state === 'next')) await registry.rotate(kind)
      if (open.length > 0) await registry.retire(kind)
    }
    await registry.rotateVault()
    expect(await registry.audit({ deep: true }), `repeated after point ${point}`).toMatchObject({
      passed: true,
    })
    await store.close()
  }
})
