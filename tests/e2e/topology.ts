// The separated parties as processes of this machine: three evaluators, the registrar with registry, issuer and log, two
// witnesses, two verifiers of two processes each, PostgreSQL with a synchronous standby. Run it by itself to look around:
//   npx tsx tests/e2e/topology.ts
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pg from 'pg'
import { parseJsonObject, systemClock, systemRandom } from '#ctid/base'
import { loadSodiumGroup } from '#ctid/crypto'
import { openKeyring, shareFile } from '#ctid/deployment'
import { formatNoteKey, LOG_SIGNATURE, noteSigner } from '#ctid/transparency'
import {
  findPostgres,
  freePort,
  freshDirectory,
  identity,
  initdb,
  killTree,
  runPostgres,
} from '../store/postgres-server.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const LOOPBACK = '127.0.0.1'

export type Party = {
  readonly name: string
  readonly child: ChildProcess
  readonly url: string
  /** A witness's public key. */
  readonly key?: string
  /** What it wrote to standard error. */
  readonly words: () => string
}

export type Topology = {
  readonly directory: string
  readonly registrar: Party
  readonly evaluators: readonly Party[]
  readonly witnesses: readonly Party[]
  readonly verifiers: readonly Party[]
  /** Secret of the caller `desk` at the registrar's service. */
  readonly deskSecret: string
  /** Kills the primary's whole process tree, promotes the standby, and moves the database's address to it. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

/** Starts everything; needs a PostgreSQL with pg_basebackup. */
export async function startTopology(): Promise<Topology> {
  const bin = findPostgres({ complete: true })?.bin
  if (bin === undefined) throw new Error('no PostgreSQL with pg_basebackup')
  const directory = freshDirectory('ctid-topology-')
  const keys = join(directory, 'keys')
  mkdirSync(keys, { mode: 0o700 })
  const parties: Party[] = []
  const start = async (name: string, ...args: string[]): Promise<Party> => {
    const party = await startParty(name, [...args, '--json'])
    parties.push(party)
    return party
  }
  const database = await startDatabase(bin, directory)
  const port = await freePort()
  const baseUrl = `http://${LOOPBACK}:${port}`
  const group = await loadSodiumGroup()
  const keyring = await openKeyring(keys, { group, random: systemRandom, now: systemClock(), baseUrl })
  const logKey = noteSigner(keyring.log.origin, LOG_SIGNATURE, keyring.log.log.reveal()).key
  const anchor = join(directory, 'trust-anchor.json')
  writeFileSync(anchor, JSON.stringify(keyring.pki.parties.rules.signer.publicJwk))

  const evaluators = await Promise.all(
    [1, 2, 3].map((id) => start(`evaluator ${id}`, 'evaluator', '--share', shareFile(keys, id))),
  )
  const witnesses = await Promise.all(
    [1, 2].map(async (n) => {
      const keyFile = join(directory, `witness-${n}.key`)
      const name = `witness-${n}.example`
      runCommand('log', 'keygen', '--for', 'witness', '--name', name, '--key-file', keyFile)
      const dir = join(directory, `witness-${n}`)
      return start(name, 'witness', '--key-file', keyFile, '--dir', dir, '--log', formatNoteKey(logKey))
    }),
  )
  const callers = join(directory, 'callers.json')
  runCommand('registrar', '--callers', callers, '--add-caller', 'desk')
  const registrar = await start(
    'registrar',
    'registrar',
    ...['--callers', callers, '--keys', keys, '--store', database.url],
    ...['--port', String(port), '--base-url', baseUrl, '--log-dir', join(directory, 'log')],
    ...evaluators.flatMap(({ url }, i) => ['--evaluator', `${i + 1}=${url}`]),
    ...witnesses.flatMap(({ url, key }) => ['--witness', `${key}=${url}`]),
  )
  const verifiers = await Promise.all(
    [1, 2].map((n) =>
      start(
        `verifier ${n}`,
        'verifier',
        ...['--workers', '2', '--trust', `${baseUrl}/trust-list`, '--trust-anchor', anchor],
      ),
    ),
  )
  const { callers: list } = parseJsonObject(readFileSync(callers, 'utf8'))
  const [desk] = list as { secret: string }[]
  return {
    directory,
    registrar,
    evaluators,
    witnesses,
    verifiers,
    deskSecret: desk?.secret ?? '',
    failOver: () => database.failOver(),
    async stop() {
      await Promise.all(parties.toReversed().map(({ child }) => ended(child, 'SIGTERM')))
      await database.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function startParty(name: string, args: readonly string[]): Promise<Party> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-4000)
  })
  const leave = () => child.kill('SIGKILL')
  process.once('exit', leave)
  child.once('exit', () => process.off('exit', leave))
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

function runCommand(...args: string[]): void {
  execFileSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
    cwd: root,
    stdio: 'ignore',
  })
}

type Database = { readonly url: string; failOver(): Promise<void>; stop(): Promise<void> }

async function startDatabase(bin: string, directory: string): Promise<Database> {
  const [one, two] = [join(directory, 'primary'), join(directory, 'standby')]
  const [portOne, portTwo] = [await freePort(), await freePort()]
  initdb(bin, one)
  const settings = ['wal_level=replica', 'hot_standby=on']
  const primary = await runPostgres(bin, one, portOne, settings)
  const target = ['-h', LOOPBACK, '-p', String(portOne), '-U', 'postgres', '-D', two]
  execFileSync(
    join(bin, 'pg_basebackup'),
    [...target, '-X', 'stream', '-R', '--checkpoint=fast', '-d', 'application_name=s1'],
    { ...identity(), stdio: 'ignore' },
  )
  const standby = await runPostgres(bin, two, portTwo, settings)
  await query(portOne, "alter system set synchronous_standby_names = 'FIRST 1 (s1)'")
  await query(portOne, 'select pg_reload_conf()')
  const isSynchronous = "select 1 from pg_stat_replication where sync_state = 'sync'"
  while ((await query(portOne, isSynchronous)).length === 0) await pause(50)
  const address = await startAddress(portOne)
  return {
    url: `postgres://postgres@${LOOPBACK}:${address.port}/postgres`,
    async failOver() {
      // Fenced first: whoever still had a line to the old primary loses it before the standby may write.
      await killTree(primary)
      address.moveTo(portTwo)
      // Synchronous no more: it would wait for itself.
      await query(portTwo, 'select pg_promote(true, 30)')
      await query(portTwo, "alter system set synchronous_standby_names = ''")
      await query(portTwo, 'select pg_reload_conf()')
    },
    async stop() {
      await killTree(primary)
      await killTree(standby)
      address.close()
    },
  }
}

async function query(port: number, sql: string): Promise<readonly object[]> {
  const client = new pg.Client(`postgres://postgres@${LOOPBACK}:${port}/postgres`)
  await client.connect()
  return (await client.query(sql).finally(() => client.end())).rows as object[]
}

// The database's one address, as a virtual IP or a connection pooler would give it.
async function startAddress(first: number) {
  let target = first
  const open = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(target, LOOPBACK)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port,
    moveTo(next: number) {
      target = next
      cut()
    },
    close() {
      cut()
      server.close()
    },
  }
}

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const topology = await startTopology()
  const { registrar, evaluators, witnesses, verifiers } = topology
  for (const { name, url } of [registrar, ...evaluators, ...witnesses, ...verifiers])
    console.log(`${name}: ${url}`)
  console.log('Ctrl-C stops all of them')
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await topology.stop()
}
