// Two auditors that share no code with the library, only its specification, judge what is made here: a whole log on
// files with its witnesses, and what a holder took home. And they notice what was changed.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  COSIGNATURE,
  cosignWith,
  createDirectory,
  createWitness,
  encodeEntry,
  epochEntry,
  formatNoteKey,
  LOG_SIGNATURE,
  memoryWitnessStore,
  noteSigner,
} from '#ctid/transparency'
import { openFileLog } from '../../src/transparency/node.ts'
import vectors from '../vectors/transparency.json' with { type: 'json' }

const folder = mkdtempSync(join(tmpdir(), 'ctid-auditor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const fill = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const run = (script: string, args: readonly string[]) =>
  new Promise<{ code: number; out: string }>((resolve) => {
    const path = new URL(`auditor/${script}`, import.meta.url).pathname
    execFile(process.execPath, [path, ...args], (error, out) => {
      resolve({ code: error ? Number(error.code) : 0, out })
    })
  })

describe('a log of 600 entries with two witnesses', () => {
  it('is read, tile by tile, and an altered tile of the second level is named', async () => {
    const origin = 'log.example/independent'
    const signer = noteSigner(origin, LOG_SIGNATURE, fill(1))
    const witnesses = [2, 3].map((byte) =>
      createWitness({
        signer: noteSigner(`witness.example/${byte}`, COSIGNATURE, fill(byte)),
        logs: [{ origin, keys: [signer.key] }],
        store: memoryWitnessStore(),
        clock: () => 1_800_000_000,
      }),
    )
    const directory = join(folder, 'log')
    const cosign = cosignWith({ witnesses, threshold: 2 })
    const log = await openFileLog({ directory, origin, signers: [signer], cosign })
    const rules = encodeEntry({ form: 'public', type: 'rule-set', time: 1, body: { hash: 'a' } })
    for (const count of [5, 300, 294]) await log.append(Array(count).fill(rules))
    await log.append([encodeEntry(epochEntry(1, createDirectory().roots()))])
    await log.close()
    const keys = [signer.key, ...witnesses.map(({ key }) => key)].map(formatNoteKey)
    expect(await run('auditor.mjs', [directory, ...keys])).toEqual({
      code: 0,
      out: 'ok: 600 entries, 0 bindings, 1 epochs\n',
    })
    const stranger = formatNoteKey(noteSigner('witness.example/2', COSIGNATURE, fill(9)).key)
    expect((await run('auditor.mjs', [directory, keys[0] ?? '', stranger])).out).toContain(
      'signature of witness',
    )
    const tile = readFileSync(join(directory, 'tile/1/000.p/2'))
    tile[0] = (tile[0] ?? 0) ^ 1
    writeFileSync(join(directory, 'tile/1/000.p/2'), tile)
    expect(await run('auditor.mjs', [directory, ...keys])).toEqual({ code: 1, out: 'tile/1/000.p/2\n' })
  })
})

describe("a holder's receipt", () => {
  const keys = [
    noteSigner('log.example/vectors', LOG_SIGNATURE, fill(1)),
    noteSigner('witness.example/1', COSIGNATURE, fill(2)),
  ].map(({ key }) => formatNoteKey(key))
  let files = 0
  const hex = (byte: number) => Buffer.from(fill(byte)).toString('hex')
  const judge = (receipt: Record<string, string>, { record = 10, token = 20, version = 1 } = {}) => {
    const file = join(folder, `holder-${files++}.json`)
    writeFileSync(file, JSON.stringify(receipt))
    const { publicKey } = vectors.vrf
    return run('holder.mjs', [file, hex(record), hex(token), String(version), publicKey, ...keys])
  }

  it('of the vectors is right for its record, its token and its version, and for no other', async () => {
    expect(await judge(vectors.holder)).toEqual({ code: 0, out: 'ok: entry 0, epoch 1, no later version\n' })
    expect((await judge(vectors.holder, { record: 11 })).out).toContain('recordVrf: proof')
    expect((await judge(vectors.holder, { token: 21 })).out).toContain('tokenVrf: proof')
    expect((await judge(vectors.holder, { version: 2 })).out).toContain('nextVrf: proof')
  })

  it('with any part altered is refused, and the part is named', async () => {
    const altered = (name: keyof typeof vectors.holder, at: number) => {
      const bytes = Buffer.from(vectors.holder[name], 'base64url')
      const place = at < 0 ? bytes.length + at : at
      bytes[place] = (bytes[place] ?? 0) ^ 1
      return { ...vectors.holder, [name]: bytes.toString('base64url') }
    }
    const found = await Promise.all([
      judge(altered('recordVrf', 40)),
      judge(altered('tokenProof', -1)),
      judge(altered('epoch', 20)),
      judge({ ...vectors.holder, entryReceipt: vectors.holder.entryReceipt.replace('index 0', 'index 1') }),
    ])
    expect(found.map(({ code }) => code)).toEqual([1, 1, 1, 1])
    for (const [i, what] of ['recordVrf: proof', 'tokenProof: root', 'epochReceipt: inclusion'].entries()) {
      expect(found[i]?.out).toContain(what)
    }
    expect(found[3]?.out).toContain('entryReceipt: inclusion')
  })
})
