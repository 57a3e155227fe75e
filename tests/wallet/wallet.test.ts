// The wallet: one copy for one verifier, stored before shown, and a preview that hides nothing.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { systemRandom, toBase64url } from '#ctid/base'
import { generateSigner, type Signer } from '#ctid/crypto'
import { type DynamicCode, makeAttestation, memoryRelay, parseCode } from '#ctid/qr'
import { resolveOnline, verifyCode } from '#ctid/verifier'
import { createWallet, memoryStorage, type Wallet, type WalletStorage, webDeviceKeys } from '#ctid/wallet'
import { fileDeviceKeys, fileStorage } from '../../src/wallet/node.ts'
import { bundled } from '../programs.ts'
import { claims, gate, issuer, NOW } from '../verifier/scene.ts'

const folders: string[] = []
afterAll(() => folders.map((folder) => rmSync(folder, { recursive: true })))
const refused = (code: string) => expect.objectContaining({ code })

let now = NOW
function newWallet(storage: WalletStorage = memoryStorage()): Wallet {
  return createWallet({ storage, keys: webDeviceKeys(systemRandom), random: systemRandom, clock: () => now })
}

async function fill(
  wallet: Wallet,
  count: number,
  changes: Parameters<typeof claims>[0] = {},
): Promise<void> {
  await wallet.refill(count, (signers) => Promise.all(signers.map((signer) => issue(signer, changes))))
}
async function issue(signer: Signer, changes: Parameters<typeof claims>[0] = {}) {
  return { attestation: await makeAttestation(claims({ ...changes, holderKey: signer.publicJwk }), issuer) }
}

describe('showing', () => {
  it('makes codes that a verifier accepts, one for each half minute', async () => {
    now = NOW
    const wallet = newWallet()
    await fill(wallet, 2)
    const context = gate({ clock: () => now })
    const showing = await wallet.show({ verifier: 'city library', kind: 'person', bindToVerifier: true })
    const first = await showing.current()
    expect(first.secondsLeft).toBe(30 - (NOW % 30))
    expect((await verifyCode(first.text, context)).ok).toBe(true)
    now += first.secondsLeft
    const second = await showing.current()
    expect(second.text).not.toBe(first.text)
    expect((await verifyCode(second.text, context)).ok).toBe(true)
    now = NOW
  })

  it('never shows one copy to two verifiers: nothing in two codes is equal that could be', async () => {
    const wallet = newWallet()
    await fill(wallet, 2)
    const codes = []
    for (const verifier of ['library', 'pharmacy']) {
      const { text } = await (await wallet.show({ verifier, kind: 'person' })).current()
      codes.push(parseCode(text) as DynamicCode)
    }
    const [one, two] = codes.map(({ attestation, message }) =>
      [attestation.handle, attestation.holderKey, attestation.message.signature, message.signature].map(
        (bytes) => toBase64url(bytes ?? new Uint8Array()),
      ),
    )
    for (const value of one ?? []) expect(two).not.toContain(value)
    await expect(wallet.show({ verifier: 'cinema', kind: 'person' })).rejects.toEqual(
      refused('ERR_WALLET_EMPTY'),
    )
  })

  it('gives each of many showings at once its own copy', async () => {
    const wallet = newWallet()
    await fill(wallet, 5)
    const attempts = Array.from({ length: 8 }, (_, i) => wallet.show({ verifier: `v${i}`, kind: 'person' }))
    const results = await Promise.allSettled(attempts)
    const copies = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.copy.id] : []))
    expect(new Set(copies).size).toBe(5)
    expect(copies).toHaveLength(5)
  })

  it('stores the spending before the code leaves: a failing storage shows nothing, a second wallet nothing twice', async () => {
    const storage = memoryStorage()
    const keys = webDeviceKeys(systemRandom)
    const open = (over: WalletStorage) =>
      createWallet({ storage: over, keys, random: systemRandom, clock: () => NOW })
    await fill(open(storage), 1)
    const broken: WalletStorage = {
      update: async (change) => {
        await storage.update((text) => ({ text: text ?? '', result: change(text) }))
        throw new Error('disk full')
      },
    }
    await expect(open(broken).show({ verifier: 'a', kind: 'person' })).rejects.toThrow('disk full')
    await open(storage).show({ verifier: 'a', kind: 'person' })
    await expect(open(storage).show({ verifier: 'b', kind: 'person' })).rejects.toEqual(
      refused('ERR_WALLET_EMPTY'),
    )
  })

  it('warns when few are left', async () => {
    const wallet = newWallet()
    await fill(wallet, 5)
    expect(await wallet.stock()).toEqual([{ kind: 'person', unused: 5, isLow: false }])
    expect((await wallet.show({ verifier: 'a', kind: 'person' })).isLow).toBe(false)
    const second = await wallet.show({ verifier: 'b', kind: 'person' })
    expect(second).toMatchObject({ remaining: 3, isLow: true })
    await fill(wallet, 5)
    expect(await wallet.stock()).toEqual([{ kind: 'person', unused: 8, isLow: false }])
  })

  it('answers a challenge', async () => {
    const wallet = newWallet()
    await fill(wallet, 1)
    const challenge = systemRandom(12)
    const { text } = await (await wallet.show({ verifier: 'gate', kind: 'person', challenge })).current()
    expect((await verifyCode(text, gate({ expectedChallenge: challenge }))).ok).toBe(true)
  })

  it('leaves a code at a relay and shows the small token', async () => {
    const wallet = newWallet()
    await fill(wallet, 1)
    const relay = memoryRelay({ clock: () => NOW })
    const token = await (await wallet.show({ verifier: 'gate', kind: 'person' })).online(relay)
    expect((await verifyCode(await resolveOnline(token, relay), gate())).ok).toBe(true)
    await expect(resolveOnline(token, relay)).rejects.toEqual(refused('ERR_QR_RELAY_EMPTY'))
    expect((await wallet.history()).map(({ form }) => form)).toEqual(['dynamic', 'online'])
  })

  it('prints the paper form', async () => {
    const wallet = newWallet()
    await expect(wallet.paper('clinic')).rejects.toEqual(refused('ERR_WALLET_EMPTY'))
    const { holderKey: _, ...unbound } = claims({ assurance: 'low' })
    await wallet.receivePaper(await makeAttestation(unbound, issuer))
    expect((await verifyCode(await wallet.paper('clinic'), gate())).ok).toBe(true)
    await expect(wallet.receivePaper((await issue(await generateSigner())).attestation)).rejects.toEqual(
      refused('ERR_QR_CLAIMS'),
    )
  })
})

