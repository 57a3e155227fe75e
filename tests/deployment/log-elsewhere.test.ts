// A deployment whose log is kept by another process: what it acknowledged is in that log, cosigned; without the log, with a
// wrong token, or without the witnesses that it was told of, nothing is acknowledged.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemRandom } from '#ctid/base'
import { type DeploymentOptions, openDeployment } from '#ctid/deployment'
import { createApp, listen, logRouter, MAX_APPEND_BYTES } from '#ctid/http'
import { syntheticDocuments } from '#ctid/identity'
import {
  COSIGNATURE,
  checkLog,
  cosignWith,
  createWitness,
  encodeEntry,
  formatNoteKey,
  httpSource,
  LOG_SIGNATURE,
  memoryWitnessStore,
  noteSigner,
  openHttpLog,
  registryLog,
  verifyHolderReceipt,
} from '#ctid/transparency'
import type { Io } from '../../src/cli/command.ts'
import { command as registrar } from '../../src/cli/commands/registrar.ts'
import { openFileLog } from '../../src/transparency/node.ts'

const NOW = Date.parse('2026-11-24T03:25:49Z') / 1000
const TOKEN = 'append-to-the-log-please'
const folder = mkdtempSync(join(tmpdir(), 'ctid-log-elsewhere-'))
const people = syntheticDocuments({ seed: 'log-elsewhere', count: 3 })
const clock = () => NOW
const logSigner = noteSigner('log.example/ctid', LOG_SIGNATURE, systemRandom(32))
const witnessSigner = noteSigner('witness.example', COSIGNATURE, systemRandom(32))
const stranger = noteSigner('stranger.example', COSIGNATURE, systemRandom(32))

let url = ''
let close = async () => {}
beforeAll(async () => {
  const witness = createWitness({
    signer: witnessSigner,
    logs: [{ origin: logSigner.key.name, keys: [logSigner.key] }],
    store: memoryWitnessStore(),
    clock,
  })
  const log = await openFileLog({
    directory: join(folder, 'log'),
    origin: logSigner.key.name,
    signers: [logSigner],
    cosign: cosignWith({ witnesses: [witness], threshold: 1 }),
    clock,
  })
  const append = {
    log: registryLog(log),
    authorize: (request: { headers: { authorization?: string | undefined } }) =>
      request.headers.authorization === `Bearer ${TOKEN}` ? ('any' as const) : undefined,
  }
  const router = logRouter({ source: log.source, logKey: logSigner.key, append })
  const server = await listen(createApp({ routers: [router], maxBodyBytes: MAX_APPEND_BYTES }))
  url = `${server.url}/log`
  close = async () => {
    await server.close()
    await log.close()
  }
})
afterAll(async () => {
  await close()
  rmSync(folder, { recursive: true, force: true })
})

const elsewhere = (change: object = {}): NonNullable<DeploymentOptions['log']> => ({
  url,
  key: logSigner.key,
  token: TOKEN,
  witnessKeys: [witnessSigner.key],
  ...change,
})
const open = (name: string, log = elsewhere()) =>
  openDeployment({
    keysFolder: join(folder, name, 'keys'),
    storeUrl: ':memory:',
    clock,
    random: systemRandom,
    log,
  })
const policy = {
  origin: logSigner.key.name,
  logKey: logSigner.key,
  witnesses: [witnessSigner.key],
  threshold: 1,
}

describe('a log in a process of its own', () => {
  it('has what the deployment acknowledged, and gives holders their proof', async () => {
    const deployment = await open('whole')
    try {
      const { token } = await deployment.enrol({ ...people[0] })
      await deployment.enrol({ ...people[1] })
      await deployment.log?.epoch()
      const proof = await deployment.holderProof(token)
      if (!proof || !deployment.log) throw new Error('no proof')
      const { vrfPublicKey } = deployment.log
      await expect(
        verifyHolderReceipt(proof.claim, proof.receipt, { ...policy, vrfPublicKey }),
      ).resolves.toMatchObject({ epoch: 1 })
      const report = await checkLog({ source: httpSource(url), policy, clock })
      // The ceremony, two bindings with their events, one epoch.
      expect(report).toMatchObject({ ok: true, size: 6 })
    } finally {
      await deployment.close()
    }
  })

  it('is read to its end by a deployment that starts later', async () => {
    const deployment = await open('whole')
    try {
      const again = await deployment.log?.epoch()
      expect(again).toMatchObject({ number: 1 })
    } finally {
      await deployment.close()
    }
  })

  it('takes many entries and long ones, and receipts come in their order', async () => {
    const log = await openHttpLog({ url, token: TOKEN, policy })
    const before = log.published().size
    const long = 'x'.repeat(12_000)
    const entries = Array.from({ length: 300 }, (_, i) =>
      encodeEntry({
        form: 'public',
        type: 'policy',
        time: NOW,
        body: { hash: `${i}${i % 10 === 0 ? long : ''}` },
      }),
    )
    const { indexes, size } = await log.append(entries)
    expect(indexes).toEqual(entries.map((_, i) => before + i))
    expect(size).toBe(before + 300)
  })

  it.each([
    ['another token', { token: 'not-the-token-of-the-log' }, 'ERR_LOG_CLOSED'],
    ['a witness that the log does not ask', { witnessKeys: [stranger.key] }, 'ERR_LOG_WITNESSES'],
    ['another log key', { key: { ...stranger.key, name: logSigner.key.name } }, 'ERR_LOG_NOTE'],
    ['another origin', { key: { ...logSigner.key, name: 'log.example/other' } }, 'ERR_LOG_CHECKPOINT'],
    ['nobody there', { url: 'http://127.0.0.1:1/log' }, 'ERR_LOG_TILE'],
  ])('with %s nothing is acknowledged', async (_, change, code) => {
    await expect(open('refused', elsewhere(change))).rejects.toMatchObject({ code })
  })

  it('is named on the command line with its key and its token, or not at all', async () => {
    const run = (args: string[]) => registrar.run(args, io)
    const io: Io = {
      out: () => {},
      err: () => {},
      isTerminal: false,
      env: {},
      readStdin: async () => '',
      untilStopped: async () => {},
    }
    const at = (name: string) => join(folder, name)
    const vkey = formatNoteKey(logSigner.key)
    const callers = ['--callers', at('callers.json')]
    await run([...callers, '--add-caller', 'desk'])
    await expect(run([...callers, '--log', url])).rejects.toMatchObject({ code: 'ERR_CLI_USAGE' })
    writeFileSync(at('open'), TOKEN, { mode: 0o644 })
    await expect(
      run([...callers, '--log', url, '--log-key', vkey, '--log-token', at('open')]),
    ).rejects.toMatchObject({
      code: 'ERR_CLI_FILE',
      detail: 'the token is readable by others',
    })
  })
})
