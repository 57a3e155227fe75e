// What one worker of a bulk enrolment does with a block of lines: read the documents, derive their anchors with the
// evaluators, and, where the registry is on the same machine, make the registry's drafts. No database, no file.
import {
  type Clock,
  CtidError,
  type ErrorCode,
  isCtidError,
  type JsonObject,
  type RandomBytes,
} from '../base/index.ts'
import type { Group, Point, Scalar } from '../crypto/index.ts'
import { canonicalIdentity, type LegalRecord, parseLegalRecord } from '../identity/index.ts'
import {
  type Application,
  type Draft,
  type Drafting,
  draftEnrolment,
  importRegistryKeys,
  type KeyRow,
  localVault,
  secret,
} from '../registry/index.ts'
import {
  type Canary,
  deriveAnchors,
  deriveAnchorsSampled,
  type Evaluator,
  type EvaluatorKeySet,
  type Fault,
  httpEvaluator,
  localEvaluator,
  MAX_BATCH,
  parseKeySet,
} from '../token/index.ts'
import { linesOf } from './bulk-lines.ts'
import { type BulkFormat, parseLine } from './bulk-parse.ts'

/** How a worker reaches the evaluators: with their shares on one machine, else over HTTP as the registrar. */
export type EvaluatorAccess =
  | {
      readonly kind: 'shares'
      readonly shares: readonly {
        readonly id: number
        readonly secret: Uint8Array
        readonly publicKey: Uint8Array
      }[]
    }
  | {
      readonly kind: 'urls'
      readonly caller: string
      /** See `CallTarget`. */
      readonly plainHttp?: boolean
      readonly urls: readonly { readonly id: number; readonly url: string; readonly secret: Uint8Array }[]
    }

/** The registry's half, only where the registrar's machine is the registry's too. Secret. */
export type RegistryHalf = {
  /** From `exportRegistryKeys`. */
  readonly keys: string
  readonly vault: readonly Uint8Array[]
  /** Whether the registry has a log. */
  readonly logs: boolean
}

/** One key of the evaluators, and how they are reached. */
export type KeyAccess = { readonly keySet: JsonObject; readonly evaluators: EvaluatorAccess }

/** Everything a worker is started with; survives structured cloning. */
export type WorkerSetting = KeyAccess & {
  /** While the evaluators' key is rotated: the former key, whose anchors the registry needs as well. */
  readonly former?: KeyAccess
  readonly registry?: RegistryHalf
  readonly officer: string
  /** `all`: a proof for each batch, verified. `sampled`: one batch in `proveOneIn`, and canaries in each. */
  readonly prove: 'all' | 'sampled'
  /** Default 8. */
  readonly proveOneIn?: number
  /** Invented identities in each batch. Default 2. */
  readonly canaries?: number
}

export type BlockJob = {
  readonly bytes: Uint8Array
  readonly firstLine: number
  readonly format: BulkFormat
  /** The first line is the header. */
  readonly hasHeader: boolean
  /** The registry's key states; needed with {@link WorkerSetting.registry}. */
  readonly ring?: readonly KeyRow[]
}

export type BlockAnswer = {
  /** Line numbers of the accepted documents, in order; as long as `drafts` or `applications`. */
  readonly lines: readonly number[]
  /** With the registry's half. */
  readonly drafts: readonly Draft[]
  /** Without it: what the registry is to be given. */
  readonly applications: readonly Application[]
  readonly rejected: readonly { readonly line: number; readonly code: ErrorCode }[]
  readonly faults: readonly Fault[]
}

export type BlockWorker = {
  /** Derives invented identities until `seconds` have passed: WebAssembly is compiled anew while it runs hot. */
  warm(seconds: number): Promise<void>
  run(job: BlockJob): Promise<BlockAnswer>
}

export type BlockWorkerDeps = {
  readonly group: Group
  readonly random: RandomBytes
  readonly clock: Clock
}

type Read = { readonly line: number; readonly record: LegalRecord; readonly id: Uint8Array }

