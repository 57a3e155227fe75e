// The commands, over real HTTP: a log with two witnesses, appends, receipts, a monitor, fsck, and a person's own entries.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemRandom } from '#ctid/base'
import {
  checkLog,
  encodeEntry,
  formatAddCheckpoint,
  httpSource,
  makeCopyEntries,
  makePersonalEntry,
  openHttpLog,
  parseNoteKey,
  parseNoteSigner,
  registryLog,
  signCheckpoint,
  writerKey,
} from '#ctid/transparency'
import type { Command, Io } from '../../src/cli/command.ts'
import { command as audit } from '../../src/cli/commands/audit.ts'
import { command as log } from '../../src/cli/commands/log.ts'
import { command as monitor } from '../../src/cli/commands/monitor.ts'
import { command as witness } from '../../src/cli/commands/witness.ts'

let folder = ''
const stops: (() => void)[] = []
const services: Promise<number>[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctid-log-cli-'))
})
afterAll(async () => {
  for (const stop of stops) stop()
  await Promise.all(services)
  await rm(folder, { recursive: true, force: true })
})

function ioOf(env: Record<string, string> = {}) {
  const lines: string[] = []
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  const io: Io = {
    out: (line) => void lines.push(line),
    err: () => {},
    isTerminal: false,
    env,
    readStdin: async () => '',
    untilStopped: () => stopped,
  }
  return { io, lines, stop }
}
async function call(command: Command, args: string[]) {
  const { io, lines } = ioOf()
  const code = await command.run([...args, '--json'], io)
  return { code, ...(JSON.parse(lines.join('\n')) as Record<string, unknown>) }
}
async function start(command: Command, args: string[], env = {}): Promise<{ url: string; key: string }> {
  const { io, lines, stop } = ioOf(env)
  stops.push(stop)
  services.push(command.run([...args, '--json'], io))
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  return JSON.parse(lines[0] ?? '') as { url: string; key: string }
}

