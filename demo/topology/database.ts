// PostgreSQL as the separated parties use it: a primary, a synchronous standby, and one address that can be moved.

import { once } from 'node:events'
import { chownSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { freePort, identity, initdb, killTree, runPostgres } from '../../tests/store/postgres-server.ts'
import { COMPOSE_FILE } from './compose.ts'

const LOOPBACK = '127.0.0.1'

export type Database = {
  /** The address that stays the same over a failover, as a role of its own sees it: in the database of its name. */
  url(role: string): string
  /** Kills the primary's whole process tree, promotes the standby, and moves the address to it. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

/** Starts a primary and a standby that confirms every commit, from the programs in `bin`. */
export async function startDatabase(bin: string, directory: string): Promise<Database> {
  const [one, two] = [join(directory, 'primary'), join(directory, 'standby')]
  const [portOne, portTwo] = [await freePort(), await freePort()]
  initdb(bin, one)
  // A cluster that has never run may be copied file by file; one that runs needs pg_basebackup.
  cpSync(one, two, { recursive: true, preserveTimestamps: true })
  writeFileSync(join(two, 'standby.signal'), '')
  own(two)
  const settings = ['wal_level=replica', 'hot_standby=on', 'wal_keep_size=256MB']
  const primary = await runPostgres(bin, one, portOne, settings)
  const from = `host=${LOOPBACK} port=${portOne} user=postgres application_name=s1`
  const standby = await runPostgres(bin, two, portTwo, [...settings, `primary_conninfo=${from}`])
  await query(portOne, "alter system set synchronous_standby_names = 'FIRST 1 (s1)'")
  await query(portOne, 'select pg_reload_conf()')
  const isSynchronous = "select 1 from pg_stat_replication where sync_state = 'sync'"
  while ((await query(portOne, isSynchronous)).length === 0) await pause(50)
  for (const statement of rolesAndDatabases()) await query(portOne, statement)
  const address = await startAddress(portOne)
  return {
    url: (role) => `postgres://${role}@${LOOPBACK}:${address.port}/${role}`,
    async failOver() {
      // Fenced first: whoever still had a line to the old primary loses it before the standby may write.
      await killTree(primary)
      address.moveTo(portTwo)
      await query(portTwo, 'select pg_promote(true, 30)')
      // Synchronous no more: it would wait for itself.
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

// What primary.sh has the container do; here nobody is asked for a password.
function rolesAndDatabases(): string[] {
  const script = readFileSync(join(dirname(COMPOSE_FILE), 'primary.sh'), 'utf8')
  return script
    .split('\n')
    .filter((line) => /^(create|revoke) /.test(line))
    .map((line) => line.replace(/:'\w+'/, "'-'"))
}

// Copied as root, run as somebody else.
function own(folder: string): void {
  const { uid, gid } = identity()
  if (uid === undefined || gid === undefined) return
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, name), uid, gid)
  chownSync(folder, uid, gid)
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
