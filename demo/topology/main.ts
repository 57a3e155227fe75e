// `npm run topology [-- --drill | --prepare [FOLDER]]`: the separated parties as processes of this machine, until Ctrl-C; with
// --drill some of them are killed, and what happens is said; --prepare only makes the keys that compose.yaml mounts.
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { COMPOSE_FILE } from './compose.ts'
import { runDrill } from './drill.ts'
import { prepare } from './prepare.ts'
import { startTopology } from './topology.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)
const { values, positionals } = readLine()

function readLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        drill: { type: 'boolean', default: false },
        prepare: { type: 'boolean', default: false },
        'base-url': { type: 'string', default: 'https://issuer.example' },
      },
    })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(2)
  }
}

if (values.prepare) {
  const folder = positionals[0] ?? join(dirname(COMPOSE_FILE), 'secrets')
  await prepare(folder, values['base-url'])
  say(`keys of every party: ${folder}`)
} else {
  const asked = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const topology = await startTopology(say)
  try {
    if (values.drill) {
      say('')
      const isGood = await Promise.race([runDrill(topology, say), asked.then(() => false)])
      say(isGood ? 'Nothing acknowledged was lost, and verification went on.' : 'The drill FAILED.')
      process.exitCode = isGood ? 0 : 1
    } else {
      say(
        `\nkeys, log and database are below ${topology.directory}, which is removed in the end; Ctrl-C stops all`,
      )
      await asked
    }
  } finally {
    await topology.stop()
  }
}
