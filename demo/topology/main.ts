// `npm run topology [-- --drill]`: the separated parties as processes of this machine, until Ctrl-C; with --drill some of them
// are killed, and what happens is said.
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { runDrill } from './drill.ts'
import { startTopology } from './topology.ts'

const { values } = parseArgs({ options: { drill: { type: 'boolean', default: false } } })
const say = (line: string) => void process.stdout.write(`${line}\n`)
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
