// The witness protocol, answer by answer (C2SP tlog-witness), and a log that will not publish without its witnesses.
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  COSIGNATURE,
  cosignWith,
  createWitness,
  formatAddCheckpoint,
  LOG_SIGNATURE,
  leafHash,
  memoryWitnessStore,
  noteSigner,
  openCheckpoint,
  proveConsistency,
  registryLog,
  signCheckpoint,
  verifyReceipt,
  type WitnessStore,
} from '#ctid/transparency'
import { fileWitnessStore, openFileLog } from '../../src/transparency/node.ts'
import { memorySource, tileFiles, treeHash } from './memory-tiles.ts'

const origin = 'log.example/w'
const logSigner = noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(1))
const entries = Array.from({ length: 20 }, (_, i) => Buffer.from(`e${i}`))
const noteAt = (size: number) =>
  signCheckpoint({ origin, size, root: treeHash(entries.slice(0, size).map(leafHash)) }, [logSigner])
const witnessOf = (seed: number, store: WitnessStore = memoryWitnessStore()) =>
  createWitness({
    signer: noteSigner(`witness.example/${seed}`, COSIGNATURE, new Uint8Array(32).fill(seed)),
    logs: [{ origin, keys: [logSigner.key] }],
    store,
    clock: () => 1_800_000_000 + seed,
  })
const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ctid-witness-'))
  folders.push(folder)
  return folder
}
const source = memorySource(tileFiles(entries))

describe('add-checkpoint', () => {
  it('cosigns first sight and growth, and its lines verify under the checkpoint', async () => {
    const witness = witnessOf(2)
    const first = await witness.addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))
    expect(first.status).toBe(200)
    const proof = await proveConsistency(source, 7, 20)
    const note = await noteAt(20)
    const second = await witness.addCheckpoint(formatAddCheckpoint(7, proof, note))
    expect(second.status).toBe(200)
    const policy = { origin, logKey: logSigner.key, witnesses: [witness.key], threshold: 1 }
    expect((await openCheckpoint(note + second.body, policy)).cosigners).toEqual([
      { name: 'witness.example/2', time: 1_800_000_002 },
    ])
    expect((await witness.addCheckpoint(formatAddCheckpoint(20, [], note))).status).toBe(200)
  })

  it('answers as the specification says', async () => {
    const witness = witnessOf(2)
    await witness.addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))
    const good = await proveConsistency(source, 7, 20)
    const note20 = await noteAt(20)
    const stranger = noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(9))
    const root = new Uint8Array(32)
    const unknown = noteSigner('unknown.example', LOG_SIGNATURE, new Uint8Array(32).fill(1))
    const ask = async (body: string) => {
      const { status, body: answer, contentType } = await witness.addCheckpoint(body)
      return status === 409 ? [status, answer, contentType] : status
    }
    expect(await ask(formatAddCheckpoint(3, good, note20))).toEqual([409, '7\n', 'text/x.tlog.size'])
    expect(await ask(formatAddCheckpoint(0, [], note20))).toEqual([409, '7\n', 'text/x.tlog.size'])
    expect(await ask(formatAddCheckpoint(7, good.slice(1), note20))).toBe(422)
    expect(await ask(formatAddCheckpoint(7, good, await noteAt(3)))).toBe(400)
    expect(await ask(formatAddCheckpoint(7, [root], await noteAt(7)))).toBe(422)
    expect(
      await ask(formatAddCheckpoint(7, [], await signCheckpoint({ origin, size: 7, root }, [logSigner]))),
    ).toEqual([409, '7\n', 'text/x.tlog.size'])
    expect(
      await ask(formatAddCheckpoint(7, good, await signCheckpoint({ origin, size: 20, root }, [stranger]))),
    ).toBe(403)
    const foreign = { origin: 'unknown.example', size: 1, root }
    expect(await ask(formatAddCheckpoint(0, [], await signCheckpoint(foreign, [unknown])))).toBe(404)
    for (const body of [
      '',
      'old 7\n',
      `old 07\n\n${note20}`,
      `old 7\nnot base64\n\n${note20}`,
      `new 7\n\n${note20}`,
    ]) {
      expect(await ask(body)).toBe(400)
    }
    expect(await ask(formatAddCheckpoint(7, Array(64).fill(root), note20))).toBe(400)
    // None of these moved it.
    expect(await ask(formatAddCheckpoint(7, good, note20))).toBe(200)
  })

  it('of two racing extensions of one size cosigns one, never both', async () => {
    const witness = witnessOf(2)
    await witness.addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))
    const answers = await Promise.all(
      [20, 15].map(async (size) => {
        const tiles = memorySource(tileFiles(entries.slice(0, size)))
        return witness.addCheckpoint(
          formatAddCheckpoint(7, await proveConsistency(tiles, 7, size), await noteAt(size)),
        )
      }),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  it('is one witness in two processes as well: of two histories it cosigns one', async () => {
    const folder = await newFolder()
    const store = await fileWitnessStore(folder)
    const other = await fileWitnessStore(folder)
    await witnessOf(2, store).addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))
    const forked = entries.map((entry, i) => (i < 7 ? entry : Buffer.concat([entry, entry])))
    const extend = async (of: readonly Uint8Array[], through: WitnessStore) => {
      const checkpoint = { origin, size: 20, root: treeHash(of.map(leafHash)) }
      const proof = await proveConsistency(memorySource(tileFiles(of)), 7, 20)
      const request = formatAddCheckpoint(7, proof, await signCheckpoint(checkpoint, [logSigner]))
      return witnessOf(2, through).addCheckpoint(request)
    }
    const answers = await Promise.all([extend(entries, store), extend(forked, other)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  it('keeps one piece of evidence of one statement, however many lines strangers add to it', async () => {
    const folder = await newFolder()
    const witness = witnessOf(2, await fileWitnessStore(folder))
    await witness.addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))
    const note = await noteAt(20)
    for (let i = 10; i < 15; i++) {
      const request = formatAddCheckpoint(7, [], `${note}— stranger.example AAAA${i}AAAAAA\n`)
      expect((await witness.addCheckpoint(request)).status).toBe(422)
    }
    const kept = (await readdir(folder)).filter((name) => name.endsWith('.evidence'))
    expect(kept).toHaveLength(1)
    expect(await readFile(join(folder, String(kept[0])), 'utf8')).toBe(note)
  })

  it('says by a code that its disk refuses, and goes on when it no longer does', async () => {
    const folder = await newFolder()
    const witness = witnessOf(2, await fileWitnessStore(folder))
    const ask = async () => witness.addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))
    await rm(folder, { recursive: true })
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' })
    await mkdir(folder)
    expect((await ask()).status).toBe(200)
  })

  it('keeps its memory on disk', async () => {
    const folder = await newFolder()
    await witnessOf(2, await fileWitnessStore(folder)).addCheckpoint(
      formatAddCheckpoint(0, [], await noteAt(7)),
    )
    const restarted = witnessOf(2, await fileWitnessStore(folder))
    expect(await restarted.addCheckpoint(formatAddCheckpoint(0, [], await noteAt(7)))).toMatchObject({
      status: 409,
      body: '7\n',
    })
  })
})

