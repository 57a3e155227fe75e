// A log operator who cheats, in every way we know: who catches it, in which step. The table is printed at the end.
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type Alarm,
  appendLeaf,
  type BindingEntry,
  COSIGNATURE,
  checkLog,
  cosignWith,
  createDirectory,
  createMonitor,
  createWitness,
  emptyFrontier,
  encodeEntry,
  epochEntry,
  formatAddCheckpoint,
  formatCheckpoint,
  frontierRoot,
  LOG_SIGNATURE,
  leafHash,
  memoryWitnessStore,
  noteSigner,
  openCheckpoint,
  parseEntry,
  proveConsistency,
  proveInclusion,
  signatureLines,
  signCheckpoint,
  verifyEpochUpdate,
  verifyReceipt,
} from '#ctid/transparency'
import { memorySource, tileFiles } from './memory-tiles.ts'

const origin = 'log.example/cheat'
const signer = noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(5))
const policy = { origin, logKey: signer.key, witnesses: [], threshold: 0 }
const hash = (text: string) => new Uint8Array(createHash('sha256').update(text).digest())
const table: string[] = []
const caught = (what: string, who: string, step: string) => table.push(`${what}: ${who}, step ${step}`)
afterAll(() => console.log(table.join('\n')))

const bind = (record: string, token: string) =>
  encodeEntry({
    form: 'binding',
    type: 'registration',
    epoch: 1,
    recordLabel: hash(record),
    tokenLabel: hash(token),
  })
const honest = Array.from({ length: 300 }, (_, i) => bind(`r${i}`, `t${i}`))

// Whatever entries the operator likes, correctly hashed and signed with the log's key.
async function publish(entries: readonly Uint8Array[]): Promise<Map<string, Uint8Array>> {
  const files = tileFiles(entries)
  const frontier = emptyFrontier()
  for (const entry of entries) appendLeaf(frontier, leafHash(entry))
  const checkpoint = { origin, size: entries.length, root: frontierRoot(frontier) }
  files.set('checkpoint', Buffer.from(await signCheckpoint(checkpoint, [signer])))
  return files
}

// A monitor and a witness that have both seen the first 280 honest entries; then the operator serves other files.
async function after280() {
  const files = await publish(honest.slice(0, 280))
  const source = { read: async (path: string) => files.get(path) }
  const monitor = createMonitor({ source, policy })
  expect(await monitor.poll()).toMatchObject({ ok: true, size: 280, newEntries: 280, alarms: [] })
  const store = memoryWitnessStore()
  const witness = createWitness({
    signer: noteSigner('witness.example', COSIGNATURE, new Uint8Array(32).fill(6)),
    logs: [{ origin, keys: [signer.key] }],
    store,
    clock: () => 1_800_000_000,
  })
  const noteOf = (map: Map<string, Uint8Array>) => Buffer.from(map.get('checkpoint') ?? '').toString()
  expect((await witness.addCheckpoint(formatAddCheckpoint(0, [], noteOf(files)))).status).toBe(200)
  return {
    monitor,
    async serve(next: Map<string, Uint8Array>) {
      files.clear()
      for (const [path, bytes] of next) files.set(path, bytes)
      return (await monitor.poll()).alarms
    },
    async submit(next: Map<string, Uint8Array>) {
      const { size } = await openCheckpoint(noteOf(next), policy)
      const proof = size > 280 ? await proveConsistency(memorySource(next), 280, size) : []
      const answer = await witness.addCheckpoint(formatAddCheckpoint(280, proof, noteOf(next)))
      return { ...answer, evidence: store.kept.map(({ reason }) => reason) }
    },
  }
}
const kinds = (alarms: readonly Alarm[]) => alarms.map(({ step, kind }) => `${step}: ${kind}`)