describe('receiving', () => {
  it('takes only copies of its own keys, each once, all or none', async () => {
    const wallet = newWallet()
    const [mine] = await wallet.prepareKeys(1)
    const good = await issue(mine as Signer)
    const foreign = await issue(await generateSigner())
    await expect(wallet.receive([good, foreign])).rejects.toEqual(refused('ERR_WALLET_COPY'))
    expect(await wallet.stock()).toEqual([])
    await expect(wallet.receive([good, good])).rejects.toEqual(refused('ERR_WALLET_COPY'))
    expect(await wallet.receive([good])).toBe(1)
    await expect(wallet.receive([good])).rejects.toEqual(refused('ERR_WALLET_COPY'))
    await expect(wallet.receive([{ attestation: new Uint8Array(3) }])).rejects.toEqual(refused('ERR_QR_COSE'))
  })

  it('prunes what has expired, with its keys', async () => {
    now = NOW
    const wallet = newWallet()
    await fill(wallet, 2, { expiresAt: NOW + 10 })
    const showing = await wallet.show({ verifier: 'a', kind: 'person' })
    now = NOW + 10
    await expect(showing.current()).rejects.toEqual(refused('ERR_WALLET_ENDED'))
    await expect(wallet.show({ verifier: 'a', kind: 'person' })).rejects.toEqual(refused('ERR_WALLET_EMPTY'))
    expect(await wallet.prune()).toBe(2)
    expect(await wallet.stock()).toEqual([])
    now = NOW
  })
})

