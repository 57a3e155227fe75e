// The separated parties, each a process of its own: enrol, issue, verify; then an evaluator, a verifier and the primary of the
// database are killed. Nothing acknowledged is lost and verification goes on. Runs with CTID_FULL=1.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromBase64url, systemClock, systemRandom, utf8 } from '#ctid/base'
import { makeKeyProof } from '#ctid/credential'
import { REGISTRAR_SERVICE } from '#ctid/http'
import { syntheticPeople } from '#ctid/identity'
import { authorizeCall } from '#ctid/token'
import { createWallet, memoryStorage, webDeviceKeys } from '#ctid/wallet'
import { findPostgres } from '../store/postgres-server.ts'
import { ended, pause, startTopology, type Topology } from './topology.ts'

const wanted = process.env['CTID_FULL'] === '1'
const present = findPostgres({ complete: true }) !== undefined
if (wanted && !present) console.warn('skipped: no PostgreSQL with pg_basebackup, so no topology')

describe.skipIf(!wanted || !present)('separated parties', () => {
  let topology: Topology
  beforeAll(async () => {
    topology = await startTopology()
  }, 120_000)
  afterAll(() => topology?.stop())

  const people = syntheticPeople({ seed: 'topology', count: 2000 })
  const wallet = createWallet({
    storage: memoryStorage(),
    keys: webDeviceKeys(systemRandom),
    random: systemRandom,
    clock: systemClock,
  })

  async function desk<T>(path: string, message: object): Promise<T> {
    const body = utf8(JSON.stringify(message))
    const secret = fromBase64url(topology.deskSecret)
    const authorization = authorizeCall(
      { evaluator: REGISTRAR_SERVICE, method: 'POST', path, body },
      { caller: 'desk', secret },
      { now: systemClock(), random: systemRandom },
    )
    const response = await fetch(`${topology.registrar.url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body,
    })
    const answer = (await response.json()) as T & { code?: string }
    if (!response.ok) throw new Error(`${response.status} ${answer.code}`)
    return answer
  }

  type Enrolled = { readonly token: string; readonly status: string }
  const enrol = (index: number) => desk<Enrolled>('/enrol', { document: people[index] })

  async function verify(verifier: number): Promise<{ ok: boolean; code?: string }> {
    const showing = await wallet.show({ verifier: `gate ${verifier}`, kind: 'person' })
    const { text } = await showing.current()
    const response = await fetch(`${topology.verifiers[verifier]?.url}/verify`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code: text }),
    })
    return (await response.json()) as { ok: boolean; code?: string }
  }

  it('enrol, issue and verify', async () => {
    const { token, status } = await enrol(0)
    expect(status).toBe('created')
    expect(await enrol(0)).toMatchObject({ token, status: 'existing' })
    const { nonce } = await desk<{ nonce: string }>('/nonce', {})
    await wallet.refill(20, async (signers) => {
      const issuer = topology.registrar.url
      const proofs = await Promise.all(
        signers.map((signer) => makeKeyProof(signer, { issuer, nonce, now: systemClock() })),
      )
      type Wire = { holderKey: never; credential: string; attestation: string; status: never }
      const { copies } = await desk<{ copies: Wire[] }>('/copies', { token, proofs })
      return copies.map((copy) => ({ ...copy, attestation: fromBase64url(copy.attestation) }))
    })
    expect(await verify(0)).toMatchObject({ ok: true })
    expect(await verify(1)).toMatchObject({ ok: true })
    const checkpoint = await (await fetch(`${topology.registrar.url}/log/checkpoint`)).text()
    // The log's own signature and both witnesses'.
    expect(checkpoint.split('\n').filter((line) => line.startsWith('— '))).toHaveLength(3)
  })

  it('refuse a caller without the secret', async () => {
    const response = await fetch(`${topology.registrar.url}/enrol`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'CTID-MAC desk:1:a:b' },
      body: JSON.stringify({ document: people[1] }),
    })
    expect(response.status).toBe(401)
  })

  it('go on without one evaluator', async () => {
    const [first] = topology.evaluators
    if (first) await ended(first.child, 'SIGKILL')
    expect((await enrol(1)).status).toBe('created')
    expect(await verify(0)).toMatchObject({ ok: true })
  })

  it('lose a verifier, and the other goes on', async () => {
    const [first] = topology.verifiers
    if (first) await ended(first.child, 'SIGTERM')
    await expect(verify(0)).rejects.toThrow()
    expect(await verify(1)).toMatchObject({ ok: true })
  })

  it('lose nothing that was acknowledged when the primary dies', { timeout: 120_000 }, async () => {
    const acknowledged = new Map<number, string>()
    let next = 2
    let stopping = false
    let verified = 0
    const callers = Array.from({ length: 4 }, async () => {
      while (!stopping && next < people.length) {
        const index = next++
        const enrolled = await enrol(index).catch(() => undefined)
        if (enrolled) acknowledged.set(index, enrolled.token)
        else await pause(20)
      }
    })
    const gate = (async () => {
      // Once before, and again and again while the database is gone: a check needs neither it nor the issuer.
      while (!stopping && verified < 8) {
        expect(await verify(1)).toMatchObject({ ok: true })
        verified++
        await pause(150)
      }
    })()
    while (acknowledged.size < 20) await pause(20)
    await topology.failOver()
    const before = acknowledged.size
    for (const deadline = Date.now() + 30_000; acknowledged.size < before + 10 && Date.now() < deadline; ) {
      await pause(50)
    }
    stopping = true
    await Promise.all([...callers, gate])
    expect(acknowledged.size).toBeGreaterThanOrEqual(before + 10)
    expect(verified).toBeGreaterThan(3)
    let lost = 0
    for (const [index, token] of acknowledged) {
      const again = await enrol(index)
      expect(again.token).toBe(token)
      if (again.status !== 'existing') lost++
    }
    expect(lost).toBe(0)
    console.info(
      `topology: ${acknowledged.size} acknowledged over a failover, ${lost} lost, ${verified} checks meanwhile`,
    )
  })
})
