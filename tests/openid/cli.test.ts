// The command line as an operator uses it: issuer and verifier in processes of their own, a wallet in files between them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemRandom } from '#ctid/base'
import type { Io } from '../../src/cli/command.ts'
import { command as wallet } from '../../src/cli/commands/wallet.ts'
import { createDevelopmentPki } from '../../src/trust/node.ts'

const TSX = join(import.meta.dirname, '../../node_modules/.bin/tsx')
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const running: ChildProcess[] = []
let folder: string
let issuer: Record<string, string>
let verifier: Record<string, string>

async function start(...args: string[]): Promise<Record<string, string>> {
  const child = spawn(TSX, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return JSON.parse(String(line))
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-openid-'))
  const keys = join(folder, 'keys')
  issuer = await start(
    'issuer',
    '--keys',
    keys,
    '--store',
    join(folder, 'ctid.db'),
    '--tx-code',
    '--status-ttl',
    '1',
  )
  verifier = await start('verifier', '--keys', keys)
})
afterAll(async () => {
  for (const child of running) child.kill()
  await Promise.all(running.map((child) => child.exitCode ?? once(child, 'exit')))
  rmSync(folder, { recursive: true })
})

async function ctidWallet(...args: string[]): Promise<{ code: number; document: Record<string, unknown> }> {
  const lines: string[] = []
  const io: Io = {
    out: (line) => void lines.push(line),
    err: () => {},
    isTerminal: false,
    env: { CTID_WALLET: join(folder, 'wallet') },
    readStdin: async () => '',
    untilStopped: async () => {},
  }
  const code = await wallet.run([...args, '--json'], io)
  return { code, document: JSON.parse(lines[0] ?? '{}') }
}
const post = async (url: string, body: unknown, type = 'application/json') =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const anchorFile = () => {
  const file = join(folder, 'anchor.pem')
  writeFileSync(file, issuer['anchor_pem'] ?? '')
  return file
}
const resultOf = async (request: Record<string, string>) => {
  const headers = { authorization: `Bearer ${request['result_secret']}` }
  return (await (await fetch(request['result_uri'] ?? '', { headers })).json()) as Record<string, unknown>
}

describe('ctid issuer, verifier and wallet', () => {
  it('work together from what the first lines say', async () => {
    const link = issuer['credential_offer_uri'] ?? ''
    const received = await ctidWallet('receive', link, '--tx-code', issuer['tx_code'] ?? '', '--count', '3')
    expect(received.document).toMatchObject({ ok: true, received: 3 })
    const request = verifier['authorization_request'] ?? ''
    const presented = await ctidWallet('present', request, '--yes', '--anchor', anchorFile())
    expect(presented.document).toMatchObject({ ok: true })
    expect((await resultOf(verifier))['state']).toBe('accepted')
    const { document } = await ctidWallet('list')
    const shown = (document['credentials'] as { shown: string }[]).filter((one) => one.shown !== '')
    expect(shown).toHaveLength(1)
    // Forgotten, the file does not say any more where its holder was.
    expect((await ctidWallet('forget')).document).toEqual({ ok: true, forgotten: 1 })
    const left = (await ctidWallet('list')).document['credentials'] as { shown: string }[]
    expect(left.map(({ shown }) => shown)).toEqual(['', ''])
    expect(readdirSync(join(folder, 'wallet', 'device-keys'))).toHaveLength(2)
  })

  it('give fresh offers and requests, and refuse what was revoked, naming the check', async () => {
    const offer = await (await post(`${issuer['url']}/offers`, { subject: 'person-2' })).json()
    await ctidWallet('receive', offer.credential_offer)
    const state = await post(`${issuer['url']}/subjects/person-2/state`, { state: 'revoked' })
    expect((await state.json()).copies).toBe(5)
    // The two copies of person 1 that are left come first.
    const ask = async () =>
      (await (await post(`${verifier['url']}/openid4vp/requests`, { preset: 'age' })).json()) as Record<
        string,
        string
      >
    const present = async (request: Record<string, string>) =>
      ctidWallet('present', request['authorization_request'] ?? '', '--yes', '--anchor', anchorFile())
    await present(await ask())
    await present(await ask())
    const last = await ask()
    // The verifier may keep the list from before the revocation for as long as its ttl says.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await expect(present(last)).rejects.toThrow(/invalid_request/)
    expect(await resultOf(last)).toMatchObject({ state: 'refused', code: 'ERR_STATUS_REVOKED' })
  })

  it('ask nobody whose certificate is unknown, until its anchor is added', async () => {
    const request = await (await post(`${verifier['url']}/openid4vp/requests`, { preset: 'age' })).json()
    await expect(ctidWallet('present', request.authorization_request, '--yes')).rejects.toThrow()
    const stranger = await createDevelopmentPki({ now: Math.floor(Date.now() / 1000), random: systemRandom })
    const added = await post(`${verifier['url']}/anchors`, stranger.anchorPem, 'application/x-pem-file')
    expect(await added.json()).toEqual({ added: 1, anchors: 2 })
    expect((await post(`${verifier['url']}/anchors`, 'x', 'text/plain')).status).toBe(400)
  })
})
