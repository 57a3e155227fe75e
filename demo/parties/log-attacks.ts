// What an operator who cheats could do to the log, done to a copy: real files, the log's real key, the witnesses with their
// real memories. Each attack answers with who noticed, and in which step.
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Clock, isCtidError, type RandomBytes, toHex } from '#ctid/base'
import type { Deployment, DeploymentLog } from '#ctid/deployment'
import { commitmentOf, type EventRow } from '#ctid/registry'
import { openStore, type Row, type Store } from '#ctid/store'
import {
  type Alarm,
  type BindingEntry,
  COSIGNATURE,
  checkLog,
  createMonitor,
  createWitness,
  encodeEntry,
  formatAddCheckpoint,
  LOG_SIGNATURE,
  NO_TAG,
  noteSigner,
  openCheckpoint,
  parseEntry,
  proveConsistency,
  readEntries,
  type TileSource,
} from '#ctid/transparency'
import { directorySource, fileWitnessStore, openFileLog } from '../../src/transparency/node.ts'

export const ATTACKS = ['delete', 'reorder', 'tile', 'fork', 'rollback', 'second-token', 'database'] as const
export type Attack = (typeof ATTACKS)[number]

/** One party's finding. `asked` is false for who had no occasion to look. */
export type Notice = {
  readonly who: string
  readonly noticed: boolean
  readonly asked: boolean
  readonly step: string
  readonly detail: string
}

export type AttackReport = {
  readonly attack: Attack
  /** The entry that was tampered with. */
  readonly index: number
  readonly size: number
  readonly notices: readonly Notice[]
}

export type AttackRoom = {
  /** What is served of the log that was tampered with; reads nothing while there is none. */
  readonly source: TileSource
  run(attack: Attack): Promise<AttackReport>
  reset(): Promise<void>
}

type Deps = {
  readonly deployment: Deployment
  readonly log: DeploymentLog
  /** The log's folder, never written to. */
  readonly logFolder: string
  /** The folder of `ctid.db`, never written to. */
  readonly databaseFolder: string
  /** Where the copies lie. */
  readonly folder: string
  readonly clock: Clock
  readonly random: RandomBytes
}

/** A copy of the log as everybody has seen it, with a monitor and witnesses that remember it. */
type Scene = Deps & {
  readonly copy: string
  readonly forged: string
  readonly entries: readonly Uint8Array[]
  readonly signer: ReturnType<typeof noteSigner>
  readonly monitor: ReturnType<typeof createMonitor>
  /** What the monitor is shown. */
  readonly show: (source: TileSource) => void
  readonly witnesses: readonly { readonly name: string; readonly ask: ReturnType<typeof createWitness> }[]
}

export function openAttackRoom(deps: Deps): AttackRoom {
  let served: TileSource | undefined
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.catch(() => undefined).then(work)
    turn = mine
    return mine
  }
  return {
    source: { read: async (path) => served?.read(path) },
    run: (attack) =>
      inTurn(async () => {
        served = undefined
        const scene = await setUp(deps)
        const { source, report } = await DO[attack](scene)
        served = source
        return { attack, size: scene.entries.length, ...report }
      }),
    reset: () =>
      inTurn(async () => {
        served = undefined
        await rm(deps.folder, { recursive: true, force: true })
      }),
  }
}

async function setUp(deps: Deps): Promise<Scene> {
  const { log, logFolder, folder, clock } = deps
  const copy = join(folder, 'log')
  await rm(folder, { recursive: true, force: true })
  await cp(logFolder, copy, {
    recursive: true,
    filter: (path) => !basename(path).startsWith('lock') && !path.endsWith('.tmp'),
  })
  const keys = deps.deployment.keyring.log
  const signer = noteSigner(keys.origin, LOG_SIGNATURE, keys.log.reveal())
  const witnesses = await Promise.all(
    log.policy.witnesses.map(async (key, i) => {
      const memory = join(folder, `witness-${i + 1}`)
      await cp(`${logFolder}-witness-${i + 1}`, memory, { recursive: true })
      const seed = keys.witnesses[i]?.reveal() ?? new Uint8Array(32)
      const ask = createWitness({
        signer: noteSigner(key.name, COSIGNATURE, seed),
        logs: [{ origin: keys.origin, keys: [signer.key] }],
        store: await fileWitnessStore(memory),
        clock,
      })
      return { name: `witness-${i + 1}`, ask }
    }),
  )
  const honest = directorySource(copy)
  let shown: TileSource = honest
  // It trusts no witness, so that it shows what can be seen even if all of them were in the plot.
  const monitor = createMonitor({
    source: { read: (path) => shown.read(path) },
    policy: { ...log.policy, witnesses: [], threshold: 0 },
    clock,
  })
  const { size } = await monitor.poll()
  const entries: Uint8Array[] = []
  for await (const { entry } of readEntries(honest, { start: 0, end: size }, size)) entries.push(entry)
  return {
    ...deps,
    copy,
    forged: join(folder, 'forged'),
    entries,
    signer,
    monitor,
    show: (source) => {
      shown = source
    },
    witnesses,
  }
}