describe('a monitor and a witness that have seen 280 entries', () => {
  it('accept honest growth', async () => {
    const { serve, submit } = await after280()
    const next = await publish(honest)
    expect(await serve(next)).toEqual([])
    expect((await submit(next)).status).toBe(200)
  })

  it('catch a rollback', async () => {
    const { serve, submit } = await after280()
    const next = await publish(honest.slice(0, 270))
    expect(kinds(await serve(next))).toEqual(['size: rollback'])
    // tlog-witness: the old size may not be above the checkpoint's.
    expect((await submit(next)).status).toBe(400)
    caught('rollback', 'monitor', 'size')
    caught('rollback', 'witness', 'old size (400)')
  })

  it('catch a fork of the same size', async () => {
    const { serve, submit, monitor } = await after280()
    const next = await publish([...honest.slice(0, 279), bind('other', 'other')])
    expect(kinds(await serve(next))).toEqual(['size: fork'])
    expect(await submit(next)).toMatchObject({ status: 409, body: '280\n', evidence: ['fork'] })
    // Both signed statements together convince anybody.
    const [alarm] = (await monitor.poll()).alarms
    const roots = await Promise.all((alarm?.evidence ?? []).map((note) => openCheckpoint(note, policy)))
    expect(roots.map(({ size }) => size)).toEqual([280, 280])
    expect(roots[0]?.root).not.toEqual(roots[1]?.root)
    caught('fork, same size', 'monitor', 'size')
    caught('fork, same size', 'witness', 'root hash (409)')
  })

  it.each([
    ['a fork that grew', (e: Uint8Array[]) => [...e.slice(0, 279), bind('other', 'other'), ...e.slice(280)]],
    ['a deleted leaf', (e: Uint8Array[]) => [...e.slice(0, 100), ...e.slice(101), bind('new', 'new')]],
    ['two leaves in another order', (e: Uint8Array[]) => [e[1], e[0], ...e.slice(2)] as Uint8Array[]],
  ])('catch %s', async (what, change) => {
    const { serve, submit } = await after280()
    const next = await publish(change(honest))
    expect(kinds(await serve(next))).toEqual(['history: fork'])
    expect(await submit(next)).toMatchObject({ status: 422, evidence: ['inconsistent'] })
    caught(what, 'monitor', 'history')
    caught(what, 'witness', 'consistency proof (422)')
  })

  it('catch it after a restart too, by the checkpoint that the monitor remembers', async () => {
    const { monitor } = await after280()
    const remembered = monitor.verified()?.note ?? ''
    const next = await publish([bind('other', 'other'), ...honest.slice(1)])
    const report = await checkLog({ source: memorySource(next), policy, remembered })
    expect(kinds(report.alarms)).toEqual(['history: fork'])
    const shorter = await checkLog({
      source: memorySource(await publish(honest.slice(0, 9))),
      policy,
      remembered,
    })
    expect(kinds(shorter.alarms)).toEqual(['size: rollback'])
  })

  it('catch an entry changed in its bundle after signing', async () => {
    const { serve } = await after280()
    const next = await publish(honest)
    const bundle = Uint8Array.from(next.get('tile/entries/001.p/44') ?? [])
    bundle[bundle.length - 1] = (bundle.at(-1) as number) ^ 1
    next.set('tile/entries/001.p/44', bundle)
    expect(kinds(await serve(next))).toEqual(['history: altered-entry'])
    caught('changed entry', 'monitor', 'history')
  })
})

describe('a replaced tile', () => {
  it('is caught by the client (inclusion), the monitor and fsck (tiles)', async () => {
    const files = await publish(honest)
    const receiptEntry = honest[7] as Uint8Array
    const good = await proveInclusion(memorySource(files), 7, 300)
    const checkpoint = Buffer.from(files.get('checkpoint') ?? '').toString()
    await expect(
      verifyReceipt(receiptEntry, { index: 7, proof: good, checkpoint }, policy),
    ).resolves.toBeDefined()

    const tile = Uint8Array.from(files.get('tile/0/000') ?? [])
    tile[6 * 32] = (tile[6 * 32] as number) ^ 1
    files.set('tile/0/000', tile)
    const proof = await proveInclusion(memorySource(files), 7, 300)
    await expect(verifyReceipt(receiptEntry, { index: 7, proof, checkpoint }, policy)).rejects.toMatchObject({
      code: 'ERR_LOG_RECEIPT',
    })
    const report = await checkLog({ source: memorySource(files), policy })
    expect(report.alarms).toEqual([{ step: 'tiles', kind: 'altered-tile', detail: 'tile/0/000' }])
    caught('replaced tile', 'client', 'inclusion proof')
    caught('replaced tile', 'monitor and fsck', 'tiles')
  })
})

