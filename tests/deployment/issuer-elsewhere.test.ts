// Registrar and issuer as parties of their own: what each holds, what goes between them, what is refused, and what a killed
// issuer leaves behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromBase64url, systemClock, systemRandom, toBase64url, toHex, utf8 } from '#ctid/base'
import { makeKeyProof } from '#ctid/credential'
import { generateSigner, loadSodiumGroup, type Signer } from '#ctid/crypto'
import {
  ENTRANCE_POLICY,
  openIssuerParty,
  openKeyring,
  openRegistrarParty,
  type RegistrarParty,
} from '#ctid/deployment'
import { createApp, issuerRouter, issuerStatusRouter, type Listening, listen } from '#ctid/http'
import { parseLegalRecord, syntheticPeople } from '#ctid/identity'
import { httpIssuer, type IssuerPort } from '#ctid/issuer'
import { makeCode } from '#ctid/qr'
import { credentialSubject } from '#ctid/registrar'
import { createStatusChecker } from '#ctid/status'
import { openStore } from '#ctid/store'
import { authorizeCall, type CallerCredential, callChecker } from '#ctid/token'
import { checkTrustList } from '#ctid/trust'
import { memoryReplayCache, statusLookup, trustListLookup, verifyCode } from '#ctid/verifier'
import { readCredential } from '../../src/cli/callers.ts'
import type { Io } from '../../src/cli/command.ts'
import { command as registry } from '../../src/cli/commands/registry.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctid-issuer-'))
const at = (...names: string[]) => join(folder, ...names)
const people = syntheticPeople({ seed: 'two parties', count: 12 })
const credential: CallerCredential = { caller: 'registrar', secret: systemRandom(32) }
const io: Io = {
  out: () => {},
  err: () => {},
  isTerminal: false,
  env: {},
  readStdin: async () => '',
  untilStopped: async () => {},
}
const shared = { clock: systemClock, random: systemRandom }

let issuer: Awaited<ReturnType<typeof openIssuerParty>>
let service: Listening
let baseUrl: string
let registrar: Awaited<ReturnType<typeof openRegistrarParty>>
const port = (change: object = {}): IssuerPort =>
  httpIssuer({ url: service.url, credential, now: systemClock, random: systemRandom, ...change })

beforeAll(async () => {
  const probe = await listen(createApp({ routers: [] }))
  await probe.close()
  baseUrl = `http://127.0.0.1:${probe.port}`
  issuer = await openIssuerParty({
    ...shared,
    keysFolder: at('issuer'),
    storeUrl: at('issuer.db'),
    baseUrl,
  })
  const { issuing, statusPublisher: publisher, trustList } = issuer
  const authenticate = callChecker(new Map([[credential.caller, credential.secret]]), { now: systemClock })
  service = await listen(
    createApp({
      routers: [
        issuerRouter({ authenticate, issuer: issuing }),
        issuerStatusRouter({ publisher, trustList }),
      ],
    }),
    { port: probe.port },
  )
  registrar = await openRegistrarParty({
    ...shared,
    keysFolder: at('registrar'),
    storeUrl: at('registrar.db'),
    baseUrl,
    issuing: port(),
  })
})
afterAll(async () => {
  await registrar.close()
  await service.close()
  await issuer.close()
  rmSync(folder, { recursive: true })
})

const proofsFor = (signers: readonly Signer[], nonce: string, audience = baseUrl) =>
  Promise.all(signers.map((signer) => makeKeyProof(signer, { issuer: audience, nonce, now: systemClock() })))
const signersFor = (count: number) => Promise.all(Array.from({ length: count }, () => generateSigner()))
async function copiesFor(token: Uint8Array, count: number, from: RegistrarParty = registrar) {
  const signers = await signersFor(count)
  const copies = await from.issueCopies(token, await proofsFor(signers, await from.nonce()), 'desk-1')
  return copies.map((copy, i) => ({ copy, holder: signers[i] as Signer }))
}
const enrolled = async (person: number) => (await registrar.enrol(people[person])).token

async function atGate({ copy, holder }: Awaited<ReturnType<typeof copiesFor>>[number]): Promise<string> {
  const read = async (path: string) => (await fetch(`${baseUrl}${path}`)).text()
  const rules = issuer.keys.pki.parties.rules.signer.publicJwk
  const list = await checkTrustList(await read('/trust-list'), {
    expectedSigners: [rules],
    now: systemClock(),
  })
  const fetchToken = async (uri: string) => (await fetch(uri)).text()
  const { ok, code } = await verifyCode(await makeCode(copy.attestation, holder, { now: systemClock() }), {
    policy: ENTRANCE_POLICY,
    clock: systemClock,
    trust: trustListLookup(list),
    status: statusLookup(createStatusChecker({ fetchToken, clock: systemClock })),
    replay: memoryReplayCache({ clock: systemClock }),
  })
  return ok ? 'accepted' : String(code)
}
const opened = async (token: Uint8Array) =>
  (await registrar.registry.history(token)).filter(({ kind }) => kind === 'opened').length

