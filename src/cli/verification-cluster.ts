// Several processes behind one port: the primary keeps what they share, which is the memory of used codes and the counts.
import cluster, { type Worker } from 'node:cluster'
import { CtidError, isCtidError } from '../base/index.ts'
import { sumCounts, type VerifierCounts } from '../http/index.ts'
import type { ReplayCache } from '../verifier/index.ts'

type ToPrimary =
  | { readonly kind: 'consume'; readonly id: number; readonly keys: readonly (readonly [string, number])[] }
  | { readonly kind: 'counts'; readonly id: number }
  | { readonly kind: 'own-counts'; readonly id: number; readonly counts: VerifierCounts }
  | { readonly kind: 'ready'; readonly url: string; readonly port: number }

type ToWorker =
  | { readonly kind: 'consumed'; readonly id: number; readonly results: readonly Consumed[] }
  | { readonly kind: 'counts'; readonly id: number; readonly counts: VerifierCounts }
  | { readonly kind: 'give-counts'; readonly id: number }
  | { readonly kind: 'stop' }

type Consumed = 'first' | 'used' | 'full'

const COUNTS_MILLISECONDS = 500
const RESTART_MILLISECONDS = 1000

export type PrimaryOptions = {
  readonly workers: number
  readonly replay: ReplayCache
  onReady(address: { readonly url: string; readonly port: number }): void
  onRestart(): void
}

export type Primary = { stop(): Promise<void> }

/** Primary: starts the workers, answers their questions, starts another one for each that dies. */
export function startPrimary(options: PrimaryOptions): Primary {
  const { workers: count, replay } = options
  const workers = new Map<number, Worker>()
  const asked = new Map<number, { counts: VerifierCounts[]; missing: number; answer: () => void }>()
  let nextId = 0
  const ready = new Set<number>()
  let announced = false
  let stopping = false

  const send = (worker: Worker, message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message)
  }
  const collect = (): Promise<VerifierCounts> =>
    new Promise((resolve) => {
      const id = nextId++
      const answer = () => {
        const found = asked.get(id)
        if (!asked.delete(id) || !found) return
        clearTimeout(timer)
        resolve(sumCounts(found.counts))
      }
      // A worker that is busy or dying must not hide the others' counts.
      const timer = setTimeout(answer, COUNTS_MILLISECONDS)
      asked.set(id, { counts: [], missing: workers.size, answer })
      for (const worker of workers.values()) send(worker, { kind: 'give-counts', id })
    })
  const hear = async (worker: Worker, message: ToPrimary): Promise<void> => {
    if (message.kind === 'consume') {
      const results = await Promise.all(message.keys.map(([key, until]) => consume(replay, key, until)))
      send(worker, { kind: 'consumed', id: message.id, results })
    } else if (message.kind === 'counts') {
      send(worker, { kind: 'counts', id: message.id, counts: await collect() })
    } else if (message.kind === 'own-counts') {
      const found = asked.get(message.id)
      found?.counts.push(message.counts)
      if (found && --found.missing <= 0) found.answer()
    } else {
      ready.add(worker.id)
      if (announced || ready.size < count) return
      announced = true
      options.onReady({ url: message.url, port: message.port })
    }
  }
  const start = (): void => {
    const worker = cluster.fork()
    const begun = performance.now()
    workers.set(worker.id, worker)
    worker.on('message', (message: ToPrimary) => void hear(worker, message))
    worker.on('exit', () => {
      workers.delete(worker.id)
      ready.delete(worker.id)
      if (stopping) return
      options.onRestart()
      // One that dies at once would die again at once.
      const wait = performance.now() - begun < RESTART_MILLISECONDS ? RESTART_MILLISECONDS : 0
      setTimeout(() => !stopping && start(), wait)
    })
  }
  for (let i = 0; i < count; i++) start()
  return {
    async stop() {
      stopping = true
      const ends = [...workers.values()].map(
        (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
      )
      for (const worker of workers.values()) {
        // One that is still starting has nothing to finish, and would not hear.
        if (ready.has(worker.id)) send(worker, { kind: 'stop' })
        else worker.process.kill('SIGKILL')
      }
      await Promise.all(ends)
    },
  }
}

async function consume(replay: ReplayCache, key: string, until: number): Promise<Consumed> {
  try {
    return (await replay.consume(key, until)) ? 'first' : 'used'
  } catch (error) {
    if (isCtidError(error)) return 'full'
    throw error
  }
}

export type WorkerLink = {
  /** The primary's memory of used codes. Questions of one turn of the event loop travel as one message. */
  readonly replay: ReplayCache
  /** Counts of all workers together. */
  allCounts(): Promise<VerifierCounts>
  ready(address: { readonly url: string; readonly port: number }): void
  /** Resolves when the primary asks to stop, or is gone. */
  untilStopped(): Promise<void>
}

/** Worker: its line to the primary. `ownCounts` answers the primary's question. */
export function linkToPrimary(ownCounts: () => VerifierCounts): WorkerLink {
  const waiting = new Map<number, (message: ToWorker) => void>()
  let nextId = 0
  let batch: { keys: [string, number][]; answers: ((result: Consumed) => void)[] } | undefined
  let stop = (): void => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  const send = (message: ToPrimary): void => void process.send?.(message)
  process.on('disconnect', () => stop())
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') stop()
    else if (message.kind === 'give-counts') send({ kind: 'own-counts', id: message.id, counts: ownCounts() })
    else {
      waiting.get(message.id)?.(message)
      waiting.delete(message.id)
    }
  })
  const flush = (): void => {
    const sent = batch
    batch = undefined
    if (!sent) return
    const id = nextId++
    waiting.set(id, (message) => {
      if (message.kind !== 'consumed') return
      for (const [i, answer] of sent.answers.entries()) answer(message.results[i] ?? 'full')
    })
    send({ kind: 'consume', id, keys: sent.keys })
  }
  return {
    replay: {
      consume: (key, expiresAt) =>
        new Promise((resolve, reject) => {
          if (!batch) {
            batch = { keys: [], answers: [] }
            setImmediate(flush)
          }
          batch.keys.push([key, expiresAt])
          batch.answers.push((result) => {
            if (result === 'full') reject(new CtidError('ERR_VERIFIER_REPLAY_FULL'))
            else resolve(result === 'first')
          })
        }),
    },
    allCounts: () =>
      new Promise((resolve) => {
        const id = nextId++
        waiting.set(id, (message) => message.kind === 'counts' && resolve(message.counts))
        send({ kind: 'counts', id })
      }),
    ready: (address) => send({ kind: 'ready', ...address }),
    untilStopped: () => stopped,
  }
}