describe('a second binding', () => {
  it.each([
    ['duplicate label (one record, two tokens)', bind('r7', 'a second token'), 'record-label-once'],
    ['duplicate token (one token, two records)', bind('a second record', 't7'), 'token-label-once'],
  ])('%s: refused by the directory before logging, found by any auditor after', async (what, entry, rule) => {
    const { serve } = await after280()
    expect(kinds(await serve(await publish([...honest.slice(0, 280), entry])))).toEqual([`rules: ${rule}`])
    const directory = createDirectory()
    for (const [index, binding] of honest.entries()) {
      const parsed = { recordLabel: binding.slice(9, 41), tokenLabel: binding.slice(41) }
      directory.add({ index, entry: { form: 'binding', type: 'registration', epoch: 1, ...parsed } })
    }
    const labels = { recordLabel: entry.slice(9, 41), tokenLabel: entry.slice(41) }
    const binding = { form: 'binding', type: 'registration', epoch: 1, ...labels } as const
    expect(() => directory.add({ index: 300, entry: binding })).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DUPLICATE' }),
    )
    caught(what, 'registry', 'directory')
    caught(what, 'monitor and auditor', 'rules')
  })

  it('hidden from the directory roots is found too: the roots are recomputed', async () => {
    const { serve } = await after280()
    const lie = encodeEntry(epochEntry(1, { ...createDirectory().roots(), count: 280 }))
    expect(kinds(await serve(await publish([...honest.slice(0, 280), lie])))).toEqual(['rules: epoch-roots'])
    caught('false directory roots', 'monitor and auditor', 'rules')
  })
})

describe('lies about the directory, across epochs', () => {
  // 280 bindings, epoch 1 over them, 20 more: then the operator publishes an epoch of his own making.
  const of = (entries: readonly Uint8Array[], gone?: number) => {
    const directory = createDirectory()
    for (const [index, bytes] of entries.entries()) {
      const entry = parseEntry(bytes)
      if (entry.form === 'binding' && index !== gone) directory.add({ index, entry })
    }
    return directory.roots()
  }
  const first = [...honest.slice(0, 280), encodeEntry(epochEntry(1, of(honest.slice(0, 280))))]
  const second = [...first, ...honest.slice(280)]
  const alarmsOf = async (entries: readonly Uint8Array[]) =>
    kinds((await checkLog({ source: memorySource(await publish(entries)), policy })).alarms)

  it('an epoch that drops a label, counts one too many, or comes twice', async () => {
    expect(await alarmsOf([...second, encodeEntry(epochEntry(2, of(second)))])).toEqual([])
    const dropped = epochEntry(2, of(second, 7))
    expect(await alarmsOf([...second, encodeEntry(dropped)])).toEqual(['rules: epoch-roots'])
    const more = { ...of(second), count: 301 }
    expect(await alarmsOf([...second, encodeEntry(epochEntry(2, more))])).toEqual(['rules: epoch-roots'])
    const again = encodeEntry(epochEntry(1, of(second)))
    expect(await alarmsOf([...second, again])).toEqual(['rules: epoch-order'])
    caught('an epoch that drops a label', 'monitor and auditor', 'rules')
    caught('an epoch of a wrong count, or twice', 'monitor and auditor', 'rules')
  })

  it('a label that comes again in a later epoch, as a replacement', async () => {
    const parsed = { recordLabel: hash('r7'), tokenLabel: hash('another token') }
    const swap = encodeEntry({ form: 'binding', type: 'replacement', epoch: 2, ...parsed })
    expect(await alarmsOf([...second, swap])).toEqual(['rules: record-label-once'])
    caught('duplicate label across epochs', 'monitor and auditor', 'rules')
  })

  it('a label that the light auditor is not told of', () => {
    const before = createDirectory()
    const bindings = honest
      .slice(0, 4)
      .map((bytes, index) => ({ index, entry: parseEntry(bytes) as BindingEntry }))
    const old = before.roots()
    const update = before.update(bindings)
    expect(() => verifyEpochUpdate(old, before.roots(), update)).not.toThrow()
    const hidden = { ...update, bindings: update.bindings.slice(1) }
    expect(() => verifyEpochUpdate(old, { ...before.roots(), count: 3 }, hidden)).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_PROOF' }),
    )
    caught('a label hidden from the light auditor', 'light auditor', 'epoch update')
  })
})