type Done = { readonly source: TileSource; readonly report: Pick<AttackReport, 'index' | 'notices'> }

const DO: Record<Attack, (scene: Scene) => Promise<Done>> = {
  delete: (scene) => {
    // Two new entries after it, so that the log still looks longer than before.
    const index = middle(scene)
    const kept = scene.entries.filter((_, i) => i !== index)
    return rewrite(scene, [...kept, filler(scene), filler(scene)], index)
  },
  reorder: (scene) => {
    const index = middle(scene)
    const changed = [...scene.entries]
    changed.splice(index, 2, ...changed.slice(index, index + 2).reverse())
    return rewrite(scene, [...changed, filler(scene)], index)
  },
  fork: (scene) => {
    // As long as the honest one: only whoever compares roots can tell.
    const index = scene.entries.length - 1
    return rewrite(scene, [...scene.entries.slice(0, -1), filler(scene)], index)
  },
  rollback: (scene) => {
    const left = Math.max(1, scene.entries.length - 5)
    return rewrite(scene, scene.entries.slice(0, left), left)
  },
  'second-token': secondToken,
  tile: replaceTile,
  database: changeDatabase,
}

/** The registration nearest to the middle, where nobody looks. */
const middle = ({ entries }: Scene): number => {
  const bindings = entries.flatMap((bytes, index) => (parseEntry(bytes).form === 'binding' ? [index] : []))
  return bindings[Math.floor(bindings.length / 2)] ?? 0
}

const filler = ({ clock, random }: Scene): Uint8Array => {
  const time = clock() - (clock() % 3600)
  return encodeEntry({ form: 'personal', type: 'life-cycle', time, tag: NO_TAG, commitment: random(32) })
}

// A whole new log over other entries, correctly hashed and signed with the log's own key.
async function rewrite(scene: Scene, entries: readonly Uint8Array[], index: number): Promise<Done> {
  const { forged, signer, clock } = scene
  const log = await openFileLog({ directory: forged, origin: signer.key.name, signers: [signer], clock })
  await log.append(entries)
  await log.close()
  const source = directorySource(forged)
  const answers = await askWitnesses(scene, source, join(forged, 'checkpoint'))
  return { source, report: { index, notices: [...answers, ...(await watch(scene, source))] } }
}

// The operator asks for cosignatures, with the proof that its files give; what comes back is published.
async function askWitnesses(
  { witnesses, entries, signer }: Scene,
  source: TileSource,
  file: string,
): Promise<Notice[]> {
  const note = await readFile(file, 'utf8')
  const { size } = await openCheckpoint(note, {
    origin: signer.key.name,
    logKey: signer.key,
    witnesses: [],
    threshold: 0,
  })
  const oldSize = entries.length
  const proof = oldSize < size ? await proveConsistency(source, oldSize, size) : []
  const answers = await Promise.all(
    witnesses.map(async ({ name, ask }) => ({
      name,
      ...(await ask.addCheckpoint(formatAddCheckpoint(oldSize, proof, note))),
    })),
  )
  const lines = answers.flatMap(({ status, body }) => (status === 200 ? [body] : []))
  await writeFile(file, note + lines.join(''))
  return answers.map(({ name, status }) => ({
    who: name,
    asked: true,
    noticed: status !== 200,
    step: `witness.${status}`,
    detail: `add-checkpoint: ${status}`,
  }))
}

async function watch({ monitor, show }: Scene, source: TileSource): Promise<Notice[]> {
  show(source)
  const { alarms } = await monitor.poll()
  return [noticeOf('monitor', alarms)]
}

function noticeOf(who: string, alarms: readonly Alarm[]): Notice {
  const [first] = alarms
  const place = first?.index === undefined ? '' : ` (entry ${first.index})`
  return {
    who,
    asked: true,
    noticed: first !== undefined,
    step: first ? `monitor.${first.step}` : 'monitor.none',
    detail: first ? `${first.kind}: ${first.detail}${place}` : '',
  }
}

