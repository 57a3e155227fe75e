// Trustees behind HTTP and as processes of their own: same results, authenticated, refusals with their codes.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CtidError, systemRandom } from '#ctid/base'
import { type Group, loadSodiumGroup, nobleGroup, type Point } from '#ctid/crypto'
import {
  ANCHOR,
  AUDIT_PATH,
  convertBatch,
  directoryToJson,
  enrolInAudit,
  formatRequest,
  formatTrusteeKeys,
  httpTrustee,
  MAX_TRUSTEE_BODY_BYTES,
  parseDirectory,
  parseTrusteeKeys,
  publishReceiverKey,
  receive,
  type SectorEntry,
  type Trustee,
  trusteeShares,
} from '#ctid/pseudonym'
import { authorizeCall } from '#ctid/token'
import type { Io } from '../../src/cli/command.ts'
import { command as fusionCommand } from '../../src/cli/commands/fusion.ts'
import { command as trusteeCommand } from '../../src/cli/commands/trustee.ts'
import { createApp, type Listening, listen, trusteeRouter } from '../../src/http/index.ts'
import { makeWorld, NOW, oracle, receiverOf, syntheticAnchors, type World } from './world.ts'

let group: Group
let world: World
let anchors: Point[]
const servers: Listening[] = []
const remote: Trustee[] = []
const secretOf = (id: number) => new Uint8Array(32).fill(id)

beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'http' })
  anchors = syntheticAnchors(group, 3)
  for (const trustee of world.trustees) {
    const callers = new Map([['gateway', secretOf(trustee.id)]])
    const router = trusteeRouter({ trustee, callers, now: () => NOW })
    const server = await listen(createApp({ routers: [router], maxBodyBytes: MAX_TRUSTEE_BODY_BYTES }))
    servers.push(server)
    remote.push(clientOf(trustee.id, server.url))
  }
})
afterAll(() => Promise.all(servers.map((server) => server.close())))

function clientOf(id: number, url: string, secret = secretOf(id)): Trustee {
  const credential = { caller: 'gateway', secret }
  return httpTrustee(group, { id, url, credential, now: () => NOW, random: systemRandom })
}
const PAIR = 'health>audit'
type DirectoryPair = { factor: { shares: string[] }; strip: { shares: string[] } }
const codeOf = (action: Promise<unknown>) =>
  action.then(
    () => 'accepted',
    (error: unknown) => (error as CtidError).code,
  )