describe('ctid log, witness, monitor, audit', () => {
  it('work together', async () => {
    const file = (name: string) => join(folder, name)
    const keygen = (name: string, role: string) =>
      call(log, [
        'keygen',
        '--name',
        name,
        '--key-file',
        file(`${role}.key`),
        '--for',
        role.replace(/\d/, ''),
      ])
    const { key } = (await keygen('log.example/cli', 'log')) as unknown as { key: string }
    await keygen('w1.example', 'witness1')
    await keygen('w2.example', 'witness2')
    const witnesses: { url: string; key: string }[] = []
    for (const name of ['witness1', 'witness2']) {
      const keyFile = file(`${name}.key`)
      witnesses.push(await start(witness, ['--key-file', keyFile, '--dir', file(name), '--log', key]))
    }
    const asked = witnesses.flatMap((w) => ['--witness', `${w.key}=${w.url}`])
    const directory = file('log')
    const served = await start(
      log,
      ['serve', '--dir', directory, '--key-file', file('log.key'), ...asked, '--threshold', '2'],
      { CTID_LOG_TOKEN: 'secret' },
    )

    const auditKey = new Uint8Array(32).fill(1)
    const mine = makePersonalEntry('status-derivation', { colour: 'green' }, writerKey(auditKey, 'health'), {
      counter: 0,
      time: 1_700_000_000,
    }).entry
    const rules = encodeEntry({ form: 'public', type: 'rule-set', time: 1_700_000_000, body: { hash: 'h' } })
    const post = (authorization: string) =>
      fetch(`${served.url}/api/entries`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ entries: [rules, mine].map((e) => Buffer.from(e).toString('base64url')) }),
      })
    expect((await post('Bearer wrong')).status).toBe(404)
    const answer = await post('Bearer secret')
    expect(answer.status).toBe(200)
    const { receipts } = (await answer.json()) as { receipts: string[] }

    const trust = ['--key', key, ...witnesses.flatMap((w) => ['--witness', w.key]), '--threshold', '2']
    await writeFile(file('receipt'), receipts[1] ?? '')
    const hex = Buffer.from(mine).toString('hex')
    expect(await call(audit, ['receipt', file('receipt'), '--entry', hex, ...trust])).toMatchObject({
      code: 0,
      type: 'status-derivation',
      index: 1,
    })
    await expect(
      call(audit, ['receipt', file('receipt'), '--entry', `21${hex.slice(2)}`, ...trust]),
    ).rejects.toMatchObject({ code: 'ERR_LOG_RECEIPT' })
    expect(await call(audit, ['fsck', served.url, ...trust])).toMatchObject({ code: 0, ok: true, size: 2 })
    const state = ['--once', '--state', file('state')]
    expect(await call(monitor, [served.url, ...trust, ...state])).toMatchObject({ code: 0, newEntries: 2 })
    expect(await readFile(file('state'), 'utf8')).toContain('log.example/cli\n2\n')

    await writeFile(file('audit.key'), '01'.repeat(32))
    const own = ['own', served.url, '--audit-key-file', file('audit.key'), '--writer', 'health', ...trust]
    expect(await call(audit, own)).toMatchObject({ entries: [{ index: 1, type: 'status-derivation' }] })

    // The explorer's API, and that nothing but checkpoint and tiles can be read.
    const api = async (path: string) => (await fetch(`${served.url}/${path}`)).json()
    expect(await api('api/summary')).toMatchObject({ origin: 'log.example/cli', size: 2 })
    expect(await api('api/entries?start=0')).toMatchObject({
      entries: [{ type: 'rule-set' }, { form: 'personal' }],
    })
    expect(await api('api/inclusion?index=1')).toMatchObject({ index: 1, size: 2, proof: [{ side: 'left' }] })
    expect(await api('api/tree?index=0')).toMatchObject({ size: 2, height: 1 })
    const tile = await fetch(`${served.url}/tile/0/000.p/2`)
    expect(tile.headers.get('cache-control')).toContain('immutable')
    for (const path of ['journal', 'lock', 'tile/0/../../journal', 'tile/0/%2e%2e/journal', 'tile/0/001']) {
      expect((await fetch(`${served.url}/${path}`)).status).toBe(404)
    }

    // The operator edits a bundle on disk.
    const bundle = await readFile(join(directory, 'tile/entries/000.p/2'))
    bundle[bundle.length - 1] = (bundle.at(-1) as number) ^ 1
    await writeFile(join(directory, 'tile/entries/000.p/2'), bundle)
    expect(await call(audit, ['fsck', directory, ...trust])).toMatchObject({
      code: 1,
      alarms: [{ step: 'history', kind: 'altered-entry' }],
    })
  })
})

describe('ctid witness', () => {
  it('follows a log by its old and its new key, and one whose origin is not the name of its key', async () => {
    const keyOf = async (name: string, file: string) => {
      const made = await call(log, ['keygen', '--name', name, '--key-file', join(folder, file)])
      return (made as unknown as { key: string }).key
    }
    const old = await keyOf('log.example/keys', 'old.key')
    const young = await keyOf('log.example/keys', 'young.key')
    const other = await keyOf('keys.example', 'other.key')
    const keyFile = join(folder, 'keys-witness.key')
    await call(log, ['keygen', '--name', 'w3.example', '--key-file', keyFile, '--for', 'witness'])
    const { url } = await start(witness, [
      ...['--key-file', keyFile, '--dir', join(folder, 'keys-witness')],
      ...['--log', old, '--log', young, '--log', `other database tree=${other}`],
    ])
    const submit = async (file: string, origin: string) => {
      const signer = parseNoteSigner(await readFile(join(folder, file), 'utf8'))
      const note = await signCheckpoint({ origin, size: 1, root: new Uint8Array(32) }, [signer])
      const body = formatAddCheckpoint(0, [], note)
      return (await fetch(`${url}/add-checkpoint`, { method: 'POST', body })).status
    }
    expect(await submit('young.key', 'log.example/keys')).toBe(200)
    expect(await submit('old.key', 'log.example/keys')).toBe(409)
    expect(await submit('other.key', 'log.example/keys')).toBe(403)
    expect(await submit('other.key', 'other database tree')).toBe(200)
    expect(await submit('other.key', 'keys.example')).toBe(404)
  })
})

