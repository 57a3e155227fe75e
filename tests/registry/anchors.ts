// What the registry must do on every engine when the evaluators rotate their key: one entry for each person, enrolled
// before, during or after, without plaintext and although the roll is killed anywhere.
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { toHex } from '#ctid/base'
import type { Point } from '#ctid/crypto'
import { canonicalIdentity } from '#ctid/identity'
import { addKeyVersion, dropOldVersions, type Registry, type RegistryLogEntry } from '#ctid/registry'
import type { Store } from '#ctid/store'
import {
  deriveAnchors,
  type Evaluator,
  type EvaluatorKeySet,
  localEvaluator,
  runCeremony,
  runKeyRotation,
} from '#ctid/token'
import { group, people, seeded, setUp } from './setting.ts'

const FULL = process.env['CTID_FULL'] === '1'
const officer = 'desk-7'
const random = seeded('evaluators')
const ceremony = runCeremony({ threshold: 2, count: 3, random, group })
const { rotation, next } = runKeyRotation(ceremony.keySet, ceremony.shares, { group, random })

type Shared = {
  readonly keySet: EvaluatorKeySet
  readonly shares: readonly Parameters<typeof localEvaluator>[0][]
}
const party = ({ keySet, shares }: Shared) => ({
  keySet,
  evaluators: shares.map((share) => localEvaluator(share, { group, random })),
})
const [former, present, multiplier] = [ceremony, next, rotation].map(party) as [Party, Party, Party]
type Party = ReturnType<typeof party>

const crowd = people(12, 'rotation').map(({ record }) => record)
const derive = async (from: Party): Promise<Point[]> =>
  (await deriveAnchors(crowd.map(canonicalIdentity), { ...from, group, random })).anchors
const [under1, under2] = [await derive(former), await derive(present)]

// The three ways in which a registrar can come: with the former key set, during the rotation, with the next one.
const at = (points: readonly Point[], who: number) => points[who] as Point
const before = (who: number) => ({ anchor: at(under1, who), record: crowd[who] ?? {} })
const after = (who: number) => ({ anchor: at(under2, who), anchorVersion: 2, record: crowd[who] ?? {} })
const during = (who: number) => ({ ...after(who), formerAnchor: at(under1, who) })
const everybody = crowd.map((_, who) => who)

const lying: Evaluator = {
  id: 1,
  evaluate: async (blinded) => ({
    evaluated: blinded.map((p) => group.add(p, p)),
    proof: new Uint8Array(64),
  }),
}

