// The threads of a bulk enrolment: started together, warm before they count, each with work in hand and work waiting.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { CtidError, type ErrorCode } from '../base/index.ts'
import type { BlockAnswer, BlockJob, WorkerSetting } from './bulk-derive.ts'

/** @internal */
export type WorkerStart = { readonly setting: WorkerSetting; readonly warmSeconds: number }

type Failure = { readonly code: ErrorCode; readonly detail?: string }

/** @internal */
export type WorkerMessage =
  | { readonly ready: true }
  | { readonly ready: false; readonly failure: Failure }
  | { readonly id: number; readonly answer: BlockAnswer }
  | { readonly id: number; readonly failure: Failure }

export type BulkPool = {
  readonly workers: number
  run(job: BlockJob): Promise<BlockAnswer>
  close(): Promise<void>
}

export type BulkPoolOptions = {
  readonly workers: number
  /** How long each thread works on invented identities before it counts. Default 1. */
  readonly warmSeconds?: number
}

type Waiting = {
  readonly resolve: (answer: BlockAnswer) => void
  readonly reject: (error: CtidError) => void
}
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting>; ended?: CtidError }

/**
 * Starts threads and resolves when all are warm.
 *
 * @throws {CtidError} what stopped a thread from starting (`ERR_TOKEN_QUORUM` …), or `ERR_REGISTRAR_WORKER`
 */
export async function openBulkPool(setting: WorkerSetting, options: BulkPoolOptions): Promise<BulkPool> {
  const { workers: count, warmSeconds = 1 } = options
  const starts = await Promise.allSettled(
    Array.from({ length: count }, () => startThread({ setting, warmSeconds })),
  )
  const threads = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const close = async () => {
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }
  const failed = starts.find((start) => start.status === 'rejected')
  if (failed) {
    await close()
    throw failed.reason
  }
  let nextId = 0
  return {
    workers: count,
    run: (job) =>
      new Promise((resolve, reject) => {
        const id = nextId++
        const idlest = threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a))
        if (idlest.ended) {
          reject(idlest.ended)
          return
        }
        idlest.waiting.set(id, { resolve, reject })
        idlest.worker.postMessage({ id, job })
      }),
    close,
  }
}

function startThread(start: WorkerStart): Promise<Thread> {
  return new Promise((resolve, reject) => {
    const worker = newWorker(start)
    const waiting = new Map<number, Waiting>()
    const thread: Thread = { worker, waiting }
    const ended = (cause: unknown) => {
      const error = new CtidError('ERR_REGISTRAR_WORKER', { cause })
      // Whoever asks it later must hear so too, not wait.
      thread.ended = error
      for (const { reject: refuse } of waiting.values()) refuse(error)
      waiting.clear()
      reject(error)
    }
    worker.on('error', ended)
    worker.on('exit', ended)
    worker.on('message', (message: WorkerMessage) => {
      if ('ready' in message) {
        if (message.ready) resolve(thread)
        else reject(errorOf(message.failure))
        return
      }
      const asked = waiting.get(message.id)
      waiting.delete(message.id)
      if ('answer' in message) asked?.resolve(message.answer)
      else asked?.reject(errorOf(message.failure))
    })
  })
}

function errorOf({ code, detail }: Failure): CtidError {
  return new CtidError(code, detail === undefined ? {} : { detail })
}

// Built, the thread is a file of its own. From source (tests, development) it first needs a loader for TypeScript, which
// threads do not inherit.
function newWorker(start: WorkerStart): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./bulk-worker.js', import.meta.url), { workerData: start })
  }
  const tsx = createRequire(import.meta.url).resolve('tsx/package.json')
  const loader = pathToFileURL(join(dirname(tsx), 'dist/esm/api/index.mjs')).href
  const worker = new URL('./bulk-worker.ts', import.meta.url).href
  const source = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(worker)}) })`
  return new Worker(source, { eval: true, workerData: start })
}