describe('registrar and issuer apart', () => {
  it('issue what gates accept, and carry life-cycle steps over', async () => {
    const token = await enrolled(0)
    const [one, two] = await copiesFor(token, 2)
    if (!one || !two) throw new Error('no copies')
    expect(await atGate(one)).toBe('accepted')
    const step = { officer: 'desk-1' } as const
    await registrar.registry.freeze(token, { reason: 'device-lost', ...step })
    await registrar.followState(token)
    expect(await atGate(two)).toBe('ERR_VERIFIER_SUSPENDED')
    await expect(copiesFor(token, 1)).rejects.toMatchObject({ code: 'ERR_ISSUER_REVOKED' })
    await registrar.registry.unfreeze(token, { reason: 'matter-resolved', ...step })
    await registrar.followState(token)
    await registrar.followState(token)
    expect(await atGate(two)).toBe('accepted')
  })

  it('hold each its own: what signs with the one, what opens with the other, and no table in common', async () => {
    const token = await enrolled(1)
    await copiesFor(token, 1)
    expect(readdirSync(at('issuer')).sort()).toEqual(['issuer.json', 'pki'])
    const mine = readdirSync(at('registrar'))
    expect(mine).toEqual(expect.arrayContaining(['vault.json', 'registry.json', 'registrar.json']))
    expect(mine.filter((name) => name === 'issuer.json' || name === 'pki')).toEqual([])
    // Every secret text of one folder, looked for in all files of the other and in its database.
    const filesOf = (party: string) =>
      readdirSync(at(party), { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    const texts = (party: string) => [
      ...filesOf(party),
      ...[`${party}.db`, `${party}.db-wal`]
        .filter((name) => existsSync(at(name)))
        .map((name) => readFileSync(at(name), 'latin1')),
    ]
    const secretsOf = (party: string) => [
      ...new Set(filesOf(party).flatMap((text) => text.match(/(?<=")[\w-]{43}(?=")/g) ?? [])),
    ]
    for (const [own, other] of [
      ['registrar', 'issuer'],
      ['issuer', 'registrar'],
    ] as const) {
      const theirs = texts(other)
      expect(secretsOf(own).length).toBeGreaterThan(1)
      for (const secret of secretsOf(own)) {
        const raw = Buffer.from(fromBase64url(secret)).toString('latin1')
        expect(theirs.some((text) => text.includes(secret) || text.includes(raw))).toBe(false)
      }
    }
    const tables = async (name: string) => {
      const store = await openStore(at(name))
      const rows = await store.rows<{ name: string }>("select name from sqlite_master where type = 'table'")
      await store.close()
      return rows.map((row) => row.name).filter((table) => !/^(sqlite_|ctid_)/.test(table))
    }
    const [ofIssuer, ofRegistrar] = [await tables('issuer.db'), await tables('registrar.db')]
    expect(ofIssuer.filter((name) => !name.startsWith('issuer_'))).toEqual([])
    expect(ofRegistrar.filter((name) => name.startsWith('issuer_'))).toEqual([])
    expect(ofRegistrar.length).toBeGreaterThan(2)
  })

  it('make no second issuer’s key in the folder of a registrar', async () => {
    const group = await loadSodiumGroup()
    const options = { group, random: systemRandom, now: systemClock(), baseUrl }
    await expect(openKeyring(at('registrar'), options)).rejects.toMatchObject({
      code: 'ERR_ISSUER_ELSEWHERE',
    })
    expect(existsSync(at('registrar', 'issuer.json'))).toBe(false)
  })

  it('open no record for proofs that are not for this issuer, not of its nonces, or used', async () => {
    const token = await enrolled(2)
    const signers = await signersFor(1)
    const nonce = await registrar.nonce()
    const refused = async (proofs: readonly string[], code: string) =>
      expect(registrar.issueCopies(token, proofs, 'desk-1')).rejects.toMatchObject({ code })
    await refused(await proofsFor(signers, nonce, 'https://other.example'), 'ERR_ISSUER_PROOF')
    await refused(await proofsFor(signers, toBase64url(systemRandom(16))), 'ERR_ISSUER_PROOF_NONCE')
    expect(await opened(token)).toBe(0)
    const proofs = await proofsFor(signers, nonce)
    await registrar.issueCopies(token, proofs, 'desk-1')
    await refused(proofs, 'ERR_ISSUER_PROOF_NONCE')
    expect(await opened(token)).toBe(1)
  })

  it('write no step of a life while the issuer is away; an interrupted one is carried over by hand', async () => {
    const token = await enrolled(5)
    const [held] = await copiesFor(token, 1)
    if (!held) throw new Error('no copy')
    const { caller: name, secret } = credential
    const entry = JSON.stringify({ callers: [{ name, secret: toBase64url(secret) }] })
    writeFileSync(at('credential.json'), entry, { mode: 0o600 })
    const run = (action: string, url: string, ...more: string[]) =>
      registry.run(
        [
          ...[action, toHex(token), '--keys', at('registrar'), '--store', at('registrar.db')],
          ...['--issuer', url, '--issuer-credential', at('credential.json'), ...more],
        ],
        io,
      )
    const because = ['--reason', 'death', '--officer', 'desk-1']
    const nobody = 'http://127.0.0.1:1'
    await expect(run('revoke', nobody, ...because)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
    expect(await registrar.registry.lookup(token)).toMatchObject({ state: 'active' })
    // Killed between registry and issuer.
    await registrar.registry.revoke(token, { reason: 'death', officer: 'desk-1' })
    expect(await atGate(held)).toBe('accepted')
    await expect(run('follow', nobody)).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
    expect(await run('follow', service.url)).toBe(0)
    expect(await atGate(held)).toBe('ERR_VERIFIER_REVOKED')
    await expect(registry.run(['look', toHex(token), '--issuer', nobody], io)).rejects.toMatchObject({
      code: 'ERR_CLI_USAGE',
    })
  })

  it('the issuer looks at proofs and claims itself', async () => {
    const issuing = port()
    const { profile, subject } = credentialSubject(parseLegalRecord(people[3]), { now: systemClock() })
    const request = {
      subjectId: systemRandom(32),
      profile,
      subject,
      attestation: { kind: 'person', assurance: 'substantial' },
    } as const
    const signers = await signersFor(2)
    const issue = async (change: object, proofs?: readonly string[]) =>
      issuing.issue({ ...request, ...change }, proofs ?? (await proofsFor(signers, await issuing.nonce())))
    const refused = async (answer: Promise<unknown>, code: string) =>
      expect(answer).rejects.toMatchObject({ code })
    await refused(issue({}, await proofsFor(signers, 'a-nonce-of-nobody')), 'ERR_ISSUER_PROOF_NONCE')
    await refused(issue({}, ['not a proof']), 'ERR_ISSUER_PROOF')
    await refused(issue({}, []), 'ERR_ISSUER_BATCH')
    await refused(issue({ subject: { ...subject, shoe_size: 42 } }), 'ERR_CREDENTIAL_PROFILE')
    await refused(issue({ profile: { ...profile, vct: 'https://other.example/type' } }), 'ERR_ISSUER_REQUEST')
    await refused(issue({ subjectId: systemRandom(8) }), 'ERR_ISSUER_REQUEST')
    await refused(issue({ documentExpiresAt: 1 }), 'ERR_ISSUER_DOCUMENT_EXPIRED')
    expect(await issue({})).toHaveLength(2)
    expect(await issuing.setState(request.subjectId, 'revoked')).toBeGreaterThanOrEqual(2)
    await refused(issuing.setState(request.subjectId, 'valid'), 'ERR_ISSUER_REVOKED')
  })

  it('the issuer answers nobody without the secret, and each request once', async () => {
    const call = (path: string, text: string, authorization?: string) =>
      fetch(`${baseUrl}${path}`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(authorization ? { Authorization: authorization } : {}),
        },
        body: text,
      })
    const mac = (path: string, text: string, by = credential) =>
      authorizeCall({ evaluator: 0, method: 'POST', path, body: utf8(text) }, by, {
        now: systemClock(),
        random: systemRandom,
      })
    const stranger = { caller: 'registrar', secret: systemRandom(32) }
    const right = mac('/nonce', '{}')
    const statuses = [
      await call('/nonce', '{}'),
      await call('/nonce', '{}', mac('/nonce', '{}', stranger)),
      await call('/state', '{}', mac('/nonce', '{}')),
      await call('/nonce', '{"a":1}', mac('/nonce', '{}')),
      await call('/nonce', '{}', right),
      await call('/nonce', '{}', right),
      await call('/copies', '{"subjectId":1}', mac('/copies', '{"subjectId":1}')),
      await call(
        '/state',
        '{"subjectId":"","state":"valid"}',
        mac('/state', '{"subjectId":"","state":"valid"}'),
      ),
      await call('/copies', '[]', mac('/copies', '[]')),
    ].map(({ status }) => status)
    expect(statuses).toEqual([401, 401, 401, 401, 200, 401, 400, 400, 400])
    // To a desk that is no fault of its own.
    await expect(port({ credential: stranger }).nonce()).rejects.toMatchObject({
      code: 'ERR_ISSUER_UNAVAILABLE',
    })
  })
})

describe('an issuer that does not answer properly', () => {
  const answers: [string, RequestListener][] = [
    ['closes the connection', (request) => request.socket.destroy()],
    ['answers words', (_, response) => response.end('no')],
    ['answers something else', (_, response) => response.end('{"copies":"many","nonce":7}')],
    [
      'answers without end',
      (_, response) => {
        const more = () => {
          while (response.write(' '.repeat(65_536)));
        }
        response.on('drain', more)
        more()
      },
    ],
    ['sends elsewhere', (_, response) => response.writeHead(307, { Location: `${baseUrl}/nonce` }).end()],
    [
      'refuses with a code of another kind',
      (_, response) => {
        response.writeHead(401).end('{"code":"ERR_TOKEN_CALLER"}')
      },
    ],
    [
      'refuses with no code of ours',
      (_, response) => response.writeHead(400).end('{"code":"ERR_ISSUER_PWNED"}'),
    ],
  ]
  it.each(answers)('%s: one typed error', async (_, listener) => {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const issuing = port({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    const unavailable = { code: 'ERR_ISSUER_UNAVAILABLE' }
    await expect(issuing.nonce()).rejects.toMatchObject(unavailable)
    await expect(issuing.setState(systemRandom(32), 'valid')).rejects.toMatchObject(unavailable)
    server.closeAllConnections()
    server.close()
  })

  it('is not asked at a plain http address of another machine, unless a closed network is vouched for', async () => {
    expect(() => port({ url: 'http://issuer:8080' })).toThrow(/ERR_TOKEN_REQUEST|https/)
    expect(() => port({ url: 'http://issuer:8080', plainHttp: true })).not.toThrow()
    expect(() => port({ url: 'ftp://issuer', plainHttp: true })).toThrow()
  })
})

describe('an issuer’s process', () => {
  const main = join(dirname(fileURLToPath(import.meta.url)), '../../src/cli/main.ts')
  const start = async (...args: string[]): Promise<{ child: ChildProcess; url: string; port: number }> => {
    const child = spawn(process.execPath, ['--import', 'tsx', main, 'copies', ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    return { child, ...(JSON.parse(line) as { url: string; port: number }) }
  }

  it('killed while it issues, and started again, goes on; every copy that was received can be revoked', async () => {
    const callers = ['--callers', at('process-callers.json')]
    const { child: adding } = await start('add-caller', 'registrar', ...callers)
    await once(adding, 'exit')
    copyFileSync(at('process-callers.json'), at('process-credential.json'))
    const files = ['--keys', at('process-keys'), '--store', at('process.db')]
    const serve = (...more: string[]) => start('serve', ...callers, ...files, ...more)
    let { child, url, port: fixed } = await serve('--base-url', 'http://localhost:8080')
    const issuing = port({ url, credential: await readCredential(at('process-credential.json')) })
    const party = await openRegistrarParty({
      ...shared,
      keysFolder: at('process-registrar'),
      storeUrl: ':memory:',
      issuing,
    })
    try {
      const { token, entry } = await party.enrol(people[4])
      const issueThree = async () => {
        const proofs = await proofsFor(await signersFor(3), await party.nonce(), 'http://localhost:8080')
        return party.issueCopies(token, proofs, 'desk-1')
      }
      let received = 0
      const places = new Set<string>()
      const take = (copies: Awaited<ReturnType<typeof issueThree>>) => {
        for (const { status } of copies) places.add(`${status.list}/${status.index}`)
        received += copies.length
      }
      take(await issueThree())
      const codes = new Set<string>()
      const client = (async () => {
        for (let attempt = 0; attempt < 200 && codes.size === 0; attempt++) {
          await issueThree().then(take, (error: { code: string }) => codes.add(error.code))
        }
      })()
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
      await client
      expect([...codes]).toEqual(['ERR_ISSUER_UNAVAILABLE'])
      await expect(issuing.ready()).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
      ;({
        child,
        url,
        port: fixed,
      } = await serve(...['--base-url', 'http://localhost:8080', '--port', String(fixed)]))
      take(await issueThree())
      expect(places.size).toBe(received)
      // Those whose answer was lost have their places as well: they fall with the others.
      expect(await issuing.setState(entry.id, 'revoked')).toBeGreaterThanOrEqual(received)
    } finally {
      await party.close()
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    }
  })
})
