// Failover of PostgreSQL: the primary is killed while people enrol, the standby is promoted, every acknowledged person
// must be there. The control is an asynchronous standby behind the same network, which hangs before the end: it must lose some.
// Runs with CTID_FULL=1 where a PostgreSQL with pg_basebackup is installed.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { toHex } from '#ctid/base'
import { openStore } from '#ctid/store'
import {
  findPostgres,
  freePort,
  freshDirectory,
  identity,
  initdb,
  killTree,
  runPostgres,
} from '../store/postgres-server.ts'
import { anchorOf, setUp } from './setting.ts'

const wanted = process.env['CTID_FULL'] === '1'
const found = findPostgres({ complete: true })
if (wanted && !found) console.warn('skipped: no PostgreSQL with pg_basebackup, so no failover')

const random = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length))

// The network between primary and standby. What is on its way when it hangs never arrives.
async function startNetwork(port: number) {
  const sockets = new Set<Socket>()
  let up = true
  const server = createServer((standby) => {
    const primary = connect(port, '127.0.0.1')
    for (const socket of [standby, primary]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        for (const end of [standby, primary]) end.destroy()
      })
    }
    if (!up) return
    standby.pipe(primary).pipe(standby)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    hang() {
      up = false
      for (const socket of sockets) socket.unpipe().pause()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

async function failover(bin: string, synchronous: boolean) {
  const directory = freshDirectory('ctid-failover-')
  const [one, two] = [join(directory, 'one'), join(directory, 'two')]
  const [portOne, portTwo] = [await freePort(), await freePort()]
  const url = (port: number) => `postgres://postgres@127.0.0.1:${port}/postgres`
  initdb(bin, one)
  const settings = ['wal_level=replica', 'hot_standby=on']
  let primary = await runPostgres(bin, one, portOne, settings)
  const network = await startNetwork(portOne)
  execFileSync(
    join(bin, 'pg_basebackup'),
    [
      '-h',
      '127.0.0.1',
      '-p',
      String(portOne),
      '-U',
      'postgres',
      '-D',
      two,
      '-X',
      'stream',
      '-R',
      '--checkpoint=fast',
    ].concat(['-d', 'application_name=s1']),
    { ...identity(), stdio: 'ignore' },
  )
  const standby = await runPostgres(bin, two, portTwo, [
    ...settings,
    `primary_conninfo=host=127.0.0.1 port=${network.port} user=postgres application_name=s1`,
  ])
  await killTree(primary)
  rmSync(join(one, 'postmaster.pid'), { force: true })
  const names = synchronous ? 'FIRST 1 (s1)' : ''
  primary = await runPostgres(bin, one, portOne, [...settings, `synchronous_standby_names=${names}`])
  const query = async (port: number, sql: string) => {
    const client = new pg.Client(url(port))
    await client.connect()
    return (await client.query(sql).finally(() => client.end())).rows as Record<string, unknown>[]
  }
  while ((await query(portOne, "select 1 from pg_stat_replication where state = 'streaming'")).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }

  // Eight callers enrol until the primary is gone.
  const store = await openStore(url(portOne))
  const { registry } = await setUp(store, { random })
  const acknowledged = new Map<number, string>()
  let next = 0
  let stopping = false
  const acknowledges = async (count: number) => {
    while (acknowledged.size < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const callers = Array.from({ length: 8 }, async () => {
    while (!stopping) {
      const index = next++
      const enrolled = await registry
        .enrol({ anchor: anchorOf(`f ${index}`), record: {} })
        .catch(() => undefined)
      if (enrolled) acknowledged.set(index, toHex(enrolled.token))
      else await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  await acknowledges(30)
  network.hang()
  // With a standby that has to confirm, nobody is acknowledged any more; without one, those to come will be lost.
  if (synchronous) await new Promise((resolve) => setTimeout(resolve, 800))
  else await acknowledges(acknowledged.size + 30)
  await killTree(primary)
  network.close()
  stopping = true
  await Promise.all(callers)
  await store.close()

  await query(portTwo, 'select pg_promote(true, 30)')
  const promoted = await openStore(url(portTwo))
  const { registry: after } = await setUp(promoted, { random })
  const people = [...acknowledged]
  const again = await after.enrolMany(
    people.map(([index]) => ({ anchor: anchorOf(`f ${index}`), record: {} })),
  )
  const lost = again.filter(({ status }) => status === 'created').length
  const changed = again.filter(({ token }, i) => toHex(token) !== people[i]?.[1]).length
  const { passed } = await after.audit({ deep: true })
  await promoted.close()
  await killTree(standby)
  rmSync(directory, { recursive: true, force: true })
  console.info(
    `failover, ${synchronous ? 'synchronous' : 'asynchronous'}: ${people.length} acknowledged, ${lost} lost`,
  )
  return { acknowledged: people.length, lost, changed, passed }
}

describe.skipIf(!wanted || !found)('a failover of PostgreSQL', () => {
  const bin = found?.bin ?? ''
  it('loses nothing that was acknowledged with a synchronous standby', async () => {
    const outcome = await failover(bin, true)
    expect(outcome).toMatchObject({ lost: 0, changed: 0, passed: true })
    expect(outcome.acknowledged).toBeGreaterThanOrEqual(30)
  })

  it('control: an asynchronous standby loses acknowledged people', async () => {
    const outcome = await failover(bin, false)
    expect(outcome.lost).toBeGreaterThan(0)
    expect(outcome).toMatchObject({ passed: true })
  })
})
