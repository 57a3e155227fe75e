// `npm run demo`: makes what is missing, wires the parties, listens on this machine only, prints the address.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isCtidError, systemClock } from '#ctid/base'
import { listen } from '#ctid/http'
import { createDemo } from './app.ts'
import { wireTown } from './wiring.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const port = Number(process.env['PORT'] ?? 8080)
const town = await wireTown({
  keyFolder: process.env['CTID_KEYS'] ?? join(here, '../keys'),
  stateFolder: process.env['CTID_STATE'] ?? join(here, '.state'),
  baseUrl: `http://127.0.0.1:${port}`,
  clock: systemClock,
})
const app = await createDemo({
  routers: town.routers,
  onInternal: (error) => process.stderr.write(`${error instanceof Error ? error.stack : error}\n`),
})
try {
  const server = await listen(app, { port })
  process.stdout.write(`CTID demo: ${server.url}/\nStop it with Ctrl+C.\n`)
  const stop = async () => {
    await server.close()
    await town.close()
  }
  process.once('SIGINT', () => void stop())
  process.once('SIGTERM', () => void stop())
} catch (error) {
  if (!isCtidError(error)) throw error
  process.stderr.write(`Port ${port} cannot be used. Set PORT to a free one.\n`)
  process.exitCode = 3
  await town.close()
}