describe('witnesses that fail', () => {
  const witnessOf = (byte: number, store = memoryWitnessStore(), clock = () => 1_800_000_000) =>
    createWitness({
      signer: noteSigner(`witness.example/${byte}`, COSIGNATURE, new Uint8Array(32).fill(byte)),
      logs: [{ origin, keys: [signer.key] }],
      store,
      clock,
    })
  const noteOf = async (size: number) =>
    Buffer.from((await publish(honest.slice(0, size))).get('checkpoint') ?? '').toString()
  const sourceOf = async (size: number) => memorySource(await publish(honest.slice(0, size)))

  it('one that was restarted with an old memory does not count any more', async () => {
    const old = memoryWitnessStore()
    let forgetful = witnessOf(2, old)
    const steady = witnessOf(3)
    const client = { key: forgetful.key, addCheckpoint: (text: string) => forgetful.addCheckpoint(text) }
    const both = cosignWith({ witnesses: [client, steady], threshold: 2 })
    await both(await noteOf(100), await sourceOf(100))
    const remembered = await old.get(origin)
    await both(await noteOf(200), await sourceOf(200))
    const restored = memoryWitnessStore()
    await restored.put(origin, remembered ?? '', undefined)
    forgetful = witnessOf(2, restored)
    await expect(both(await noteOf(250), await sourceOf(250))).rejects.toMatchObject({
      code: 'ERR_LOG_WITNESSES',
      detail: '1 of 2',
    })
    caught('witness with an old memory', 'log', 'cosigning (409 below what it cosigned)')
  })

  it('a log that was rolled back hears it from them', async () => {
    const witnesses = [witnessOf(2), witnessOf(3)]
    await cosignWith({ witnesses, threshold: 2 })(await noteOf(200), await sourceOf(200))
    const restarted = cosignWith({ witnesses, threshold: 2 })
    await expect(restarted(await noteOf(150), await sourceOf(150))).rejects.toMatchObject({
      code: 'ERR_LOG_CORRUPT',
    })
    caught('log restored from an old copy', 'log', 'cosigning (409 above its size)')
  })

  it('one whose clock is far ahead, or back, is not taken for fresh', async () => {
    const now = 1_800_000_000
    const keys = [witnessOf(2).key]
    const fresh = { ...policy, witnesses: keys, threshold: 1, maxAgeSeconds: 3600 }
    const at = async (time: number) =>
      openCheckpoint(
        await cosignWith({ witnesses: [witnessOf(2, undefined, () => time)], threshold: 1 })(
          await noteOf(9),
          await sourceOf(9),
        ),
        fresh,
        () => now,
      )
    expect((await at(now)).cosigners).toEqual([{ name: 'witness.example/2', time: now }])
    expect((await at(now + 299)).size).toBe(9)
    for (const time of [now - 3601, now + 301, now * 2]) {
      await expect(at(time)).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
    }
    caught('cosignature too old, or of the future', 'client', 'checkpoint')
  })
})

describe('a log of other entries', () => {
  it('has its tree checked, and its entries not', async () => {
    const files = await publish(Array.from({ length: 300 }, (_, i) => hash(String(i))))
    const source = memorySource(files)
    expect(await checkLog({ source, policy, entries: 'any' })).toMatchObject({ ok: true, size: 300 })
    expect((await checkLog({ source, policy })).alarms).toHaveLength(300)
    files.delete('tile/1/000.p/1')
    expect(await checkLog({ source, policy, entries: 'any' })).toMatchObject({ ok: true })
    files.set('tile/1/000.p/1', new Uint8Array(32))
    expect(kinds((await checkLog({ source, policy, entries: 'any' })).alarms)).toEqual([
      'tiles: altered-tile',
    ])
  })
})

describe('other lies', () => {
  it('an entry that is no entry, an entry of the future, a repeated epoch', async () => {
    const files = await publish([
      new Uint8Array(9),
      encodeEntry({ form: 'public', type: 'rule-set', time: 2_000_000_000, body: { hash: 'x' } }),
      encodeEntry(epochEntry(2, createDirectory().roots())),
    ])
    const report = await checkLog({ source: memorySource(files), policy, clock: () => 1_800_000_000 })
    expect(kinds(report.alarms)).toEqual(['rules: entry-form', 'rules: entry-time', 'rules: epoch-order'])
  })

  it('an entry may be dated 300 seconds ahead, and no more', async () => {
    const files = await publish(
      [300, 301].map((ahead) =>
        encodeEntry({ form: 'public', type: 'rule-set', time: 1_800_000_000 + ahead, body: { hash: 'x' } }),
      ),
    )
    const report = await checkLog({ source: memorySource(files), policy, clock: () => 1_800_000_000 })
    expect(report.alarms).toMatchObject([{ step: 'rules', kind: 'entry-time', index: 1 }])
  })

  it('a checkpoint of another key, and one without enough witnesses', async () => {
    const files = await publish(honest.slice(0, 3))
    const stranger = noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(9))
    const unsigned = await checkLog({
      source: memorySource(files),
      policy: { ...policy, logKey: stranger.key },
    })
    expect(kinds(unsigned.alarms)).toEqual(['checkpoint: unreadable'])
    const unwitnessed = await checkLog({ source: memorySource(files), policy: { ...policy, threshold: 1 } })
    expect(kinds(unwitnessed.alarms)).toEqual(['checkpoint: unwitnessed'])
  })

  it('a log that signs its own cosignature is not a witness', async () => {
    const files = await publish(honest.slice(0, 3))
    const own = noteSigner('w.example', COSIGNATURE, new Uint8Array(32).fill(5))
    const note = Buffer.from(files.get('checkpoint') ?? '').toString()
    const opened = await openCheckpoint(note, policy)
    const cosigned = note + (await signatureLines(formatCheckpoint(opened), [own], 1))
    await expect(
      openCheckpoint(cosigned, { ...policy, witnesses: [own.key], threshold: 1 }),
    ).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
  })
})