/** Opens a worker. Its canaries are derived here, with proofs, before any person is. */
export async function openBlockWorker(setting: WorkerSetting, deps: BlockWorkerDeps): Promise<BlockWorker> {
  const { random, clock } = deps
  const { keySet, derive } = await openDeriver(setting, setting, deps)
  const former = setting.former && (await openDeriver(setting.former, setting, deps))
  const drafting = setting.registry && draftingOf(setting.registry, deps)

  return {
    async warm(seconds) {
      const start = performance.now()
      while (performance.now() - start < seconds * 1000) {
        await derive(Array.from({ length: 32 }, () => random(32)))
      }
    },
    async run(job) {
      const { read, rejected } = readBlock(job, clock())
      if (read.length === 0) return { lines: [], drafts: [], applications: [], rejected, faults: [] }
      const ids = read.map(({ id }) => id)
      const present = await derive(ids)
      const old = await former?.derive(ids)
      const faults = [...present.faults, ...(old?.faults ?? [])]
      const applications = read.map(({ record }, i) => ({
        anchor: present.anchors[i] as Point,
        anchorVersion: keySet.version,
        ...(old ? { formerAnchor: old.anchors[i] as Point } : {}),
        record,
        officer: setting.officer,
      }))
      const lines = read.map(({ line }) => line)
      if (!drafting) return { lines, drafts: [], applications, rejected, faults }
      const { ring } = job
      if (!ring) throw new CtidError('ERR_REGISTRY_KEYS')
      const desk = { ...drafting, ring }
      const drafts = await Promise.all(applications.map((application) => draftEnrolment(desk, application)))
      return { lines, drafts: drafts.map(compact), applications: [], rejected, faults }
    },
  }
}

// Canaries and the draw of batches to prove are of each key separately.
async function openDeriver(access: KeyAccess, setting: WorkerSetting, deps: BlockWorkerDeps) {
  const { group, random } = deps
  const keySet = parseKeySet(access.keySet, group)
  const evaluators = evaluatorsOf(access.evaluators, keySet, deps)
  const base = { evaluators, keySet, group, random, timeoutSeconds: 60 }
  const canaries = await drawCanaries(setting.prove === 'all' ? 0 : (setting.canaries ?? 2), base)
  const sampled = {
    ...base,
    canaries,
    ...(setting.proveOneIn === undefined ? {} : { proveOneIn: setting.proveOneIn }),
  }
  const derive = (ids: readonly Uint8Array[]) =>
    setting.prove === 'all' ? deriveAnchors(ids, base) : deriveAnchorsSampled(ids, sampled)
  return { keySet, derive }
}

function readBlock(job: BlockJob, now: number): { read: Read[]; rejected: BlockAnswer['rejected'] } {
  const read: Read[] = []
  const rejected: { line: number; code: ErrorCode }[] = []
  for (const [i, bytes] of linesOf(job).entries()) {
    if (i === 0 && job.hasHeader) continue
    const line = job.firstLine + i
    try {
      const document = parseLine(bytes, job.format)
      if (document === undefined) continue
      const record = parseLegalRecord(document, { now })
      read.push({ line, record, id: canonicalIdentity(record) })
    } catch (error) {
      if (!isCtidError(error)) throw error
      rejected.push({ line, code: error.code })
    }
  }
  return { read, rejected }
}

function evaluatorsOf(access: EvaluatorAccess, keySet: EvaluatorKeySet, deps: BlockWorkerDeps): Evaluator[] {
  const { group, random, clock } = deps
  if (access.kind === 'shares') {
    return access.shares.map(({ id, secret: share, publicKey }) =>
      localEvaluator({ id, secret: share as Scalar, publicKey: publicKey as Point }, { group, random }),
    )
  }
  return access.urls.map(({ id, url, secret: shared }) => {
    const credential = { caller: access.caller, secret: shared }
    const { plainHttp = false } = access
    return httpEvaluator({ id, url, keySet, credential, group, now: clock, random, plainHttp })
  })
}

async function drawCanaries(
  count: number,
  options: Parameters<typeof deriveAnchors>[1] & { readonly random: RandomBytes },
): Promise<Canary[]> {
  if (count === 0) return []
  const ids = Array.from({ length: Math.min(count, MAX_BATCH / 4) }, () => options.random(32))
  const { anchors } = await deriveAnchors(ids, options)
  return ids.map((id, i) => ({ id, anchor: anchors[i] as Point }))
}

function draftingOf(half: RegistryHalf, deps: BlockWorkerDeps): Omit<Drafting, 'ring'> {
  const { group, random, clock } = deps
  const keys = importRegistryKeys(half.keys, group)
  const vault = localVault(half.vault.map(secret), { random })
  return { keys, vault, group, random, clock, ...(half.logs ? { log: true } : {}) }
}

// A view takes its whole buffer along to the other thread, and Node cuts small results from shared ones of 8 KiB.
function compact<T>(value: T): T {
  if (value instanceof Uint8Array) {
    return value.byteLength === value.buffer.byteLength ? value : (Uint8Array.from(value) as T)
  }
  if (Array.isArray(value)) return value.map(compact) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, compact(member)])) as T
}
