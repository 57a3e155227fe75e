// The commands show, scan and verify: from a wallet's copy to a picture, from the picture to a table of checks.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom, toHex } from '#ctid/base'
import { makeAttestation } from '#ctid/qr'
import { createStatusList, STATUS_INVALID, setStatus, signStatusToken } from '#ctid/status'
import { formatNoteKey, LOG_SIGNATURE, noteSigner } from '#ctid/transparency'
import { parsePolicy } from '#ctid/verifier'
import { createWallet } from '#ctid/wallet'
import type { Command, Io } from '../../src/cli/command.ts'
import { command as scan } from '../../src/cli/commands/scan.ts'
import { command as show } from '../../src/cli/commands/show.ts'
import { command as verifier } from '../../src/cli/commands/verifier.ts'
import { command as verify } from '../../src/cli/commands/verify.ts'
import { fileDeviceKeys, fileStorage } from '../../src/wallet/node.ts'
import { claims, issuer, policy, trustList } from './scene.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctid-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const now = systemClock()

async function run(command: Command, args: readonly string[], isTerminal = false, stdin = '') {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    isTerminal,
    env: {},
    readStdin: async () => stdin,
    untilStopped: async () => undefined,
  }
  return { exit: await command.run(args, io), out: out.join('\n'), err: err.join('\n') }
}

const list = createStatusList(8192, 1)
const uri = 'https://issuer.example/status/7'
const times = { uri, now, expiresInSeconds: 3600, ttlSeconds: 300 }
writeFileSync(at(encodeURIComponent(uri)), await signStatusToken(list, issuer, times))
const keys = trustList.issuers[0]?.keys.map((key) => ({ ...key, notBefore: now - 60, notAfter: now + 3600 }))
const trust = {
  ...trustList,
  issuedAt: now - 60,
  expiresAt: now + 3600,
  issuers: trustList.issuers.map((entry) => ({ ...entry, keys })),
}
writeFileSync(at('trust.json'), JSON.stringify(trust))
writeFileSync(at('policy.json'), JSON.stringify(policy))
const logKey = formatNoteKey(noteSigner('log.example/copies', LOG_SIGNATURE, new Uint8Array(32).fill(1)).key)
const log = { key: logKey, witnesses: [], threshold: 0 }
writeFileSync(at('logged.json'), JSON.stringify({ ...policy, log }))
const common = ['--trust', at('trust.json'), '--policy', at('policy.json'), '--status', folder]

const device = fileDeviceKeys(at('wallet'), systemRandom)
const storage = fileStorage(at('wallet'))
const wallet = createWallet({ storage, keys: device, random: systemRandom, clock: systemClock })
const signers = await wallet.prepareKeys(6)
await wallet.receive(
  await Promise.all(
    signers.map(async ({ publicJwk }) => ({
      attestation: await makeAttestation(
        claims({ holderKey: publicJwk, issuedAt: now - 60, expiresAt: now + 3600 }),
        issuer,
      ),
    })),
  ),
)
const fromWallet = ['--wallet', at('wallet'), '--verifier', 'city library']

