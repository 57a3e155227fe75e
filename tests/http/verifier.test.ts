// The verification service: verdicts over HTTP, back pressure, metrics that name nobody, one memory of used codes for several
// processes and several machines.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom, toBase64url } from '#ctid/base'
import { checkKeyProof, makeKeyProof } from '#ctid/credential'
import { type Deployment, openDeployment, openStoreReplayCache } from '#ctid/deployment'
import { createApp, createVerifierApp, issuerStatusRouter, type Listening, listen } from '#ctid/http'
import { syntheticPeople } from '#ctid/identity'
import { openStore } from '#ctid/store'
import { newChallenge } from '#ctid/verifier'
import { createWallet, memoryStorage, webDeviceKeys } from '#ctid/wallet'
import { postgresForTests } from '../store/postgres-server.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctid-verifier-'))
const [person] = syntheticPeople({ seed: 'verifier service', count: 1 })
let deployment: Deployment
let issuer: Listening
let showCode: (challenge?: Uint8Array) => Promise<string>

beforeAll(async () => {
  // The status lists' address has to be known before the issuer opens.
  const probe = await listen(createApp({ routers: [] }))
  await probe.close()
  const baseUrl = `http://127.0.0.1:${probe.port}`
  deployment = await openDeployment({
    keysFolder: join(directory, 'keys'),
    storeUrl: ':memory:',
    clock: systemClock,
    random: systemRandom,
    baseUrl,
  })
  const { statusPublisher: publisher, trustList } = deployment
  issuer = await listen(createApp({ routers: [issuerStatusRouter({ publisher, trustList })] }), {
    port: probe.port,
  })
  const { token, record } = await deployment.enrol(person)
  const wallet = createWallet({
    storage: memoryStorage(),
    keys: webDeviceKeys(systemRandom),
    random: systemRandom,
    clock: systemClock,
  })
  await wallet.refill(16, async (signers) => {
    const nonce = toBase64url(systemRandom(16))
    const options = { issuer: deployment.issuer.issuerId, nonce, now: systemClock() }
    const keys = await Promise.all(
      signers.map(async (signer) =>
        checkKeyProof(await makeKeyProof(signer, options), {
          expectedIssuer: options.issuer,
          expectedNonce: nonce,
          now: systemClock(),
        }),
      ),
    )
    return deployment.issue(token, record, keys)
  })
  showCode = async (challenge) => {
    const showing = await wallet.show({
      verifier: 'gate',
      kind: 'person',
      ...(challenge === undefined ? {} : { challenge }),
    })
    return (await showing.current()).text
  }
})
afterAll(async () => {
  await issuer.close()
  await deployment.close()
  rmSync(directory, { recursive: true })
})

const verify = async (url: string, body: unknown) => {
  const response = await fetch(`${url}/verify`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { ok?: boolean; code?: string; checks?: unknown[] },
  }
}