describe('trustees behind HTTP', () => {
  test('enrol and convert as in one process', async () => {
    const payloads = anchors.map(() => group.multiplyBase(group.randomScalar(world.random)))
    const enrolment = await world.request(ANCHOR, 'audit', anchors, { payloads })
    await enrolInAudit(enrolment, world.gateway({ trustees: remote }))
    const points = anchors.map((anchor) => oracle(world, anchor, 'health'))
    const batch = await world.request('health', 'transport', points)
    const { deliveries, faults } = await convertBatch(group, batch, world.gateway({ trustees: remote }))
    expect(faults).toEqual([])
    const rows = await receive(group, receiverOf(world, 'transport'), deliveries, { to: 'transport' })
    const expected = anchors.map((anchor) => String(oracle(world, anchor, 'transport')))
    expect(rows.map(({ point }) => String(point)).sort()).toEqual(expected.sort())
  })

  test('a refusal keeps its code; a dead trustee is named and replaced', async () => {
    const [point] = anchors.map((anchor) => oracle(world, anchor, 'health')) as [Point]
    const batch = await world.request('health', 'transport', [point])
    const [first, second, third] = remote as [Trustee, Trustee, Trustee]
    expect(await codeOf(first.convert(batch.request, 'nothing'))).toBe('ERR_PSEUDONYM_RECEIPT')
    const stale = await world.request('health', 'transport', [point], { nowSeconds: NOW - 1000 })
    expect(await codeOf(first.audit(stale.request))).toBe('ERR_PSEUDONYM_STALE')
    const trustees = [clientOf(1, 'http://127.0.0.1:9'), second, third]
    const { faults } = await convertBatch(group, batch, world.gateway({ trustees }))
    expect(faults).toEqual([
      { trustee: 1, half: 'audit', code: 'ERR_PSEUDONYM_TRUSTEES' },
      { trustee: 1, half: 'convert', code: 'ERR_PSEUDONYM_TRUSTEES' },
    ])
  })

  test('each call has a connection of its own: an idle one that was just closed would look like a dead trustee', async () => {
    const { request } = await world.request('health', 'transport', [
      oracle(world, anchors[0] as Point, 'health'),
    ])
    const [server] = servers as [Listening]
    const closing: (string | null)[] = []
    const watched: typeof fetch = async (url, init) => {
      const response = await fetch(url, init)
      closing.push(response.headers.get('connection'))
      return response
    }
    const credential = { caller: 'gateway', secret: secretOf(1) }
    const options = {
      id: 1,
      url: server.url,
      credential,
      now: () => NOW,
      random: systemRandom,
      fetch: watched,
    }
    const trustee = httpTrustee(group, options)
    await trustee.audit(request)
    await trustee.audit(request)
    expect(closing).toEqual(['close', 'close'])
  })

  test('strangers, other trustees’ secrets and plain addresses elsewhere are refused', async () => {
    const { request } = await world.request('health', 'transport', anchors.slice(0, 1))
    const url = servers[0]?.url as string
    expect(await codeOf(clientOf(1, url, secretOf(2)).audit(request))).toBe('ERR_TOKEN_CALLER')
    expect(await codeOf(clientOf(2, url).audit(request))).toBe('ERR_TOKEN_CALLER')
    const bare = await fetch(`${url}${AUDIT_PATH}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(formatRequest(request)),
    })
    expect(bare.status).toBe(401)
    expect(() => clientOf(1, 'http://trustee.example')).toThrow(/https/)
  })

  test.each([
    '{}',
    '[]',
    '{"header":1,"grant":"","rows":"","proof":""}',
    '{"header":"","grant":"","rows":"=","proof":""}',
    '{"header":"","grant":"","rows":"","proof":"","more":1}',
    '{"header":"","header":"","grant":"","rows":"","proof":""}',
  ])('a malformed body is a problem document: %s', async (body) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
  })

  test('a receipt has no place in the first half', async () => {
    const { request } = await world.request('health', 'transport', anchors.slice(0, 1))
    expect((await post(JSON.stringify(formatRequest(request)))).status).toBe(200)
    const response = await post(JSON.stringify(formatRequest(request, '')))
    expect(await response.json()).toMatchObject({ code: 'ERR_PSEUDONYM_REQUEST' })
  })

  async function post(body: string): Promise<Response> {
    const bytes = new TextEncoder().encode(body)
    const call = { evaluator: 1, method: 'POST', path: AUDIT_PATH, body: bytes } as const
    const credential = { caller: 'gateway', secret: secretOf(1) }
    return fetch(`${servers[0]?.url}${AUDIT_PATH}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: authorizeCall(call, credential, { now: NOW, random: systemRandom }),
      },
      body: bytes,
    })
  }
})

describe('files', () => {
  test('directory and key files come back as they were; anything else is refused', () => {
    const again = parseDirectory(group, JSON.parse(JSON.stringify(directoryToJson(world.directory))))
    expect(directoryToJson(again)).toEqual(directoryToJson(world.directory))
    expect(directoryToJson(parseDirectory(nobleGroup, directoryToJson(world.directory)))).toEqual(
      directoryToJson(world.directory),
    )
    const keys = {
      id: 2,
      shares: trusteeShares(world.ceremony, 2),
      callers: new Map([['gateway', secretOf(2)]]),
    }
    expect(parseTrusteeKeys(group, JSON.parse(JSON.stringify(formatTrusteeKeys(keys))))).toEqual(keys)
    const json = directoryToJson(world.directory)
    const broken = [
      null,
      {},
      { ...json, version: 2 },
      { ...json, envelope: 'AA' },
      { ...json, sectors: { X: {} } },
    ]
    for (const value of broken) expect(() => parseDirectory(group, value)).toThrow(/directory/)
    // One trustee alone, shares that are no sharing, too few of them, sectors that are not there, a member too many.
    const { factors } = json as unknown as { factors: Record<string, DirectoryPair> }
    const { factor, strip } = factors[PAIR] as DirectoryPair
    const swapped = { ...factor, shares: [...factor.shares].reverse() }
    const short = { ...strip, shares: strip.shares.slice(1) }
    for (const change of [
      { threshold: 1 },
      { threshold: 3 },
      { factors: { ...factors, [PAIR]: { factor: swapped, strip } } },
      { factors: { ...factors, [PAIR]: { factor, strip: short } } },
      { factors: { ...factors, 'health>nobody': { factor, strip } } },
      { audit: 'nobody' },
      { audit: ANCHOR },
      { more: 1 },
    ]) {
      expect(() => parseDirectory(group, { ...json, ...change }), JSON.stringify(change)).toThrow(/directory/)
    }
    // A receiving key made to cancel the envelope, k·G − W: nobody can prove possession of it.
    const k = group.randomScalar(world.random)
    const rogue = group.subtract(group.multiplyBase(k), world.directory.envelope)
    const { keyProof } = publishReceiverKey(group, 'health', k, { random: world.random })
    const health = { ...world.directory.sectors.get('health'), key: rogue, keyProof } as SectorEntry
    const sectors = new Map([...world.directory.sectors, ['health', health] as const])
    expect(() => parseDirectory(group, directoryToJson({ ...world.directory, sectors }))).toThrow(/directory/)
    const file = formatTrusteeKeys(keys)
    for (const value of [
      null,
      {},
      { ...file, trustee: 0 },
      { ...file, callers: { a: 'AA' } },
      { ...file, shares: 1 },
    ]) {
      expect(() => parseTrusteeKeys(group, value)).toThrow(/key file/)
    }
  })
})