describe('show, scan, verify', () => {
  it('go from a copy to a picture to an accepted code', async () => {
    const challenge = toHex(systemRandom(12))
    const shown = await run(show, [
      ...fromWallet,
      '--bind',
      '--challenge',
      challenge,
      '--png',
      at('code.png'),
      '--json',
    ])
    const { text, version, remaining } = JSON.parse(shown.out)
    expect([shown.exit, version, remaining]).toEqual([0, 12, 5])
    expect((await run(scan, [at('code.png')])).out).toBe(text)
    const verified = await run(verify, ['--image', at('code.png'), ...common, '--challenge', challenge])
    expect(verified.out).toContain('ACCEPTED')
    expect(verified.out).toMatch(/✓ +Answers our challenge +passed/)
    expect(verified.out).toMatch(/– +Health outcome +not executed/)
    expect(verified.exit).toBe(0)
    expect(JSON.parse((await run(scan, [at('code.png'), '--json'])).out)).toEqual({ text, form: 'dynamic' })
  })

  it('refuse with exit code 1 and the reason, in both languages', async () => {
    const { out: text } = await run(show, [...fromWallet])
    const challenge = ['--challenge', toHex(new Uint8Array(12))]
    const english = await run(verify, [text, ...common, ...challenge])
    expect([english.exit, english.out]).toEqual([
      1,
      expect.stringContaining('REFUSED [ERR_VERIFIER_CHALLENGE]'),
    ])
    const chinese = await run(verify, ['-', ...common, ...challenge, '--lang', 'zh'], false, `${text}\n`)
    expect([chinese.exit, chinese.out]).toEqual([1, expect.stringContaining('拒绝')])
    const json = JSON.parse((await run(verify, [text, ...common, ...challenge, '--json'])).out)
    expect(json).toMatchObject({ ok: false, code: 'ERR_VERIFIER_CHALLENGE', form: 'dynamic' })
    expect(json.checks).toHaveLength(16)
  })

  it('see what was revoked, and do not accept without the list that the policy requires', async () => {
    const { out: text } = await run(show, fromWallet)
    const offline = await run(verify, [text, ...common, '--offline', '--json'])
    expect(JSON.parse(offline.out).code).toBe('ERR_VERIFIER_INCOMPLETE')
    setStatus(list, 4711, STATUS_INVALID)
    writeFileSync(at(encodeURIComponent(uri)), await signStatusToken(list, issuer, times))
    expect(JSON.parse((await run(verify, [text, ...common, '--json'])).out).code).toBe('ERR_VERIFIER_REVOKED')
  })

  it('draw on a terminal, and as SVG', async () => {
    const shown = await run(show, ['CTO1:ABC', '--svg', at('code.svg')])
    expect([shown.exit, shown.out]).toEqual([0, ''])
    expect((await run(show, ['CTO1:ABC'], true)).out).toContain('█')
    expect((await run(show, ['CTO1:ABC'])).out).toBe('CTO1:ABC')
  })

  it.each<[string, Command, string[], string]>([
    ['no text', show, [], 'ERR_CLI_USAGE'],
    ['a text that fits no code', show, ['lower case'], 'ERR_QR_RENDER'],
    ['a wallet without verifier', show, ['--wallet', at('wallet')], 'ERR_CLI_USAGE'],
    ['an empty wallet', show, ['--wallet', at('none'), '--verifier', 'x'], 'ERR_WALLET_EMPTY'],
    ['no file', scan, [], 'ERR_CLI_USAGE'],
    ['a file that is not there', scan, [at('nothing.png')], 'ERR_CLI_FILE'],
    ['a file that is no picture', scan, [at('trust.json')], 'ERR_QR_IMAGE'],
    ['no trust list', verify, ['CTD1:'], 'ERR_CLI_USAGE'],
    ['a policy as trust list', verify, ['CTD1:', '--trust', at('policy.json')], 'ERR_TRUST_LIST'],
    [
      'a trust list as policy',
      verify,
      ['CTD1:', '--trust', at('trust.json'), '--policy', at('trust.json')],
      'ERR_VERIFIER_POLICY',
    ],
    [
      'a policy that requires a log, for whose receipt a code has no room',
      verify,
      ['CTD1:', '--trust', at('trust.json'), '--policy', at('logged.json')],
      'ERR_VERIFIER_POLICY',
    ],
    [
      'a service for codes under such a policy',
      verifier,
      [
        '--workers',
        '1',
        '--trust',
        at('trust.json'),
        '--trust-anchor',
        at('trust.json'),
        '--policy',
        at('logged.json'),
      ],
      'ERR_VERIFIER_POLICY',
    ],
    [
      'a verifier of credentials with a log that cannot be meant',
      verifier,
      ['--log', at('policy.json'), '--keys', at('keys')],
      'ERR_VERIFIER_POLICY',
    ],
    [
      'a challenge that is no hexadecimal',
      verify,
      ['CTD1:', '--trust', at('trust.json'), '--challenge', 'xyz'],
      'ERR_CLI_USAGE',
    ],
  ])('refuse %s', async (_, command, args, code) => {
    await expect(run(command, args)).rejects.toMatchObject({ code })
  })
})

describe('a policy from a file', () => {
  const json = JSON.parse(JSON.stringify(policy))
  it('is read as it was written', () => expect(parsePolicy(json)).toEqual(policy))

  it.each([
    ['a misspelt member', { ...json, maxAge: 5 }],
    ['a member missing', { ...json, alternative: undefined }],
    ['an unknown check', { ...json, accept: { dynamic: { minAssurance: 'low', required: ['statsu'] } } }],
    ['an unknown level', { ...json, accept: { dynamic: { minAssurance: 'none', required: [] } } }],
    ['an unknown kind', { ...json, kinds: ['anybody'] }],
    ['seconds as text', { ...json, skewSeconds: '5' }],
    ['an array', []],
  ])('with %s is refused', (_, value) => {
    const cleaned = JSON.parse(JSON.stringify(value))
    expect(() => parsePolicy(cleaned)).toThrow(expect.objectContaining({ code: 'ERR_VERIFIER_POLICY' }))
  })
})
