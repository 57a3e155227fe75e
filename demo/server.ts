// `npm run demo`: makes what is missing, wires the parties, listens on this machine only, prints the address.
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ErrorCode, isCtidError, systemClock } from '#ctid/base'
import { listen } from '#ctid/http'
import { createDemo } from './app.ts'
import { wireTown } from './wiring.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const keyFolder = process.env['CTID_KEYS'] ?? join(here, '../keys')
const stateFolder = process.env['CTID_STATE'] ?? join(here, '.state')
const named = process.env['PORT'] ?? '8080'
const port = /^\d{1,5}$/.test(named) ? Number(named) : 0

/** What to do about it, where the sentence of the error does not say. */
const WAYS_OUT: Partial<Record<ErrorCode, string>> = {
  ERR_LOG_LOCKED:
    'Is another demo running? Stop it, or give this one a PORT, CTID_KEYS and CTID_STATE of its own.',
  ERR_LOG_CORRUPT: `The town in ${relative('.', stateFolder)} does not fit the keys in ${relative('.', keyFolder)}. Move the town away to begin with a new one.`,
}

if (port < 1 || port > 65_535) fail('PORT is a number from 1 to 65535.', 2)
else await start()

async function start(): Promise<void> {
  let town: Awaited<ReturnType<typeof wireTown>> | undefined
  try {
    town = await wireTown({ keyFolder, stateFolder, baseUrl: `http://127.0.0.1:${port}`, clock: systemClock })
    const { routers, close } = town
    const app = await createDemo({
      routers,
      onInternal: (error) => process.stderr.write(`${error instanceof Error ? error.stack : error}\n`),
    })
    const server = await listen(app, { port })
    process.stdout.write(`CTID demo: ${server.url}/\nStop it with Ctrl+C.\n`)
    const stop = async () => {
      await server.close()
      await close()
    }
    process.once('SIGINT', () => void stop())
    process.once('SIGTERM', () => void stop())
  } catch (error) {
    await town?.close()
    const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
    if (isCtidError(error) && town) fail(`Port ${port} cannot be used. Set PORT to a free one.`, 3)
    else if (isCtidError(error)) fail([error.message, WAYS_OUT[error.code] ?? ''].join(' ').trim(), 3)
    else if (typeof syscall === 'string') fail(`Keys or town cannot be read or written (${code}).`, 3)
    else throw error
  }
}

function fail(words: string, exitCode: number): void {
  process.stderr.write(`${words}\n`)
  process.exitCode = exitCode
}
