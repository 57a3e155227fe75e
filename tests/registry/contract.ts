// What the registry must do on every engine.

import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { toHex } from '#ctid/base'
import {
  addKeyVersion,
  createRegistryKeys,
  dropOldVersions,
  exportRegistryKeys,
  importRegistryKeys,
  localVault,
  openRegistry,
  type RegistryLogEntry,
} from '#ctid/registry'
import type { Store } from '#ctid/store'
import { anchorOf, group, people, START, seeded, setUp, TABLES, vaultKeys } from './setting.ts'

const officer = 'desk-7'
const DAY = 86_400

export function registryContract(open: () => Promise<Store>): void {
  let store: Store
  const fresh = async (...more: Parameters<typeof setUp> extends [Store, ...infer M] ? M : never) => {
    store = await open()
    return setUp(store, ...more)
  }
  afterEach(() => store?.close())

  it('enrols a person once: the same person again gives the same token and says so', async () => {
    const { registry } = await fresh()
    const [ann, bob] = people(2)
    if (!ann || !bob) throw new Error('no people')
    const first = await registry.enrol(ann)
    const again = await registry.enrol({ ...ann, record: { ...ann.record, name: '别名' } })
    const other = await registry.enrol(bob)
    expect([first.status, again.status, other.status]).toEqual(['created', 'existing', 'created'])
    expect(again.token).toEqual(first.token)
    expect(other.token).not.toEqual(first.token)
    expect(first.token).toHaveLength(32)
    expect(await registry.lookup(first.token)).toMatchObject({
      state: 'active',
      events: 1,
      recordVersion: 1,
      logged: true,
    })
    // The record of the first enrolment stands.
    expect(await registry.openRecord(first.token, { reason: 'supervision', officer })).toEqual(ann.record)
    expect(await registry.lookup(new Uint8Array(32))).toBeUndefined()
    expect(await registry.audit({ deep: true })).toMatchObject({
      passed: true,
      entries: 2,
      states: { active: 2 },
    })
  })

  it('gives one token to everybody who enrols the same person at the same moment', async () => {
    const { registry } = await fresh()
    const crowd = people(6).flatMap((person) => Array.from({ length: 8 }, () => person))
    const answers = await Promise.all(crowd.map((person) => registry.enrol(person)))
    expect(answers.filter(({ status }) => status === 'created')).toHaveLength(6)
    expect(new Set(answers.map(({ token }) => toHex(token))).size).toBe(6)
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 6 })
  })

  it('enrols a block at once, repeats and known people included', async () => {
    const { registry } = await fresh()
    const crowd = people(40)
    await registry.enrol(crowd[5] as (typeof crowd)[0])
    const block = [...crowd, ...crowd.slice(0, 3)]
    const answers = await registry.enrolMany(block)
    expect(answers.filter(({ status }) => status === 'created')).toHaveLength(39)
    const single = await Promise.all(crowd.map((person) => registry.enrol(person)))
    expect(single.map(({ token }) => toHex(token))).toEqual(
      answers.slice(0, 40).map(({ token }) => toHex(token)),
    )
    expect(answers.slice(40).map(({ status }) => status)).toEqual(['existing', 'existing', 'existing'])
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 40 })
  })

  it('says on which side a binding conflicts, and writes nothing', async () => {
    const { registry } = await fresh()
    const [ann, bob, eve] = people(3)
    if (!ann || !bob || !eve) throw new Error('no people')
    const { token } = await registry.enrol(ann)
    await registry.enrol(bob)
    // Damage as only somebody with access to the tables can do: ann's record side now points to bob's token.
    const [row] = await store.rows<{ rec: Uint8Array }>('select rec from registry_by_rec where token = $1', [
      token,
    ])
    const [other] = await store.rows<{ token: Uint8Array }>(
      'select token from registry_by_token where token <> $1',
      [token],
    )
    await store.run('update registry_by_rec set token = $2 where rec = $1', [
      row?.rec ?? null,
      other?.token ?? null,
    ])
    await expect(registry.enrol(ann)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CONFLICT',
      detail: 'the record is bound to another token',
    })
    // The record side lost altogether: the token side refuses.
    await store.run('delete from registry_by_rec where rec = $1', [row?.rec ?? null])
    await expect(registry.enrol(ann)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CONFLICT',
      detail: 'the token is bound to another record',
    })
    expect(await store.rows('select rec from registry_by_rec')).toHaveLength(1)
    const audit = await registry.audit()
    expect(audit.passed).toBe(false)
    expect(audit.findings.find(({ check }) => check === 'token-without-record')?.count).toBe(1)
  })

  it('follows the life cycle: freezing is undone, revocation is not, expiry comes by the clock', async () => {
    const { registry, clock } = await fresh()
    const [ann] = people(1)
    if (!ann) throw new Error('no people')
    const { token } = await registry.enrol({ ...ann, record: { ...ann.record, validUntil: '2026-12-31' } })
    const state = async () => (await registry.lookup(token))?.state
    expect(await registry.freeze(token, { reason: 'device-lost', officer })).toMatchObject({
      state: 'frozen',
      events: 2,
    })
    await expect(registry.freeze(token, { reason: 'device-lost', officer })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_STATE',
    })
    expect(await registry.unfreeze(token, { reason: 'holder-request', officer })).toMatchObject({
      state: 'active',
    })
    // The last second of 2026-12-31 in China, then the next.
    clock.now = Date.UTC(2026, 11, 31, 16) / 1000 - 1
    expect(await state()).toBe('active')
    clock.now += 1
    expect(await state()).toBe('expired')
    const renewal = {
      ...ann,
      record: { ...ann.record, validUntil: '2036-12-31' },
      reason: 'document-renewed',
      officer,
    } as const
    expect(await registry.renew(token, renewal)).toMatchObject({ state: 'active', recordVersion: 2 })
    expect(await registry.openRecord(token, { reason: 'court-order', officer })).toEqual(renewal.record)
    expect(await registry.revoke(token, { reason: 'death', officer })).toMatchObject({ state: 'revoked' })
    await expect(registry.unfreeze(token, { reason: 'court-order', officer })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_STATE',
    })
    await expect(registry.renew(token, renewal)).rejects.toMatchObject({ code: 'ERR_REGISTRY_STATE' })
    // The same person again finds the revoked entry, not a new one.
    expect(await registry.enrol(ann)).toMatchObject({ status: 'existing', entry: { state: 'revoked' } })
    expect((await registry.history(token)).map(({ kind, seq }) => `${seq} ${kind}`)).toEqual([
      '1 enrolled',
      '2 frozen',
      '3 unfrozen',
      '4 renewed',
      '5 opened',
      '6 revoked',
    ])
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true })
  })

  it('takes reasons from the list and officers by identifier only', async () => {
    const { registry } = await fresh()
    const [ann] = people(1)
    if (!ann) throw new Error('no people')
    const { token } = await registry.enrol(ann)
    const because = { reason: 'because I say so', officer } as never
    await expect(registry.revoke(token, because)).rejects.toMatchObject({ code: 'ERR_REGISTRY_REASON' })
    const named = { reason: 'death', officer: '王 五' } as const
    await expect(registry.revoke(token, named)).rejects.toMatchObject({ code: 'ERR_REGISTRY_REASON' })
    await expect(registry.openRecord(token, because)).rejects.toMatchObject({ code: 'ERR_REGISTRY_REASON' })
    const gone = registry.revoke(new Uint8Array(32), { reason: 'death', officer })
    await expect(gone).rejects.toMatchObject({ code: 'ERR_REGISTRY_TOKEN' })
    expect(await registry.history(token)).toHaveLength(1)
  })

  it('lets exactly one of several simultaneous steps win', async () => {
    const { registry } = await fresh()
    const [ann] = people(1)
    if (!ann) throw new Error('no people')
    const { token } = await registry.enrol(ann)
    const revoking = Array.from({ length: 6 }, () =>
      registry.revoke(token, { reason: 'court-order', officer }),
    )
    const freezing = Array.from({ length: 6 }, () =>
      registry.freeze(token, { reason: 'court-order', officer }),
    )
    const results = await Promise.allSettled([...revoking, ...freezing])
    const revoked = results.slice(0, 6).filter(({ status }) => status === 'fulfilled')
    expect(revoked).toHaveLength(1)
    expect(await registry.lookup(token)).toMatchObject({ state: 'revoked' })
    expect(await registry.audit()).toMatchObject({ passed: true })
  })

  it('supersedes an entry by the document that replaces it', async () => {
    const { registry } = await fresh()
    const [ann, bob] = people(2)
    if (!ann || !bob) throw new Error('no people')
    const { token } = await registry.enrol(ann)
    const renewed = {
      anchor: anchorOf('new passport'),
      record: ann.record,
      reason: 'document-replaced',
      officer,
    } as const
    const { token: successor, status } = await registry.replace(token, renewed)
    expect(status).toBe('created')
    expect(await registry.lookup(token)).toMatchObject({ state: 'superseded', successor })
    expect(await registry.lookup(successor)).toMatchObject({ state: 'active' })
    await expect(registry.replace(token, renewed)).rejects.toMatchObject({ code: 'ERR_REGISTRY_STATE' })
    const { token: third } = await registry.enrol(bob)
    await expect(registry.replace(third, renewed)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_CONFLICT',
      detail: 'the new document is already enrolled',
    })
    expect(await registry.lookup(third)).toMatchObject({ state: 'active', events: 1 })
    await registry.freeze(third, { reason: 'court-order', officer })
    const round = { ...renewed, anchor: anchorOf('another passport') }
    await expect(registry.replace(third, round)).rejects.toMatchObject({ code: 'ERR_REGISTRY_STATE' })
    const wrong = registry.renew(successor, { ...bob, reason: 'record-corrected', officer })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONFLICT' })
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 3 })
  })

  it('erases a record for good and keeps the person from a second entry', async () => {
    const { registry } = await fresh()
    const [ann] = people(1)
    if (!ann) throw new Error('no people')
    const { token } = await registry.enrol(ann)
    const erasing = { reason: 'retention-ended', officer } as const
    await expect(registry.erase(token, erasing)).rejects.toMatchObject({ code: 'ERR_REGISTRY_STATE' })
    await registry.revoke(token, { reason: 'holder-request', officer })
    await registry.erase(token, erasing)
    await expect(registry.openRecord(token, { reason: 'court-order', officer })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_ERASED',
    })
    expect(await registry.enrol(ann)).toMatchObject({ status: 'existing', entry: { state: 'revoked' } })
    expect(await registry.audit()).toMatchObject({ passed: true })
  })

  it('has no plaintext and nothing to guess in any table', async () => {
    const { registry, keys } = await fresh()
    const crowd = people(30)
    for (const [i, person] of crowd.entries()) {
      const { token } = await registry.enrol(person)
      if (i % 3 === 0) await registry.openRecord(token, { reason: 'supervision', officer })
    }
    const dump: string[] = []
    for (const table of TABLES) {
      for (const row of await store.rows(`select * from ${table}`)) {
        for (const value of Object.values(row)) {
          dump.push(
            value instanceof Uint8Array
              ? `${toHex(value)} ${Buffer.from(value).toString('utf8')}`
              : String(value),
          )
        }
      }
    }
    const everything = dump.join('\n')
    expect(everything.length).toBeGreaterThan(30 * 500)
    for (const { record } of crowd) {
      for (const text of [record.documentNumber, record.name, record.birthDate, record.validUntil]) {
        if (text === undefined) continue
        expect(everything.includes(text)).toBe(false)
        expect(everything.includes(Buffer.from(text).toString('hex'))).toBe(false)
      }
    }
    // All sealed records have one length, whatever the name.
    const lengths = await store.rows<{ n: number }>('select distinct length(sealed) as n from registry_vault')
    expect(lengths).toHaveLength(1)
    for (const shown of [JSON.stringify(keys), String(keys.token[0]?.mac), JSON.stringify(vaultKeys)]) {
      expect(shown).toContain('[secret]')
    }
    expect(importRegistryKeys(exportRegistryKeys(keys), group).token[0]?.scalar.reveal()).toEqual(
      keys.token[0]?.scalar.reveal(),
    )
  })

  it('opens no record that was moved to another row, rolled back, or altered', async () => {
    const { registry } = await fresh()
    const [ann, bob] = people(2)
    if (!ann || !bob) throw new Error('no people')
    const a = await registry.enrol(ann)
    const b = await registry.enrol(bob)
    const why = { reason: 'supervision', officer } as const
    const rows = await store.rows<Vault>('select * from registry_vault order by entry')
    const [one, two] = rows
    if (!one || !two) throw new Error('no rows')
    const put = (entry: Uint8Array, row: Vault) =>
      store.run('update registry_vault set version = $2, wrapped = $3, sealed = $4 where entry = $1', [
        entry,
        row.version,
        row.wrapped,
        row.sealed,
      ])
    const outcomes = async () =>
      Promise.all(
        [a, b].map(({ token }) =>
          registry.openRecord(token, why).then(
            () => 'opened',
            ({ code }) => code,
          ),
        ),
      )
    await put(one.entry, { ...two })
    expect((await outcomes()).sort()).toEqual(['ERR_REGISTRY_SEAL', 'opened'])
    await put(one.entry, { ...one, sealed: two.sealed })
    expect((await outcomes()).sort()).toEqual(['ERR_REGISTRY_SEAL', 'opened'])
    await put(one.entry, { ...one, version: 2 })
    expect((await outcomes()).sort()).toEqual(['ERR_REGISTRY_SEAL', 'opened'])
    await put(one.entry, one)
    expect(await outcomes()).toEqual(['opened', 'opened'])
    // A binding copied from one token to another.
    await store.run(
      'update registry_by_token set binding = (select binding from registry_by_token where token = $1) where token = $2',
      [a.token, b.token],
    )
    await expect(registry.lookup(b.token)).rejects.toMatchObject({ code: 'ERR_REGISTRY_SEAL' })
    const audit = await registry.audit({ deep: true })
    expect(audit.findings.filter(({ count }) => count > 0)).toEqual([
      { check: 'label-not-of-its-point', count: 1 },
    ])
  })

  it('answers rows that no registry wrote by a code', async () => {
    const { registry } = await fresh()
    const { token } = await registry.enrol(people(1)[0] as ReturnType<typeof people>[0])
    for (const at of [-1, 2 ** 50]) {
      await store.run('update registry_event set at = $1', [at])
      await expect(registry.history(token)).rejects.toMatchObject({ code: 'ERR_REGISTRY_SEAL' })
    }
    await store.run("update registry_key set kind = 'constructor' where kind = 'record'")
    await expect(registry.audit({ deep: true })).rejects.toMatchObject({ code: 'ERR_REGISTRY_KEYS' })
    await expect(registry.rotate('token')).rejects.toMatchObject({ code: 'ERR_REGISTRY_KEYS' })
  })

  it('refuses to start with keys of another registry', async () => {
    const { registry, random } = await fresh()
    await registry.enrol(people(1)[0] as ReturnType<typeof people>[0])
    const keys = createRegistryKeys({ group, random: seeded('other keys') })
    const vault = localVault([vaultKeys[0]], { random })
    const opening = openRegistry({ store, keys, vault, group, clock: () => START, random })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_REGISTRY_KEYS' })
    const broken = ['', '{}', '{"format":"ctid/registry/keys/v1","token":[],"record":[],"binding":[]}']
    for (const text of broken) expect(() => importRegistryKeys(text, group)).toThrow(/ERR|malformed|JSON/)
  })

  it.each(['token', 'record', 'binding'] as const)(
    'rotates the %s key without plaintext, both labels answering meanwhile',
    async (kind) => {
      const setting = await fresh()
      const { registry, clock } = setting
      const crowd = people(24)
      const before = await Promise.all(crowd.slice(0, 20).map((person) => registry.enrol(person)))
      const [first, second] = before
      if (!first || !second) throw new Error('nobody')
      await registry.freeze(second.token, { reason: 'court-order', officer })
      const passport = {
        anchor: anchorOf('passport'),
        record: crowd[0]?.record ?? {},
        reason: 'document-replaced',
        officer,
      } as const
      const successor = await registry.replace(first.token, passport)

      await expect(registry.rotate(kind)).rejects.toMatchObject({ code: 'ERR_REGISTRY_ROTATION' })
      const keys = addKeyVersion(setting.keys, kind, { group, random: seeded('next') })
      await registry.useKeys(keys)
      const seen: number[] = []
      // While it rolls, people enrol (known and new) and steps are made.
      const rolling = registry.rotate(kind, { pageSize: 3, onProgress: ({ done }) => seen.push(done) })
      const during = await Promise.all(crowd.map((person) => registry.enrol(person)))
      const third = before[2]?.token ?? new Uint8Array()
      await registry.freeze(third, { reason: 'device-lost', officer })
      const { done } = await rolling
      expect(seen.at(-1)).toBe(done)
      // Once more finds nothing left.
      expect(await registry.rotate(kind)).toEqual({ done: 0 })
      expect(during.map(({ status }) => status).filter((status) => status === 'created')).toHaveLength(4)
      expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 25 })

      // Former tokens still answer, and lead to the present ones.
      for (const { token } of before) expect(await registry.lookup(token)).toBeDefined()
      const present = await Promise.all(crowd.map((person) => registry.enrol(person)))
      expect(present.every(({ status }) => status === 'existing')).toBe(true)
      expect(new Set(present.map(({ token }) => toHex(token))).size).toBe(24)
      expect(await registry.lookup(second.token)).toMatchObject({ state: 'frozen' })
      const newSuccessor = await registry.lookup(successor.token)
      expect(await registry.lookup(first.token)).toMatchObject({
        state: 'superseded',
        successor: newSuccessor?.token,
      })
      expect(toHex(present[0]?.token ?? new Uint8Array()) === toHex(first.token)).toBe(kind !== 'token')

      const another = addKeyVersion(keys, kind, { group, random: seeded('too early') })
      await registry.useKeys(another)
      await expect(registry.rotate(kind)).rejects.toMatchObject({ code: 'ERR_REGISTRY_ROTATION' })
      await registry.useKeys(keys)
      if (store.engine === 'postgres') {
        await expect(registry.retire(kind)).rejects.toMatchObject({ code: 'ERR_REGISTRY_ROTATION' })
        clock.now += 121
      }
      await registry.retire(kind)
      await registry.useKeys(dropOldVersions(keys, kind))
      expect((await registry.lookup(first.token)) === undefined).toBe(kind === 'token')
      expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 25 })
      const after = await Promise.all(crowd.map((person) => registry.enrol(person)))
      expect(after.every(({ status }) => status === 'existing')).toBe(true)
      expect(after.map(({ token }) => toHex(token))).toEqual(present.map(({ token }) => toHex(token)))
      for (const [i, { token }] of after.entries()) {
        if (i % 8 === 0)
          expect(await registry.openRecord(token, { reason: 'supervision', officer })).toEqual(
            crowd[i]?.record,
          )
      }
    },
  )

  it('refuses a process that does not have the key of a rotation', async () => {
    const setting = await fresh()
    const { registry, random } = setting
    const crowd = people(3)
    const stale = await openRegistry({
      store,
      keys: setting.keys,
      vault: localVault([vaultKeys[0]], { random }),
      group,
      clock: () => START,
      random,
    })
    await stale.enrol(crowd[0] as (typeof crowd)[0])
    await registry.useKeys(addKeyVersion(setting.keys, 'record', { group, random: seeded('next') }))
    await registry.rotate('record')
    await expect(stale.enrol(crowd[1] as (typeof crowd)[0])).rejects.toMatchObject({
      code: 'ERR_REGISTRY_KEY_RETIRED',
    })
    expect(await registry.enrol(crowd[0] as (typeof crowd)[0])).toMatchObject({ status: 'existing' })
    expect(await registry.audit()).toMatchObject({ passed: true, entries: 1 })
  })

  it('rotates the vault key without opening a record', async () => {
    const { registry, keys, random } = await fresh()
    const crowd = people(12)
    const made = await registry.enrolMany(crowd)
    const sealed = () => store.rows('select entry, sealed from registry_vault order by entry')
    const before = await sealed()
    const vault = localVault(vaultKeys, { random })
    const next = await openRegistry({ store, keys, vault, group, clock: () => START, random })
    expect(await next.rotateVault({ pageSize: 5 })).toEqual({ done: 12 })
    expect(await next.rotateVault()).toEqual({ done: 0 })
    expect(await sealed()).toEqual(before)
    const only = await openRegistry({
      store,
      keys,
      vault: localVault([vaultKeys[1]], { random }),
      group,
      clock: () => START,
      random,
    })
    for (const [i, { token }] of made.entries()) {
      expect(await only.openRecord(token, { reason: 'supervision', officer })).toEqual(crowd[i]?.record)
    }
    const former = made[0]?.token ?? new Uint8Array()
    await expect(registry.openRecord(former, { reason: 'supervision', officer })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_KEYS',
    })
  })

  it('acknowledges nothing before the log has accepted it, and hands it in again', async () => {
    const accepted: RegistryLogEntry[] = []
    let down = false
    const log = {
      async append(entries: readonly RegistryLogEntry[]) {
        if (down) throw new Error('the log is away')
        accepted.push(...entries)
      },
    }
    const { registry } = await fresh({ log })
    const [ann, bob] = people(2)
    if (!ann || !bob) throw new Error('no people')
    const { token } = await registry.enrol(ann)
    down = true
    await expect(registry.enrol(bob)).rejects.toMatchObject({ code: 'ERR_REGISTRY_LOG' })
    await expect(registry.openRecord(token, { reason: 'supervision', officer })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_LOG',
    })
    expect(await registry.lookup(token)).toMatchObject({ logged: false })
    expect(await registry.audit()).toMatchObject({ passed: true, entries: 2, unlogged: 2 })
    expect(accepted).toHaveLength(1)
    await expect(registry.enrol(bob)).rejects.toMatchObject({ code: 'ERR_REGISTRY_LOG' })
    down = false
    expect(await registry.enrol(bob)).toMatchObject({ status: 'existing', entry: { logged: true } })
    expect(await registry.settleLog()).toBe(1)
    expect(await registry.audit()).toMatchObject({ unlogged: 0 })
    expect(accepted.map(({ kind }) => kind)).toEqual(['enrolled', 'enrolled', 'opened'])
    const labels = accepted.flatMap((entry) =>
      entry.labels ? [toHex(entry.labels.record), toHex(entry.labels.token)] : [],
    )
    expect(new Set(labels).size).toBe(4)
    expect(JSON.stringify(accepted)).not.toContain(toHex(token))
  })

  it('refuses a record that is too large, could not be opened again, or has no real date', async () => {
    const { registry } = await fresh()
    const anchor = anchorOf('x')
    const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)
    const endless: { self?: unknown } = {}
    endless.self = endless
    for (const record of [
      { name: 'a'.repeat(17_000) },
      deep,
      endless,
      { name: '\ud800' },
      { n: 1n },
      ['a'],
    ]) {
      await expect(registry.enrol({ anchor, record: record as never })).rejects.toMatchObject({
        code: 'ERR_REGISTRY_RECORD',
      })
    }
    for (const validUntil of ['2026-13-01', '2026-02-30', 'tomorrow', '20261201', 20261201 as never]) {
      await expect(registry.enrol({ anchor, record: { validUntil } })).rejects.toMatchObject({
        code: 'ERR_REGISTRY_RECORD',
      })
    }
    expect(await registry.audit()).toMatchObject({ entries: 0 })
  })

  it('agrees with a model of two maps for any sequence of operations', async () => {
    const { registry, clock } = await fresh()
    let round = 0
    const operation = fc.record({
      who: fc.integer({ min: 0, max: 3 }),
      act: fc.constantFrom('enrol', 'freeze', 'unfreeze', 'revoke', 'replace', 'wait'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 14 }), async (operations) => {
        round += 1
        const tokens = new Map<number, string>()
        const states = new Map<string, string>()
        const bytes = new Map<string, Uint8Array>()
        for (const [index, { who, act }] of operations.entries()) {
          const token = tokens.get(who)
          const state = token === undefined ? undefined : states.get(token)
          const on = bytes.get(token ?? '') ?? new Uint8Array(32)
          const because = { reason: 'court-order', officer } as const
          const expectTo = async (allowed: boolean, made: Promise<unknown>, to: string) => {
            const outcome = await made.then(
              () => true,
              () => false,
            )
            expect(outcome).toBe(allowed)
            if (allowed && token !== undefined) states.set(token, to)
          }
          if (act === 'wait') clock.now += DAY
          else if (act === 'enrol') {
            const enrolment = await registry.enrol({
              anchor: anchorOf(`${round} ${who}`),
              record: { name: `n${who}` },
            })
            const hex = toHex(enrolment.token)
            if (token === undefined) expect(enrolment.status).toBe('created')
            else expect(enrolment.status).toBe('existing')
            if (token === undefined) {
              expect(states.has(hex)).toBe(false)
              tokens.set(who, hex)
              states.set(hex, 'active')
              bytes.set(hex, enrolment.token)
            } else expect(hex).toBe(token)
          } else if (act === 'freeze')
            await expectTo(state === 'active', registry.freeze(on, because), 'frozen')
          else if (act === 'unfreeze')
            await expectTo(state === 'frozen', registry.unfreeze(on, because), 'active')
          else if (act === 'revoke') {
            await expectTo(state === 'active' || state === 'frozen', registry.revoke(on, because), 'revoked')
          } else {
            const change = {
              anchor: anchorOf(`${round} ${who} ${index}`),
              record: {},
              reason: 'document-replaced',
              officer,
            } as const
            await expectTo(state === 'active', registry.replace(on, change), 'superseded')
          }
        }
        for (const [hex, state] of states) {
          expect(await registry.lookup(bytes.get(hex) ?? new Uint8Array())).toMatchObject({ state })
        }
      }),
      { numRuns: process.env['CTID_FULL'] === '1' ? 60 : 8, seed: 4 },
    )
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true })
  })
}

type Vault = { entry: Uint8Array; version: number; wrapped: Uint8Array; sealed: Uint8Array }