describe('an auditor that shares no code with the library', () => {
  const auditor = new URL('auditor/auditor.mjs', import.meta.url).pathname
  const runAuditor = (args: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      execFile(process.execPath, [auditor, ...args], (error, out) => {
        resolve({ code: error ? Number(error.code) : 0, out })
      })
    })

  it('reads and checks a log made here, and finds what is wrong with a second binding', async () => {
    const { key } = (await call(log, [
      ...['keygen', '--name', 'log.example/independent', '--key-file', join(folder, 'independent.key')],
    ])) as unknown as { key: string }
    const directory = join(folder, 'independent')
    const { createAuditor, epochEntry } = await import('#ctid/transparency')
    const see = createAuditor()
    const entries = Array.from({ length: 40 }, (_, i) => {
      const recordLabel = new Uint8Array(32).fill(i + 1)
      const tokenLabel = new Uint8Array(32).fill(200 - i)
      return encodeEntry({ form: 'binding', type: 'registration', epoch: 1, recordLabel, tokenLabel })
    })
    for (const [i, entry] of entries.entries()) see.see(i, entry)
    entries.push(encodeEntry(epochEntry(1, see.directory.roots())))
    const append = (list: Uint8Array[]) =>
      call(log, [
        ...['append', '--dir', directory, '--key-file', join(folder, 'independent.key')],
        ...list.map((entry) => Buffer.from(entry).toString('hex')),
      ])
    await append(entries)
    expect(await runAuditor([directory, key])).toEqual({
      code: 0,
      out: 'ok: 41 entries, 40 bindings, 1 epochs\n',
    })
    const recordLabel = new Uint8Array(32).fill(3)
    const second = {
      type: 'registration',
      epoch: 2,
      recordLabel,
      tokenLabel: new Uint8Array(32).fill(255),
    } as const
    await append([encodeEntry({ form: 'binding', ...second })])
    const found = await runAuditor([directory, key])
    expect(found.code).toBe(1)
    expect(found.out).toContain('entry 41: record label bound twice')
  })

  it('takes from an issuer its own kinds of entries, and no binding that would stand against the registry', async () => {
    const file = (name: string) => join(folder, name)
    const keygen = ['keygen', '--name', 'log.example/two', '--key-file', file('two.key')]
    const made = (await call(log, keygen)) as unknown as { key: string }
    for (const name of ['registry', 'issuer'])
      await writeFile(file(`${name}.token`), `${name.repeat(6)}\n`, { mode: 0o600 })
    const { url } = await start(log, [
      ...['serve', '--dir', file('two'), '--key-file', file('two.key')],
      ...['--token', file('registry.token'), '--issuer-token', file('issuer.token')],
    ])
    const policy = {
      origin: 'log.example/two',
      logKey: parseNoteKey(made.key),
      witnesses: [],
      threshold: 0,
    }
    const writer = async (name: string) => await openHttpLog({ url, token: name.repeat(6), policy })
    const bind = (token: number) =>
      encodeEntry({
        form: 'binding',
        type: 'registration',
        epoch: 1,
        recordLabel: new Uint8Array(32).fill(1),
        tokenLabel: new Uint8Array(32).fill(token),
      })
    const registry = registryLog(await writer('registry'))
    const issuer = registryLog(await writer('issuer'))
    await registry.append([bind(2)])
    await expect(issuer.append([bind(3)])).rejects.toMatchObject({ code: 'ERR_LOG_ENTRY' })
    const [copy] = makeCopyEntries(['thumbprint'], { time: 1_795_478_400, random: systemRandom })
    expect(await issuer.append([copy?.entry ?? new Uint8Array()])).toHaveLength(1)
    const report = await checkLog({ source: httpSource(url), policy })
    expect(report).toMatchObject({ ok: true, size: 2 })
  })
})

it('a log that ends its answer in the middle is refused by a code', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half', () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const read = httpSource(`http://127.0.0.1:${port}`).read('checkpoint')
    await expect(read).rejects.toMatchObject({ code: 'ERR_LOG_TILE' })
  } finally {
    server.close()
  }
})