describe('a log with three witnesses, two needed', () => {
  it('publishes with any two, acknowledges nothing with one, and its receipts meet the policy offline', async () => {
    const witnesses = [2, 3, 4].map((seed) => witnessOf(seed))
    const down = new Set<number>()
    const clients = witnesses.map((witness, i) => ({
      key: witness.key,
      addCheckpoint: (request: string) =>
        down.has(i) ? Promise.reject(new Error('unreachable')) : witness.addCheckpoint(request),
    }))
    const log = await openFileLog({
      directory: await newFolder(),
      origin,
      signers: [logSigner],
      cosign: cosignWith({ witnesses: clients, threshold: 2 }),
    })
    const policy = { origin, logKey: logSigner.key, witnesses: witnesses.map(({ key }) => key), threshold: 2 }
    const append = async (from: number, to: number) => {
      const batch = entries.slice(from, to)
      const receipts = await registryLog(log).append(batch)
      for (const [i, receipt] of receipts.entries()) await verifyReceipt(batch[i] as Buffer, receipt, policy)
      return receipts.map(({ index }) => index)
    }
    expect(await append(0, 3)).toEqual([0, 1, 2])
    down.add(0)
    expect(await append(3, 9)).toEqual([3, 4, 5, 6, 7, 8])
    down.add(1)
    await expect(append(9, 12)).rejects.toMatchObject({ code: 'ERR_LOG_WITNESSES' })
    expect(log.published().size).toBe(9)
    down.clear()
    // Repeated after the outage: the same places; the witness that slept catches up through its 409.
    expect(await append(9, 12)).toEqual([9, 10, 11])
    await log.close()
  })
})