export function anchorContract(open: () => Promise<Store>): void {
  let store: Store
  const fresh = async (...more: Parameters<typeof setUp> extends [Store, ...infer M] ? M : never) => {
    store = await open()
    return setUp(store, ...more)
  }
  const retire = async (registry: Registry, clock: { now: number }) => {
    clock.now += 121
    await registry.retire('anchor')
  }
  afterEach(() => store?.close())

  it('moves every entry to the next key: enrolled before, during or after, a person has one entry', async () => {
    const leaves: RegistryLogEntry[] = []
    const log = { append: async (entries: readonly RegistryLogEntry[]) => leaves.push(...entries) }
    const { registry, clock, keys } = await fresh({ log })
    const first = await registry.enrolMany(everybody.slice(0, 8).map(before))
    const [ann, bob] = first.map(({ token }): Uint8Array => token) as [Uint8Array, Uint8Array]
    await registry.freeze(bob, { reason: 'court-order', officer })
    const passport = { ...before(11), reason: 'document-replaced', officer } as const
    const successor = await registry.replace(ann, passport)
    // Too early, and with a key set of ρ that skips a version.
    await expect(registry.enrol(after(0))).rejects.toMatchObject({ code: 'ERR_REGISTRY_ANCHOR_VERSION' })
    await expect(
      registry.rotateAnchors({ ...multiplier, keySet: { ...multiplier.keySet, version: 3 } }),
    ).rejects.toMatchObject({ code: 'ERR_REGISTRY_ROTATION' })

    const seen: number[] = []
    const options = { pageSize: 2, onProgress: ({ done }: { done: number }) => seen.push(done) }
    const rolling = registry.rotateAnchors(multiplier, options)
    const meanwhile = await Promise.all(everybody.map((who) => registry.enrol(during(who))))
    expect(meanwhile.filter(({ status }) => status === 'created')).toHaveLength(3)
    expect(await rolling).toEqual({ done: seen.at(-1), faults: [] })
    expect(await registry.rotateAnchors(multiplier)).toEqual({ done: 0, faults: [] })
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 12, unlogged: 0 })

    // Both tokens answer, and lead to one entry whose id is what it was. One anchor alone is refused.
    for (const [who, { token, entry }] of first.entries()) {
      const found = await registry.enrol(during(who))
      expect(found).toMatchObject({ status: 'existing', entry: { id: entry.id } })
      expect(toHex(found.token)).not.toBe(toHex(token))
      expect((await registry.lookup(token))?.token).toEqual(found.token)
    }
    for (const alone of [before(1), after(1)]) {
      await expect(registry.enrol(alone)).rejects.toMatchObject({ code: 'ERR_REGISTRY_ANCHOR_VERSION' })
    }

    await retire(registry, clock)
    const fresh2 = await Promise.all(everybody.map((who) => registry.enrol(after(who))))
    expect(fresh2.every(({ status }) => status === 'existing')).toBe(true)
    expect(new Set(fresh2.map(({ entry }) => toHex(entry.id))).size).toBe(12)
    await expect(registry.enrol(before(1))).rejects.toMatchObject({ code: 'ERR_REGISTRY_ANCHOR_VERSION' })
    expect(await registry.lookup(bob)).toBeUndefined()
    expect(fresh2[1]?.entry.state).toBe('frozen')
    expect(fresh2[0]?.entry).toMatchObject({ state: 'superseded', successor: fresh2[11]?.token })
    expect(fresh2[11]?.entry.id).toEqual(successor.entry.id)
    for (const who of [2, 9]) {
      const token = fresh2[who]?.token ?? new Uint8Array()
      expect(await registry.openRecord(token, { reason: 'supervision', officer })).toEqual(crowd[who])
    }
    const renewal = { reason: 'record-corrected', officer } as const
    const third = fresh2[2]?.token ?? new Uint8Array()
    expect(await registry.renew(third, { ...after(2), ...renewal })).toMatchObject({ recordVersion: 2 })
    // In public: within an epoch each label once.
    const labels = leaves.flatMap((leaf) =>
      leaf.labels ? [`${leaf.labels.epoch} ${toHex(leaf.labels.record)}`] : [],
    )
    expect(new Set(labels).size).toBe(
      new Set(leaves.map((l) => toHex(l.labels?.token ?? new Uint8Array()))).size - 1,
    )
    expect(new Set(labels.map((label) => label.split(' ')[0]))).toEqual(new Set(['k1.t1.r1', 'k2.t1.r1']))

    // The registry's own keys roll on as before.
    const more = addKeyVersion(keys, 'record', { group, random: seeded('record 2') })
    await registry.useKeys(more)
    expect(await registry.rotate('record')).toEqual({ done: 12 })
    clock.now += 121
    await registry.retire('record')
    await registry.useKeys(dropOldVersions(more, 'record'))
    expect(
      (await registry.enrolMany(everybody.map(after))).every(({ status }) => status === 'existing'),
    ).toBe(true)
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 12 })
  })

  it('names an evaluator that lies, moves nothing by a lie, and goes on with the same ρ only', async () => {
    const { registry, clock } = await fresh()
    await registry.enrolMany(everybody.map(before))
    const [, second, third] = multiplier.evaluators as [Evaluator, Evaluator, Evaluator]
    const liars = { ...multiplier, evaluators: [lying, { ...lying, id: 2 }, third] }
    await expect(registry.rotateAnchors(liars)).rejects.toMatchObject({ code: 'ERR_TOKEN_QUORUM' })
    const other = party(runKeyRotation(ceremony.keySet, ceremony.shares, { group, random }).rotation)
    await expect(registry.rotateAnchors(other)).rejects.toMatchObject({ code: 'ERR_REGISTRY_KEYS' })
    await expect(registry.retire('anchor')).rejects.toMatchObject({ code: 'ERR_REGISTRY_ROTATION' })
    expect(await registry.audit({ deep: true })).toMatchObject({ passed: true })
    expect(await registry.rotateAnchors({ ...multiplier, evaluators: [lying, second, third] })).toEqual({
      done: 12,
      faults: [{ evaluator: 1, reason: 'wrong-proof' }],
    })
    await retire(registry, clock)
    const again = await registry.enrolMany(everybody.map(after))
    expect(again.every(({ status }) => status === 'existing')).toBe(true)
  })

  it('stays one to one for any times of enrolment and of being killed', async () => {
    const moment = fc.constantFrom('before', 'killed', 'rolled', 'retired')
    const people_ = fc.array(moment, { minLength: 5, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(
        people_,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(2),
        async (moments, pageSize, pages) => {
          const { registry, clock } = await fresh()
          const ids = new Map<number, string>()
          const enrol = async (now: string, as: typeof during) => {
            for (const [who, first] of moments.entries()) {
              if (!ids.has(who) && first !== now) continue
              const { status, entry } = await registry.enrol(as(who))
              expect(status).toBe(ids.has(who) ? 'existing' : 'created')
              if (ids.has(who)) expect(toHex(entry.id)).toBe(ids.get(who))
              ids.set(who, toHex(entry.id))
            }
          }
          await enrol('before', before as typeof during)
          let left = pages
          const killed = () => {
            if (left-- === 0) throw new RangeError('killed')
          }
          const outcome = await registry
            .rotateAnchors(multiplier, { pageSize, onProgress: killed })
            .catch(String)
          if (typeof outcome === 'string') {
            expect(outcome).toContain('killed')
            await enrol('killed', during)
          }
          await registry.rotateAnchors(multiplier, { pageSize })
          await enrol('rolled', during)
          await retire(registry, clock)
          await enrol('retired', after as typeof during)
          expect(await registry.audit({ deep: true })).toMatchObject({ passed: true, entries: ids.size })
          await store.close()
        },
      ),
      { numRuns: FULL ? 60 : 6, seed: 7 },
    )
  })
}
