// Runs enroller.ts as a process and collects what it acknowledged.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { bundled } from '../programs.ts'

export const ENROLLER = await bundled(new URL('enroller.ts', import.meta.url))

export type Acknowledged = { readonly index: number; readonly status: string; readonly token: string }

export type Enroller = {
  readonly child: ChildProcess
  readonly acknowledged: Acknowledged[]
  /** Resolves when the process has reported this many. */
  reported(count: number): Promise<void>
  /** Kills with SIGKILL and waits until it is gone. */
  kill(): Promise<void>
  /** Waits for its own end and returns the exit code. */
  ended(): Promise<number | null>
  readonly words: { text: string }
}

export function startEnroller(args: readonly (string | number)[]): Enroller {
  const child = spawn(process.execPath, [ENROLLER, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const acknowledged: Acknowledged[] = []
  const words = { text: '' }
  const waiting: { count: number; resolve: () => void }[] = []
  const exit = once(child, 'exit') as Promise<[number | null]>
  const closed = once(child, 'close')
  let rest = ''
  const wake = (all: boolean) => {
    for (const waiter of waiting) if (all || acknowledged.length >= waiter.count) waiter.resolve()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk).split('\n')
    // What was cut off in the middle of a line was not acknowledged.
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [index, status, token] = line.split(' ')
      if (token !== undefined) acknowledged.push({ index: Number(index), status: status ?? '', token })
    }
    wake(false)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    words.text = (words.text + chunk).slice(-3000)
  })
  closed.then(() => wake(true))
  return {
    child,
    acknowledged,
    words,
    reported: (count) =>
      new Promise((resolve) => {
        waiting.push({ count, resolve })
        wake(false)
      }),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
    async ended() {
      const [code] = await exit
      await closed
      return code
    },
  }
}