describe('the commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ctid-trustees-'))
  const children: ChildProcess[] = []
  afterAll(() => {
    for (const child of children) child.kill('SIGTERM')
    rmSync(folder, { recursive: true })
  })
  const run = async (args: string[], command = fusionCommand): Promise<{ code: number; out: string[] }> => {
    const out: string[] = []
    const io: Io = {
      out: (line) => void out.push(line),
      err: () => {},
      isTerminal: false,
      env: {},
      readStdin: async () => '',
      untilStopped: async () => {},
    }
    return { code: await command.run(args, io), out }
  }
  const serve = async (id: number): Promise<string> => {
    const keys = join(folder, `trustee-${id}.json`)
    const args = ['trustee', 'serve', '--keys', keys, '--directory', join(folder, 'directory.json'), '--json']
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    for await (const line of createInterface({ input: child.stdout })) {
      return (JSON.parse(line) as { url: string }).url
    }
    throw new Error('the trustee did not start')
  }

  const cellsOf = ({ out }: { out: string[] }) => (JSON.parse(out[0] as string) as { cells: unknown[] }).cells
  const people = ['--people', '24', '--minimum-cell', '2', '--json']

  test('set-up, then a fusion with the trustees in this process', async () => {
    expect((await run(['set-up', '--out', folder, '--json'], trusteeCommand)).code).toBe(0)
    const { code, out } = await run(['--keys', folder, ...people])
    expect(code).toBe(0)
    expect(cellsOf({ out })).toContainEqual({ key: ['no', 'car'], count: 6 })
    const { record } = JSON.parse(out[0] as string) as { record: { to: string }[] }
    expect(record.map(({ to }) => to)).toEqual(['audit', 'health', 'transport', 'purpose.1', 'purpose.1'])
  })

  test.skipIf(!process.env['CTID_FULL'])(
    'the same with trustees as processes of their own, also when one is killed, and started again (set CTID_FULL=1)',
    async () => {
      const inProcess = await run(['--keys', folder, ...people])
      const flags = (await Promise.all([1, 2, 3].map(serve))).flatMap((url) => ['--trustee', url])
      expect(cellsOf(await run(['--keys', folder, ...people, ...flags]))).toEqual(cellsOf(inProcess))
      const dead = children[0] as ChildProcess
      const gone = new Promise((resolve) => dead.once('exit', resolve))
      dead.kill('SIGKILL')
      await gone
      expect(cellsOf(await run(['--keys', folder, ...people, ...flags]))).toEqual(cellsOf(inProcess))
      // Started again over the journal that it left, in the place of another.
      const again = ['--trustee', await serve(1), ...flags.slice(2, 4)]
      expect(cellsOf(await run(['--keys', folder, ...people, ...again]))).toEqual(cellsOf(inProcess))
    },
  )

  test('a wrong command line is said to be one', async () => {
    for (const args of [[], ['--keys', folder, '--people', '1'], ['--keys', folder, '--people', 'x']]) {
      expect(await codeOf(run(args))).toBe('ERR_CLI_USAGE')
    }
    for (const args of [[], ['set-up'], ['serve', '--keys', 'x'], ['other']]) {
      expect(await codeOf(run(args, trusteeCommand))).toBe('ERR_CLI_USAGE')
    }
    expect(await codeOf(run(['--keys', join(folder, 'none')]))).toBe('ERR_CLI_FILE')
  })
})