describe('one process', () => {
  it('accepts a code once, with its challenge, and counts outcomes only', async () => {
    const context = await deployment.verifier()
    const service = createVerifierApp({ context: () => context })
    const server = await listen(service.app)
    const challenge = newChallenge(systemRandom)
    const code = await showCode(challenge)
    expect(await verify(server.url, { code })).toMatchObject({
      status: 200,
      body: { ok: false, code: 'ERR_VERIFIER_CHALLENGE' },
    })
    const shown = { code, challenge: toBase64url(challenge) }
    const accepted = await verify(server.url, shown)
    expect(accepted.body).toMatchObject({ ok: true, form: 'dynamic', attested: { kind: 'person' } })
    expect(accepted.body.checks).toHaveLength(16)
    expect((await verify(server.url, shown)).body).toMatchObject({ ok: false, code: 'ERR_VERIFIER_REPLAYED' })

    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toContain('ctid_verifications_total{outcome="accepted"} 1\n')
    expect(metrics).toContain('ctid_verifications_total{outcome="ERR_VERIFIER_REPLAYED"} 1\n')
    expect(metrics).toContain('ctid_verification_seconds_count 3\n')
    expect(metrics).not.toContain(code.slice(10, 30))
    expect(metrics).not.toContain(person?.name)
    await server.close()
    service.close()
  })

  it.each([
    ['no code', {}],
    ['a code that is no text', { code: 1 }],
    ['another member', { code: 'x', name: 'y' }],
    ['a challenge that is not base64url', { code: 'x', challenge: '*' }],
  ])('refuses a request with %s', async (_, body) => {
    const context = await deployment.verifier()
    const service = createVerifierApp({ context: () => context })
    const server = await listen(service.app)
    expect(await verify(server.url, body)).toMatchObject({
      status: 400,
      body: { code: 'ERR_HTTP_BAD_REQUEST' },
    })
    expect((await verify(server.url, { code: 'x'.repeat(9000) })).status).toBe(413)
    await server.close()
    service.close()
  })

  it('answers 503 with Retry-After when it is behind, and still tells its health', async () => {
    const context = await deployment.verifier()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const replay = {
      consume: async () => {
        await held
        return true
      },
    }
    const service = createVerifierApp({ context: () => ({ ...context, replay }), maxInFlight: 2 })
    const server = await listen(service.app)
    const codes = [await showCode(), await showCode(), await showCode()]
    const waiting = codes.slice(0, 2).map((code) => verify(server.url, { code }))
    while (service.counts().inFlight < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const refused = await verify(server.url, { code: codes[2] })
    expect(refused).toMatchObject({ status: 503, body: { code: 'ERR_HTTP_BUSY' } })
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    release()
    for (const one of await Promise.all(waiting)) expect(one.body.ok).toBe(true)
    expect((await verify(server.url, { code: codes[2] })).body.ok).toBe(true)
    expect(service.counts()).toMatchObject({ shed: 1, inFlight: 0, outcomes: { accepted: 3 } })
    await server.close()
    service.close()
  })

  it('serves others while many clients send their bodies drop by drop', async () => {
    const context = await deployment.verifier()
    const service = createVerifierApp({ context: () => context, maxInFlight: 2 })
    const server = await listen(service.app)
    const slow = Array.from({ length: 20 }, () => connect(server.port, '127.0.0.1'))
    const head =
      'POST /verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n'
    for (const socket of slow) socket.on('error', () => {}).write(`${head}{"code":`)
    await Promise.all(slow.map((socket) => once(socket, 'connect')))
    expect((await verify(server.url, { code: await showCode() })).body.ok).toBe(true)
    expect(service.counts().shed).toBe(0)
    for (const socket of slow) socket.destroy()
    await server.close()
    service.close()
  })

  it('is not healthy when nothing can be accepted', async () => {
    const context = await deployment.verifier()
    const service = createVerifierApp({ context: () => context, trouble: () => 'the trust list has expired' })
    const server = await listen(service.app)
    expect((await fetch(`${server.url}/health`)).status).toBe(503)
    await server.close()
    service.close()
  })
})

const database = await postgresForTests()
afterAll(() => database?.stop())
describe.each([
  { engine: 'SQLite', url: async () => join(directory, 'replay.db'), present: true },
  { engine: 'PostgreSQL', url: async () => (await database?.fresh()) ?? '', present: database !== undefined },
])('the memory of used codes in $engine', ({ url, present }) => {
  it.skipIf(!present)('has one first for each code, on however many machines', async () => {
    const address = await url()
    let now = 1000
    const machines = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const store = await openStore(address)
        return { store, cache: await openStoreReplayCache(store, { clock: () => now }) }
      }),
    )
    const race = async (key: string) => {
      const tries = machines.flatMap(({ cache }) => [cache, cache])
      const answers = await Promise.all(tries.map((cache) => cache.consume(key, now + 45)))
      return answers.filter(Boolean).length
    }
    for (const key of ['a', 'b', 'c']) expect(await race(key)).toBe(1)
    expect(await race('a')).toBe(0)
    now += 46
    // Expired: may be used again, and again by one only.
    expect(await race('a')).toBe(1)
    // A machine whose clock is ahead forgets nothing that counts elsewhere.
    expect(await machines[0]?.cache.sweep()).toBe(0)
    expect(await race('a')).toBe(0)
    now += 300
    expect(await machines[0]?.cache.sweep()).toBe(2)
    now -= 300
    expect(await race('a')).toBe(0)
    await Promise.all(machines.map(({ store }) => store.close()))
  })
})

describe('several processes behind one port', () => {
  it('share what was used, survive a worker, and finish what they began', async () => {
    const anchor = join(directory, 'trust-anchor.json')
    writeFileSync(anchor, JSON.stringify(deployment.keyring.pki.parties.rules.signer.publicJwk))
    const main = join(dirname(fileURLToPath(import.meta.url)), '../../src/cli/main.ts')
    const args = [
      'verifier',
      '--workers',
      '2',
      '--trust',
      `${issuer.url}/trust-list`,
      '--trust-anchor',
      anchor,
    ]
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const words = collect(child)
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const { url, workers } = JSON.parse(line) as { url: string; workers: number }
    expect(workers).toBe(2)

    // The same code by many connections at once, so by both processes.
    const code = await showCode()
    const race = await Promise.all(Array.from({ length: 12 }, () => verify(url, { code })))
    expect(race.filter(({ body }) => body.ok)).toHaveLength(1)
    expect(race.filter(({ body }) => body.code === 'ERR_VERIFIER_REPLAYED')).toHaveLength(11)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('ctid_verification_seconds_count 12\n')
    expect(metrics).toContain('ctid_worker_processes 2\n')

    // A worker dies: the others go on, another one comes, the code stays used.
    const [victim] = childrenOf(child.pid)
    process.kill(victim ?? 0, 'SIGKILL')
    await until(async () => words.text.includes('started again') && childrenOf(child.pid).length === 2)
    expect((await verify(url, { code })).body.code).toBe('ERR_VERIFIER_REPLAYED')
    const next = await showCode()
    expect((await verify(url, { code: next })).body.ok).toBe(true)

    const last = await showCode()
    const running = verify(url, { code: last }).catch(() => undefined)
    child.kill('SIGTERM')
    const [exit] = (await once(child, 'exit')) as [number]
    // Either it was begun and finished, or it was never taken.
    const outcome = await running
    expect(outcome === undefined || outcome.body.ok === true).toBe(true)
    expect(exit).toBe(0)
  })
})

function collect(child: ChildProcess): { text: string } {
  const words = { text: '' }
  child.stderr?.on('data', (chunk: Buffer) => {
    words.text += chunk
  })
  return words
}

function childrenOf(pid: number | undefined): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return list === '' ? [] : list.split(' ').map(Number)
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await check()); ) {
    if (Date.now() > deadline) throw new Error('not in time')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