describe('a round too large to be held', () => {
  const twice = [bind('r7', 'other'), bind('other', 't9')]
  const log = [...honest, ...twice, ...Array.from({ length: 400 }, (_, i) => bind(`s${i}`, `u${i}`))]

  it('raises the same alarms as one that is held', async () => {
    const changes: [string, (files: Map<string, Uint8Array>) => unknown][] = [
      ['none', () => {}],
      ['a replaced tile', (files) => files.set('tile/0/001', new Uint8Array(8192).fill(1))],
      ['a changed entry', (files) => files.get('tile/entries/001')?.fill(7, 5, 6)],
      ['a lost bundle', (files) => files.delete('tile/entries/001')],
    ]
    for (const [what, change] of changes) {
      const files = await publish(log)
      change(files)
      const source = memorySource(files)
      const seen: number[] = []
      const held = await checkLog({ source, policy })
      const read = await checkLog({ source, policy, maxHeld: 100, onEntry: (index) => seen.push(index) })
      expect(read, what).toEqual(held)
      expect(held.ok, what).toBe(false)
      expect(seen, what).toEqual(read.newEntries === 0 ? [] : log.map((_, i) => i))
    }
  })

  it('holds no entry: each bundle is read once more, to be judged', async () => {
    const files = await publish(log)
    for (const [maxHeld, times] of [
      [log.length - 1, 3],
      [log.length, 2],
    ] as const) {
      const reads: string[] = []
      const read = async (path: string) => {
        reads.push(path)
        return files.get(path)
      }
      expect((await checkLog({ source: { read }, policy, maxHeld })).size).toBe(log.length)
      expect(reads.filter((path) => path === 'tile/entries/001')).toHaveLength(times)
    }
  })

  it('is not fooled by entries that change between the readings, loses no alarm by it, and judges nothing twice', async () => {
    const files = await publish(log)
    const changed = Uint8Array.from(files.get('tile/entries/002.p/190') ?? [])
    changed[5] = 99
    let readings = 0
    let lies = true
    const read = async (path: string) =>
      path === 'tile/entries/002.p/190' && lies && ++readings > 2 ? changed : files.get(path)
    const seen: number[] = []
    const onEntry = (index: number) => void seen.push(index)
    const monitor = createMonitor({ source: { read }, policy, maxHeld: 100, onEntry })
    const first = await monitor.poll()
    expect(first).toMatchObject({ ok: false, size: 0, newEntries: 0 })
    expect(kinds(first.alarms)).toEqual([
      'rules: record-label-once',
      'rules: token-label-once',
      'history: altered-entry',
    ])
    expect(monitor.verified()).toBeUndefined()
    // The root that was found to be signed is remembered all the same.
    const fork = await publish([...log.slice(1), ...honest.slice(0, 5)])
    const other = createMonitor({ source: { read }, policy, maxHeld: 100 })
    readings = 0
    await other.poll()
    const before = new Map(files)
    for (const [path, bytes] of fork) files.set(path, bytes)
    const found = await other.poll()
    expect(kinds(found.alarms)).toEqual(['history: fork'])
    expect(found.alarms[0]?.evidence).toHaveLength(2)

    files.clear()
    for (const [path, bytes] of before) files.set(path, bytes)
    lies = false
    expect(await monitor.poll()).toMatchObject({ ok: true, size: log.length, newEntries: log.length })
    expect(seen).toEqual(log.map((_, i) => i))
  })
})