describe('what the holder sees', () => {
  it('a preview that lists every value of the code, and spends nothing', async () => {
    const wallet = newWallet()
    await fill(wallet, 1)
    const preview = await wallet.preview('person')
    const { text } = await (await wallet.show({ verifier: 'a', kind: 'person' })).current()
    const { attestation } = parseCode(text) as DynamicCode
    const values = Object.fromEntries(preview.lines.map(({ name, value }) => [name, value]))
    expect(values).toMatchObject({
      handle: toBase64url(attestation.handle),
      'status-entry': '7/4711',
      kind: 'person',
      assurance: 'substantial',
      'holder-key': Buffer.from(attestation.holderKey ?? []).toString('hex'),
      'issuer-key': Buffer.from(attestation.kid).toString('hex'),
    })
    expect(preview.lines).toHaveLength(8)
    for (const { words } of preview.lines) expect(words.zh).toMatch(/[一-龥]/)
  })

  it('a history that only this wallet has, and can forget', async () => {
    const storage = memoryStorage()
    const wallet = newWallet(storage)
    await fill(wallet, 2)
    const { copy, current } = await wallet.show({ verifier: 'city library', kind: 'person' })
    expect(await wallet.history()).toEqual([
      { at: NOW, verifier: 'city library', form: 'dynamic', kind: 'person', copy: copy.id, claims: [] },
    ])
    await wallet.forgetHistory()
    expect(await wallet.history()).toEqual([])
    // Nor does what is left say that this wallet was there: the library has the handle of the copy, and this has no more.
    const left = await storage.update((text = '') => ({ text, result: text }))
    expect(left).not.toContain(copy.id)
    expect(left).not.toMatch(/spentAt|library/)
    expect(await wallet.stock()).toMatchObject([{ kind: 'person', unused: 1 }])
    expect((await current()).text).toMatch(/^CTD1:/)
  })
})

describe('keys and files', () => {
  it('WebCrypto keys cannot be exported', async () => {
    const kept: CryptoKey[] = []
    const keys = webDeviceKeys(systemRandom, {
      get: () => undefined,
      put: (_, { privateKey }) => void kept.push(privateKey),
      delete: () => undefined,
    })
    await keys.create()
    const [key] = kept
    expect(key?.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('pkcs8', key as CryptoKey)).rejects.toThrow()
  })

  it('on a disk: survives a restart, readable by its owner only, one writer at a time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctid-wallet-'))
    folders.push(folder)
    const open = () =>
      createWallet({
        storage: fileStorage(folder),
        keys: fileDeviceKeys(folder, systemRandom),
        random: systemRandom,
        clock: () => NOW,
      })
    await fill(open(), 3)
    const [a, b] = await Promise.all([
      open().show({ verifier: 'a', kind: 'person' }),
      open().show({ verifier: 'b', kind: 'person' }),
    ])
    expect(a.copy.id).not.toBe(b.copy.id)
    expect((await verifyCode((await a.current()).text, gate())).ok).toBe(true)
    expect(await open().stock()).toEqual([{ kind: 'person', unused: 1, isLow: true }])
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    expect(files).toHaveLength(4)
    for (const file of files) expect(statSync(join(file.parentPath, file.name)).mode & 0o777).toBe(0o600)
    expect(() => fileDeviceKeys(folder, systemRandom).signer('../wallet')).toThrow(refused('ERR_WALLET_KEY'))
  })

  it.each(['4194305', ''])('a lock left by a process that died is taken over: %j', async (left) => {
    const folder = mkdtempSync(join(tmpdir(), 'ctid-wallet-'))
    folders.push(folder)
    writeFileSync(join(folder, 'wallet.json.lock'), left)
    expect(await newWallet(fileStorage(folder)).stock()).toEqual([])
  })

  it('a disk that takes a part of the text only: the old text stays, and the writer is told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctid-wallet-'))
    folders.push(folder)
    writeFileSync(join(folder, 'wallet.json'), 'old')
    const program = await bundled(new URL('filler.ts', import.meta.url))
    const limited = `trap '' XFSZ; ulimit -f 8; exec '${process.execPath}' '${program}' '${folder}'`
    const { stdout } = await promisify(execFile)('bash', ['-c', limited])
    expect(stdout).toBe('EFBIG\n')
    expect(readFileSync(join(folder, 'wallet.json'), 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['wallet.json'])
  })

  it.each([
    ['no JSON', 'wallet'],
    ['another version', '{"version":2}'],
    [
      'a copy without attestation',
      '{"version":1,"waiting":[],"copies":[{"id":"x","keyName":"y"}],"history":[]}',
    ],
  ])('a stored text that is %s is refused and not overwritten', async (_, text) => {
    let kept = text
    const storage: WalletStorage = {
      update: (change) => {
        const { text: next, result } = change(kept)
        kept = next
        return result
      },
    }
    await expect(newWallet(storage).stock()).rejects.toEqual(refused('ERR_WALLET_STATE'))
    expect(kept).toBe(text)
  })
})
