// Bulk enrolment: a file of documents through worker threads into the registry, in bounded memory, resumable at any moment.
import { CtidError, type ErrorCode, isCtidError } from '../base/index.ts'
import type { Draft, Enrolment, Registry } from '../registry/index.ts'
import type { Fault } from '../token/index.ts'
import type { BlockAnswer } from './bulk-derive.ts'
import type { BulkCounts, BulkJournal, Checkpoint, Rejected } from './bulk-journal.ts'
import { type LineBlock, lineBlocks, linesOf } from './bulk-lines.ts'
import { type BulkFormat, formatOf } from './bulk-parse.ts'
import type { BulkPool } from './bulk-pool.ts'

export type BulkSource = {
  /** The file's bytes from `offset`. */
  read(offset: number): AsyncIterable<Uint8Array>
  /** Bytes in all, if known: then the remaining time is. */
  readonly size?: number
}

export type BulkEvent =
  | { readonly type: 'resumed'; readonly line: number }
  | { readonly type: 'rejected'; readonly line: number; readonly code: ErrorCode }
  | { readonly type: 'fault'; readonly fault: Fault }
  | ({ readonly type: 'progress'; readonly line: number } & BulkCounts & BulkPace)

export type BulkPace = {
  /** Lines a second, over the last ten seconds or so. */
  readonly rate: number
  readonly remainingSeconds?: number
}

export type BulkDeps = {
  readonly pool: BulkPool
  readonly registry: Pick<Registry, 'enrolDrafts' | 'enrolMany'>
  readonly journal: BulkJournal
  readonly onEvent?: (event: BulkEvent) => void
  /** Stops reading when aborted; what was read is finished and recorded. */
  readonly signal?: AbortSignal
}

export type BulkOptions = {
  /** The workers make the registry's drafts; without it the registry makes them from anchor and record. */
  readonly drafts: boolean
  /** A lie ends the run, because batches before it may be unproved. */
  readonly sampled: boolean
  /** Lines in a block, which is one batch and one transaction. Default 500. */
  readonly blockSize?: number
}

export type BulkSummary = BulkCounts & { readonly lines: number; readonly finished: boolean }

type Done = { readonly block: LineBlock; readonly counts: BulkCounts; readonly rejected: Rejected[] }

/**
 * Registrar: enrols every document of a file. A block is enrolled in one transaction, then its rejected lines are set
 * aside, then the checkpoint moves; after a kill whatever the checkpoint does not cover is done again, which finds the
 * people `existing`. At most two blocks a worker are in memory.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_HEADER`, `ERR_REGISTRAR_BULK_LIE`, `ERR_TOKEN_QUORUM`, store errors: all of them
 * leave a checkpoint to go on from
 */
export async function enrolBulk(
  source: BulkSource,
  deps: BulkDeps,
  options: BulkOptions,
): Promise<BulkSummary> {
  const { pool, journal, onEvent = () => {}, signal } = deps
  const { blockSize = 500 } = options
  const begun = await journal.resume()
  if (begun) onEvent({ type: 'resumed', line: begun.line })
  const progress = tracker(source, deps, begun)
  const running = new Set<Promise<void>>()
  let format = begun?.format
  let failure: unknown

  const start = { offset: begun?.offset ?? 0, line: begun?.line ?? 1 }
  for await (const block of lineBlocks(source.read(start.offset), { size: blockSize, start })) {
    const known: BulkFormat = format ?? formatOf(linesOf(block))
    format = known
    const one = enrolBlock(block, known, deps, options)
      .then((done) => progress.finished(done, known))
      .catch((error) => {
        failure ??= error
      })
      .finally(() => running.delete(one))
    running.add(one)
    // The back pressure: nothing more is read while every worker has one block in hand and one waiting.
    while (running.size >= pool.workers * 2) await Promise.race(running)
    if (failure || signal?.aborted) break
  }
  await Promise.all(running)
  if (failure) throw failure
  const finished = signal?.aborted !== true
  if (finished) await journal.finish()
  return { ...progress.counts(), lines: progress.line() - 1, finished }
}