async function secondToken(scene: Scene): Promise<Done> {
  const { copy, entries, signer, clock, random, log } = scene
  const bindings = entries.map((bytes) => parseEntry(bytes))
  const victim = bindings.find((entry): entry is BindingEntry => entry.form === 'binding')
  if (!victim) throw new Error('nobody is enrolled')
  const forged = encodeEntry({ ...victim, tokenLabel: random(32) })
  // The registry's own way to the log, which is the honest one: it checks first, and logs nothing.
  const refusal = await log.entries.append([forged]).then(
    () => '',
    (error: unknown) => (isCtidError(error) ? `${error.code}: ${error.detail ?? ''}` : 'failed'),
  )
  // The operator goes round it, and writes the log's files itself.
  const writer = await openFileLog({ directory: copy, origin: signer.key.name, signers: [signer], clock })
  await writer.append([forged])
  await writer.close()
  const source = directorySource(copy)
  const registry = {
    who: 'registry',
    asked: true,
    noticed: refusal !== '',
    step: 'registry.directory',
    detail: refusal,
  }
  const answers = await askWitnesses(scene, source, join(copy, 'checkpoint'))
  const notices = [registry, ...answers, ...(await watch(scene, source))]
  return { source, report: { index: entries.length, notices } }
}

async function replaceTile(scene: Scene): Promise<Done> {
  const { copy, clock, log, witnesses } = scene
  const index = Math.min(middle(scene), 254)
  // The hash of the entry's neighbour, in every version of the first tile that lies on the disk.
  const neighbour = index ^ 1
  const files = (await readdir(join(copy, 'tile/0'), { recursive: true })).filter((name) =>
    /^000(\.p\/\d+)?$/.test(name),
  )
  for (const name of files) {
    const path = join(copy, 'tile/0', name)
    const bytes = await readFile(path).catch(() => undefined)
    if (!bytes || bytes.length < 32 * (neighbour + 1)) continue
    bytes[32 * neighbour] = (bytes[32 * neighbour] ?? 0) ^ 1
    await writeFile(path, bytes)
  }
  const source = directorySource(copy)
  const { alarms } = await checkLog({ source, policy: log.policy, clock })
  const idle = witnesses.map(({ name }) => ({
    who: name,
    asked: false,
    noticed: false,
    step: 'witness.idle',
    detail: '',
  }))
  return { source, report: { index, notices: [...idle, noticeOf('fsck', alarms)] } }
}

// An event is deleted from the history in the database. The log has a commitment that no event of the database opens.
async function changeDatabase(scene: Scene): Promise<Done> {
  const { databaseFolder, folder, entries, copy } = scene
  const file = join(folder, 'ctid.db')
  // As a thief would: the files as they lie there, the write-ahead log included.
  for (const name of await readdir(databaseFolder)) {
    if (name.startsWith('ctid.db') && !name.endsWith('-shm'))
      await cp(join(databaseFolder, name), join(folder, name))
  }
  const store = await openStore(file)
  try {
    const before = await missingEvents(store, entries)
    const [last] = await store.rows<Row & { entry: Uint8Array; seq: number }>(
      'select entry, seq from registry_event order by at desc, seq desc limit 1',
    )
    if (!last) throw new Error('no event yet')
    await store.run('delete from registry_event where entry = $1 and seq = $2', [last.entry, last.seq])
    const missing = (await missingEvents(store, entries)).filter((index) => !before.includes(index))
    const [index] = missing
    const notice = {
      who: 'auditor',
      asked: true,
      noticed: index !== undefined,
      step: 'auditor.events',
      detail: index === undefined ? '' : `entry ${index}: no event in the database opens this commitment`,
    }
    return { source: directorySource(copy), report: { index: index ?? 0, notices: [notice] } }
  } finally {
    await store.close()
  }
}

/** Entries of steps that no event of the database opens. */
async function missingEvents(store: Store, entries: readonly Uint8Array[]): Promise<number[]> {
  const events = await store.rows<EventRow>(
    'select entry, seq, kind, state, reason, officer, at, nonce from registry_event',
  )
  const known = new Set(events.map((event) => toHex(commitmentOf(event))))
  return entries.flatMap((bytes, index) => {
    const entry = parseEntry(bytes)
    const isStep = entry.form === 'personal' && ['life-cycle', 'record-access'].includes(entry.type)
    return isStep && !known.has(toHex(entry.commitment)) ? [index] : []
  })
}
