// The separated parties, each a process of its own: enrol, issue, verify; then an evaluator, a witness, a verifier, the issuer and
// the primary of the database are killed. Nothing acknowledged is lost and verification goes on. Runs with CTID_FULL=1.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#ctid/base'
import { checkLog, httpSource, parseNoteKey } from '#ctid/transparency'
import { type Client, failOverUnderLoad, openClient } from '../../demo/topology/drill.ts'
import { ended, startTopology, type Topology } from '../../demo/topology/topology.ts'
import { findPostgres } from '../store/postgres-server.ts'

const wanted = process.env['CTID_FULL'] === '1'
const present = findPostgres() !== undefined
if (wanted && !present) console.warn('skipped: no PostgreSQL, so no topology')

describe.skipIf(!wanted || !present)('separated parties', () => {
  let topology: Topology
  let client: Client
  beforeAll(async () => {
    topology = await startTopology()
    client = openClient(topology)
  })
  afterAll(() => topology?.stop())

  it('enrol, issue and verify', async () => {
    const { token, status } = await client.enrol(0)
    expect(status).toBe('created')
    expect(await client.enrol(0)).toMatchObject({ token, status: 'existing' })
    await client.issue(token, 20)
    expect(await client.verify(0)).toMatchObject({ ok: true })
    expect(await client.verify(1)).toMatchObject({ ok: true })
    // The log's own signature and at least two witnesses'.
    const signatures = (await client.checkpoint()).split('\n').filter((line) => line.startsWith('— '))
    expect(signatures.length).toBeGreaterThanOrEqual(3)
  })

  it('sign in one process and open records in another', () => {
    const secrets = (party: string) => readdirSync(join(topology.directory, 'parties', party, 'secrets'))
    expect(secrets('registrar')).toEqual(
      expect.arrayContaining(['vault.json', 'registry.json', 'registrar.json']),
    )
    for (const name of ['issuer.json', 'pki']) {
      expect(secrets('registrar')).not.toContain(name)
      expect(secrets('issuer')).toContain(name)
    }
    for (const name of ['vault.json', 'registry.json', 'registrar.json', 'log-keys.json']) {
      expect(secrets('issuer')).not.toContain(name)
    }
  })

  it('reach each its own database, and not the other’s', async () => {
    const ask = async (role: string, name: string) => {
      const url = new URL(topology.databaseUrl(role))
      url.pathname = name
      const client = new pg.Client(url.href)
      try {
        await client.connect()
        const { rows } = await client.query("select tablename from pg_tables where schemaname = 'public'")
        return rows.map((row: { tablename: string }) => row.tablename)
      } catch (error) {
        return (error as { code?: string }).code
      } finally {
        await client.end()
      }
    }
    expect(await ask('issuer', 'issuer')).toEqual(expect.arrayContaining(['issuer_place', 'issuer_link']))
    expect(await ask('ctid', 'ctid')).toEqual(expect.arrayContaining(['registry_vault']))
    // 42501: insufficient privilege.
    expect(await ask('issuer', 'ctid')).toBe('42501')
    expect(await ask('ctid', 'issuer')).toBe('42501')
  })

  it('refuse a caller without the secret', async () => {
    const response = await fetch(`${topology.registrar.url}/enrol`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'CTID-MAC desk:1:a:b' },
      body: JSON.stringify({ document: {} }),
    })
    expect(response.status).toBe(401)
  })

  it('refuse to append to the log for a stranger', async () => {
    const response = await fetch(`${topology.log.url}/api/entries`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer of-bad-news' },
      body: JSON.stringify({ entries: [] }),
    })
    expect(response.status).toBe(404)
  })

  it('go on without one evaluator and one witness', async () => {
    for (const party of [topology.evaluators[0], topology.witnesses[0]]) {
      if (party) await ended(party.child, 'SIGKILL')
    }
    expect((await client.enrol(1)).status).toBe('created')
    expect(await client.verify(0)).toMatchObject({ ok: true })
  })

  it('lose a verifier, and the other goes on', async () => {
    const [first] = topology.verifiers
    if (first) await ended(first.child, 'SIGKILL')
    await expect(client.verify(0)).rejects.toThrow()
    expect(await client.verify(1)).toMatchObject({ ok: true })
  })

  it('issue nothing without the issuer, go on otherwise, and issue again when it is back', async () => {
    const { token } = await client.enrol(2)
    await ended(topology.issuer.child, 'SIGKILL')
    await expect(client.issue(token, 1)).rejects.toThrow('503 ERR_ISSUER_UNAVAILABLE')
    expect((await client.enrol(3)).status).toBe('created')
    expect(await client.verify(1)).toMatchObject({ ok: true })
    await topology.restart(topology.issuer)
    await client.issue(token, 3)
    expect(await client.verify(1)).toMatchObject({ ok: true })
  })

  it('lose nothing that was acknowledged when the primary dies', async () => {
    const report = await failOverUnderLoad(topology, client, 4)
    expect(report).toMatchObject({ lost: 0, refusedChecks: 0 })
    expect(report.checks).toBeGreaterThan(3)
    console.info(
      `topology: ${report.acknowledged} acknowledged over a failover, ${report.lost} lost, ${report.checks} checks meanwhile`,
    )
  })

  it('have a log that an auditor finds whole', async () => {
    const logKey = parseNoteKey(topology.log.key ?? '')
    const witnesses = topology.witnesses.map(({ key = '' }) => parseNoteKey(key))
    const policy = { origin: logKey.name, logKey, witnesses, threshold: 2 }
    const { ok, alarms } = await checkLog({
      source: httpSource(topology.log.url),
      policy,
      clock: systemClock,
    })
    expect({ ok, alarms }).toEqual({ ok: true, alarms: [] })
  })

  it('acknowledge nothing without the log, and still verify', async () => {
    await ended(topology.log.child, 'SIGKILL')
    await expect(client.enrol(1999)).rejects.toThrow(/^5\d\d ERR_/)
    expect(await client.verify(1)).toMatchObject({ ok: true })
  })
})