async function enrolBlock(
  block: LineBlock,
  format: BulkFormat,
  deps: BulkDeps,
  options: BulkOptions,
): Promise<Done> {
  const { pool, registry, onEvent = () => {} } = deps
  const job = {
    bytes: block.bytes,
    firstLine: block.firstLine,
    format,
    hasHeader: block.firstLine === 1 && format.kind === 'csv',
  }
  let answer: BlockAnswer | undefined
  const work = async (more: object): Promise<BlockAnswer> => {
    answer = await pool.run({ ...job, ...more })
    for (const fault of answer.faults) onEvent({ type: 'fault', fault })
    const liar = answer.faults.find(({ reason }) => reason === 'wrong-proof')
    if (options.sampled && liar) {
      throw new CtidError('ERR_REGISTRAR_BULK_LIE', { detail: `evaluator ${liar.evaluator}` })
    }
    return answer
  }
  let enrolments: readonly Enrolment[]
  const rejected: Rejected[] = []
  try {
    enrolments = options.drafts
      ? await registry.enrolDrafts(async (ring) => (await work({ ring })).drafts)
      : await registry.enrolMany((await work({})).applications)
  } catch (error) {
    // One person's conflict must not keep the others of the block out.
    if (!answer || !isConflict(error)) throw error
    enrolments = await enrolSingly(answer, registry, rejected)
  }
  rejected.push(...(answer?.rejected ?? []))
  const created = enrolments.filter(({ status }) => status === 'created').length
  const counts = { created, existing: enrolments.length - created, rejected: rejected.length }
  return { block, counts, rejected: rejected.sort((a, b) => a.line - b.line) }
}

async function enrolSingly(
  { lines, drafts, applications }: BlockAnswer,
  registry: BulkDeps['registry'],
  rejected: Rejected[],
): Promise<Enrolment[]> {
  const enrolments: Enrolment[] = []
  for (const [i, line] of lines.entries()) {
    const draft: Draft | undefined = drafts[i]
    const application = applications[i]
    try {
      if (draft) enrolments.push(...(await registry.enrolDrafts(async () => [draft])))
      else if (application) enrolments.push(...(await registry.enrolMany([application])))
    } catch (error) {
      if (!isConflict(error)) throw error
      rejected.push({ line, code: error.code })
    }
  }
  return enrolments
}

function isConflict(error: unknown): error is CtidError {
  return (
    isCtidError(error) && (error.code === 'ERR_REGISTRY_CONFLICT' || error.code === 'ERR_REGISTRY_RECORD')
  )
}

// Blocks end in any order; the checkpoint moves only over those without a gap before them, one record at a time.
function tracker(source: BulkSource, deps: BulkDeps, begun: Checkpoint | undefined) {
  const { journal, onEvent = () => {} } = deps
  const ended = new Map<number, Done>()
  let next = 0
  let state = {
    offset: begun?.offset ?? 0,
    line: begun?.line ?? 1,
    created: begun?.created ?? 0,
    existing: begun?.existing ?? 0,
    rejected: begun?.rejected ?? 0,
  }
  const pace = pacer(source.size, state)
  let writing: Promise<void> = Promise.resolve()

  const advance = async (format: BulkFormat): Promise<void> => {
    const set: Uint8Array[] = []
    const reported: Rejected[] = []
    for (let done = ended.get(next); done; done = ended.get(next)) {
      ended.delete(next++)
      const { block, counts, rejected } = done
      if (rejected.length > 0) {
        const lines = linesOf(block)
        if (format.kind === 'csv' && state.rejected === 0 && set.length === 0) {
          set.push(Buffer.from(format.columns.join(',')))
        }
        for (const { line } of rejected) set.push(lines[line - block.firstLine] as Uint8Array)
        reported.push(...rejected)
      }
      state = {
        offset: block.end,
        line: block.firstLine + block.lines,
        created: state.created + counts.created,
        existing: state.existing + counts.existing,
        rejected: state.rejected + counts.rejected,
      }
    }
    const { offset, line, ...counts } = state
    await journal.record({ offset, line, ...counts, format }, { lines: set, reasons: reported })
    for (const one of reported) onEvent({ type: 'rejected', ...one })
    onEvent({ type: 'progress', line, ...counts, ...pace({ offset, line }) })
  }
  return {
    finished(done: Done, format: BulkFormat): Promise<void> {
      ended.set(done.block.index, done)
      writing = writing.then(() => (ended.has(next) ? advance(format) : undefined))
      return writing
    },
    counts: (): BulkCounts => {
      const { created, existing, rejected } = state
      return { created, existing, rejected }
    },
    line: () => state.line,
  }
}

type Position = { readonly offset: number; readonly line: number }

function pacer(size: number | undefined, begun: Position): (now: Position) => BulkPace {
  const WINDOW = 10_000
  let points = [{ at: performance.now(), ...begun }]
  return (position) => {
    const at = performance.now()
    points.push({ at, ...position })
    const inWindow = points.findIndex((point) => at - point.at <= WINDOW)
    points = points.slice(Math.max(0, inWindow - 1))
    const [oldest] = points
    const seconds = Math.max(1e-3, (at - (oldest?.at ?? at)) / 1000)
    const rate = (position.line - (oldest?.line ?? position.line)) / seconds
    const bytes = (position.offset - (oldest?.offset ?? position.offset)) / seconds
    if (size === undefined || bytes === 0) return { rate }
    return { rate, remainingSeconds: Math.max(0, size - position.offset) / bytes }
  }
}
