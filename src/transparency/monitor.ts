// The monitor: follows a log, recomputes everything from its entries, and alarms on a fork, a rollback, an altered entry
// or tile, or a broken rule. With no memory it is `fsck`: one pass over the whole log.
import { type Clock, CtidError, equalBytes, fromUtf8, isCtidError } from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import { type Auditor, createAuditor, type Rule } from './auditor.ts'
import { type LogPolicy, openCheckpoint, parseCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts'
import { parseNote } from './note.ts'
import { proveConsistency, readBundles } from './prove.ts'
import { openTileWriter, type TileWriter } from './tile-writer.ts'
import { encodeBundle, parseTilePath, TILE_WIDTH, type TileSource } from './tiles.ts'
import { verifyConsistency } from './tree.ts'

/** The steps of one round, in order. */
export type MonitorStep = 'checkpoint' | 'size' | 'history' | 'tiles' | 'rules'

export type Alarm = {
  readonly step: MonitorStep
  readonly kind: 'unreadable' | 'unwitnessed' | 'rollback' | 'fork' | 'altered-entry' | 'altered-tile' | Rule
  /** The entry concerned, when there is one. */
  readonly index?: number
  readonly detail: string
  /** Two signed checkpoints that contradict each other: proof for anybody that the log's key signed two histories. */
  readonly evidence?: readonly [string, string]
}

export type MonitorReport = {
  readonly ok: boolean
  /** Size up to which everything was verified. */
  readonly size: number
  readonly newEntries: number
  readonly alarms: readonly Alarm[]
}

export type Monitor = {
  /** One round. Never throws for what the log does: that is an alarm. */
  poll(): Promise<MonitorReport>
  /** The last checkpoint that was verified: keep it, and give it back as `remembered`. */
  verified(): VerifiedCheckpoint | undefined
  readonly auditor: Auditor
}

export type MonitorOptions = {
  readonly source: TileSource
  readonly policy: LogPolicy
  /** The checkpoint note that this monitor verified before it was restarted. */
  readonly remembered?: string
  readonly clock?: Clock
  /** `any`: a log of other entries, whose tree is checked and whose entries mean nothing here. Default `ctid`. */
  readonly entries?: 'ctid' | 'any'
  /** Hears of each new entry once, when it is known to be under the signed root and before the rules are checked. */
  readonly onEntry?: (index: number, entry: Uint8Array) => void
  /** Most new entries of a round that are held in memory. Default 65,536. */
  readonly maxHeld?: number
}

/** So many new entries are held while they are checked. */
const MAX_HELD = 65_536

/**
 * A monitor. Its memory grows with the bindings of the log (about 260 bytes each), not with the entries of a round: of a
 * round that is too large to be held, each bundle is hashed and, if the signed root came out, read once more to be judged;
 * it must be the same bundle.
 */
export function createMonitor(options: MonitorOptions): Monitor {
  const {
    source,
    policy,
    remembered,
    clock,
    onEntry,
    maxHeld = MAX_HELD,
    entries: content = 'ctid',
  } = options
  const auditor = createAuditor(clock ? { clock } : {})
  // A history that was found to be the signed one; the log must not have another.
  let memory =
    remembered === undefined
      ? undefined
      : { ...parseCheckpoint(parseNote(remembered).text), note: remembered }
  let writer = openTileWriter()
  let last: VerifiedCheckpoint | undefined
  // Entries that the rules have seen: more than `last` has, when a source failed in between.
  let seen = 0

  async function round(): Promise<{ alarms: Alarm[]; newEntries: number }> {
    const checkpoint = await fetchCheckpoint(source, policy, clock)
    const before = last?.size ?? 0
    const floor = Math.max(before, memory?.size ?? 0)
    if (checkpoint.size < floor) {
      throw new Raised({
        step: 'size',
        kind: 'rollback',
        detail: `${checkpoint.size} entries after ${floor}`,
        ...evidence(checkpoint),
      })
    }
    if (checkpoint.size === before && last && !equalBytes(checkpoint.root, last.root)) {
      const detail = `two roots for ${before} entries`
      throw new Raised({ step: 'size', kind: 'fork', detail, ...evidence(checkpoint) })
    }
    // Work on a copy: what does not verify is not remembered.
    const trial = openTileWriter(writer.snapshot())
    const { bundles, alarms } = await readNew(trial, before, checkpoint)
    memory = checkpoint
    try {
      for await (const { start, entries } of again(bundles, before, checkpoint)) {
        for (const [i, entry] of entries.entries()) {
          if (start + i >= seen) alarms.push(...judge(start + i, entry))
        }
      }
    } catch (error) {
      // What was judged is not judged again: its alarms are these. The rest is for the next round.
      return { alarms: [...alarms, asAlarm(error)], newEntries: 0 }
    }
    writer = trial
    last = checkpoint
    return { alarms, newEntries: checkpoint.size - before }
  }

  function judge(index: number, entry: Uint8Array): Alarm[] {
    seen = index + 1
    onEntry?.(index, entry)
    if (content === 'any') return []
    const { findings } = auditor.see(index, entry)
    return findings.map(({ rule, index, detail }) => ({ step: 'rules', kind: rule, index, detail }))
  }

  // What was seen before, and what contradicts it.
  function evidence({ note }: VerifiedCheckpoint): Pick<Alarm, 'evidence'> {
    return memory === undefined ? {} : { evidence: [memory.note, note] }
  }

  async function readNew(
    trial: TileWriter,
    start: number,
    checkpoint: VerifiedCheckpoint,
  ): Promise<{ bundles: Read[]; alarms: Alarm[] }> {
    const bundles: Read[] = []
    const alarms: Alarm[] = []
    const isHeld = checkpoint.size - start <= maxHeld
    const compareMemory = () => {
      if (memory && trial.size() === memory.size && !equalBytes(trial.root(), memory.root)) {
        throw new Raised({
          step: 'history',
          kind: 'fork',
          detail: `not the ${memory.size} entries seen before`,
          ...evidence(checkpoint),
        })
      }
    }
    compareMemory()
    const range = { start, end: checkpoint.size }
    for await (const { start, entries } of readBundles(source, range, checkpoint.size)) {
      // What was remembered may end inside a bundle.
      const cut = Math.min(Math.max(0, (memory?.size ?? 0) - start), entries.length)
      for (const part of [entries.slice(0, cut), entries.slice(cut)]) {
        trial.addBundle(encodeBundle(part))
        compareMemory()
      }
      alarms.push(...(await checkTiles(source, trial.takeFull())))
      bundles.push(isHeld ? { start, entries } : digestOf(entries))
    }
    if (!equalBytes(trial.root(), checkpoint.root)) throw await explain(checkpoint)
    alarms.push(...(await checkTiles(source, trial.takeFiles())))
    return { bundles, alarms }
  }

  // The entries that were hashed: those held, or else read once more and found to be the same.
  async function* again(bundles: readonly Read[], start: number, { size }: VerifiedCheckpoint) {
    if (!bundles.some((read) => read instanceof Uint8Array)) {
      yield* bundles as readonly Bundle[]
      return
    }
    let next = 0
    for await (const bundle of readBundles(source, { start, end: size }, size)) {
      if (!equalBytes(digestOf(bundle.entries), bundles[next++] as Uint8Array)) {
        const detail = `the entries from ${bundle.start} on were others a moment ago`
        throw new Raised({ step: 'history', kind: 'altered-entry', detail })
      }
      yield bundle
    }
  }

  // Old entries plus new do not give the signed root. If the tree grew consistently, the entries served are not the
  // ones signed; else the log signed another history.
  async function explain(checkpoint: VerifiedCheckpoint): Promise<Raised> {
    const past = memory
    const grew = past !== undefined && past.size > 0 && (await isGrowth(source, past, checkpoint))
    return past === undefined || past.size === 0 || grew
      ? new Raised({
          step: 'history',
          kind: 'altered-entry',
          detail: 'the entries do not give the signed root',
        })
      : new Raised({
          step: 'history',
          kind: 'fork',
          detail: `does not extend the ${past.size} entries seen before`,
          ...evidence(checkpoint),
        })
  }

  return {
    auditor,
    verified: () => last,
    async poll() {
      try {
        const { alarms, newEntries } = await round()
        return { ok: alarms.length === 0, size: last?.size ?? 0, newEntries, alarms }
      } catch (error) {
        return { ok: false, size: last?.size ?? 0, newEntries: 0, alarms: [asAlarm(error)] }
      }
    },
  }
}

/** Everything at once: one pass of a monitor without memory over a whole log. */
export async function checkLog(options: MonitorOptions): Promise<MonitorReport> {
  return createMonitor(options).poll()
}

type Bundle = { readonly start: number; readonly entries: readonly Uint8Array[] }
// A bundle as it was read: itself, or its hash.
type Read = Bundle | Uint8Array

function digestOf(entries: readonly Uint8Array[]): Uint8Array {
  return sha256(encodeBundle(entries))
}

class Raised extends Error {
  readonly alarm: Alarm
  constructor(alarm: Alarm) {
    super(alarm.kind)
    this.alarm = alarm
  }
}

function asAlarm(error: unknown): Alarm {
  if (error instanceof Raised) return error.alarm
  const detail = isCtidError(error) ? error.message : 'the source failed'
  const witnesses = isCtidError(error) && error.code === 'ERR_LOG_WITNESSES'
  const tile = isCtidError(error) && error.code === 'ERR_LOG_TILE'
  if (tile) return { step: 'history', kind: 'unreadable', detail }
  return { step: 'checkpoint', kind: witnesses ? 'unwitnessed' : 'unreadable', detail }
}

async function fetchCheckpoint(
  source: TileSource,
  policy: LogPolicy,
  clock: Clock | undefined,
): Promise<VerifiedCheckpoint> {
  const note = await source.read('checkpoint').catch((error: unknown) => {
    const detail = isCtidError(error) ? error.message : 'the source failed'
    throw new Raised({ step: 'checkpoint', kind: 'unreadable', detail })
  })
  if (note === undefined) throw new CtidError('ERR_LOG_CHECKPOINT', { detail: 'missing' })
  return openCheckpoint(fromUtf8(note), policy, clock)
}

async function isGrowth(
  source: TileSource,
  past: { size: number; root: Uint8Array },
  { size, root }: VerifiedCheckpoint,
): Promise<boolean> {
  try {
    const proof = await proveConsistency(source, past.size, size)
    return verifyConsistency(proof, { oldSize: past.size, size, oldRoot: past.root, root })
  } catch {
    return false
  }
}

async function checkTiles(source: TileSource, files: ReadonlyMap<string, Uint8Array>): Promise<Alarm[]> {
  const alarms: Alarm[] = []
  for (const [path, expected] of files) {
    const actual = await source.read(path)
    // A partial tile may be gone once the full one is there.
    const gone = actual === undefined && parseTilePath(path)?.width !== TILE_WIDTH
    if (gone || (actual && equalBytes(actual, expected))) continue
    alarms.push({ step: 'tiles', kind: 'altered-tile', detail: path })
  }
  return alarms
}
