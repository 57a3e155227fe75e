// The thread of a bulk enrolment: opens its half of the work, warms it up, then answers block after block.
import { parentPort, workerData } from 'node:worker_threads'
import { isCtidError, systemClock, systemRandom } from '../base/index.ts'
import { loadSodiumGroup } from '../crypto/index.ts'
import { type BlockJob, openBlockWorker } from './bulk-derive.ts'
import type { WorkerMessage, WorkerStart } from './bulk-pool.ts'

const { setting, warmSeconds } = workerData as WorkerStart
const post = (message: WorkerMessage): void => parentPort?.postMessage(message)

const failure = (error: unknown) =>
  isCtidError(error)
    ? { code: error.code, ...(error.detail === undefined ? {} : { detail: error.detail }) }
    : { code: 'ERR_REGISTRAR_WORKER' as const }

try {
  const group = await loadSodiumGroup()
  const worker = await openBlockWorker(setting, { group, random: systemRandom, clock: systemClock })
  await worker.warm(warmSeconds)
  parentPort?.on('message', ({ id, job }: { id: number; job: BlockJob }) => {
    worker.run(job).then(
      (answer) => post({ id, answer }),
      (error) => post({ id, failure: failure(error) }),
    )
  })
  post({ ready: true })
} catch (error) {
  post({ ready: false, failure: failure(error) })
}
