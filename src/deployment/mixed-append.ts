// Copies of several holders logged together, in random order: a receipt shows its checkpoint and its place, and those of copies
// that were logged by themselves, one behind the other, would let two verifiers join them.
import { type RandomBytes, shuffle } from '../base/index.ts'
import type { Receipt, RegistryLog } from '../transparency/index.ts'

export type MixOptions = {
  /** How long a round stays open for other holders' copies. 0: what comes in the same turn only. */
  readonly seconds: number
  readonly random: RandomBytes
  /** Resolves when a round has been open long enough. Default: a timer. */
  readonly wait?: (seconds: number) => Promise<void>
}

/** Most entries of a round: it closes early, so that neither memory nor one call to the log grows without bound. */
const MAX_ROUND = 8192

type Round = { readonly entries: Uint8Array[]; readonly receipts: Promise<readonly Receipt[]>; close(): void }

/**
 * The log's `append`, for entries of which nobody may see whose they are. Whoever calls while a round is open is logged with it.
 * Each call is answered in its own order when the round is logged; when the log refuses the round, every call of it is refused.
 */
export function mixedAppend(log: Pick<RegistryLog, 'append'>, options: MixOptions): RegistryLog['append'] {
  const { seconds, random, wait = timer } = options
  let open: Round | undefined

  function begin(): Round {
    const entries: Uint8Array[] = []
    let close = (): void => {}
    const isFull = new Promise<void>((resolve) => {
      close = resolve
    })
    const receipts = Promise.race([wait(seconds), isFull]).then(async () => {
      if (open === round) open = undefined
      const order = shuffle([...entries.keys()], random)
      const logged = await log.append(order.map((i) => entries[i] as Uint8Array))
      const sorted: Receipt[] = []
      for (const [at, i] of order.entries()) sorted[i] = logged[at] as Receipt
      return sorted
    })
    const round: Round = { entries, receipts, close }
    return round
  }

  return async (entries) => {
    open ??= begin()
    const round = open
    const start = round.entries.length
    round.entries.push(...entries)
    if (round.entries.length >= MAX_ROUND) {
      open = undefined
      round.close()
    }
    const receipts = await round.receipts
    return receipts.slice(start, start + entries.length)
  }
}

const timer = (seconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000)
  })
