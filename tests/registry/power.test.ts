// Power cuts. A kill leaves the kernel's page cache whole, so it cannot show a missing fsync; here the writes of a real
// run are recorded by strace and replayed to a random moment, where unsynchronised writes survive wholly, partly, torn,
// or not at all. FULL must lose nothing; the controls NORMAL and OFF must lose something, else this test shows nothing.
// Runs with CTID_FULL=1 where strace exists. The durability of directory entries is not modelled.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fromHex, toHex } from '#ctid/base'
import { openStore } from '#ctid/store'
import { ENROLLER } from './processes.ts'
import { seeded } from './setting.ts'

const wanted = process.env['CTID_FULL'] === '1'
const possible = spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0
if (wanted && !possible) console.warn('skipped: no strace, so no power cuts')

const directory = wanted && possible ? mkdtempSync(join(tmpdir(), 'ctid-power-')) : ''
afterAll(() => (directory === '' ? undefined : rmSync(directory, { recursive: true })))

type Operation =
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly length: number }
  | { readonly kind: 'sync' | 'unlink'; readonly file: string }
  | { readonly kind: 'acknowledge'; readonly tokens: readonly string[] }

function record(name: string, synchronous: string): Operation[] {
  const database = join(directory, `${name}.db`)
  const trace = join(directory, `${name}.trace`)
  const calls = 'trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink'
  execFileSync(
    'strace',
    ['-y', '-xx', '-s', '70000', '-e', calls, '-o', trace, process.execPath, ENROLLER].concat([
      database,
      '0',
      '400',
      'mixed',
      '6',
      synchronous,
    ]),
    { stdio: 'ignore' },
  )
  const text = (escaped: string) => Buffer.from(escaped.replaceAll('\\x', ''), 'hex')
  const operations: Operation[] = []
  let ready = false
  for (const line of readFileSync(trace, 'latin1').split('\n')) {
    const call = /^(\w+)\((?:(\d+)<([^>]*)>)?(?:, )?(?:"([^"]*)")?(?:, )?(\d+)?(?:, (\d+))?\)/.exec(line)
    if (!call) continue
    const [, what = '', fd, path = '', data = '', first = '0', second = '0'] = call
    const file = basename(text(path).toString())
    if (what === 'write' && fd === '1') {
      const words = text(data).toString()
      if (words === 'ready\n') operations.length = mark(operations)
      const tokens = [...words.matchAll(/^\d+ \w+ ([0-9a-f]{64})$/gm)].map(([, token = '']) => token)
      ready ||= tokens.length > 0
      if (tokens.length > 0) operations.push({ kind: 'acknowledge', tokens })
    } else if (what === 'unlink') operations.push({ kind: 'unlink', file: basename(text(data).toString()) })
    else if (!file.startsWith(`${name}.db`) || file.endsWith('-shm')) continue
    else if (what === 'pwrite64') {
      operations.push({ kind: 'write', file, offset: Number(second), bytes: text(data) })
    } else if (what === 'ftruncate') operations.push({ kind: 'truncate', file, length: Number(first) })
    else if (what === 'fsync' || what === 'fdatasync') operations.push({ kind: 'sync', file })
  }
  expect(ready).toBe(true)
  return operations
}

// Everything before the first enrolment counts as having reached the disk: the control is about enrolment.
function mark(operations: Operation[]): number {
  for (const file of new Set(operations.flatMap((one) => ('file' in one ? [one.file] : [])))) {
    operations.push({ kind: 'sync', file })
  }
  return operations.length
}

class Disk {
  readonly durable = new Map<string, Buffer>()
  readonly pending = new Map<string, Operation[]>()

  apply(operation: Operation): void {
    if (operation.kind === 'acknowledge') return
    const { file } = operation
    if (operation.kind === 'unlink') {
      this.durable.delete(file)
      this.pending.delete(file)
    } else if (operation.kind === 'sync') {
      this.durable.set(file, replay(this.durable.get(file), this.pending.get(file) ?? []))
      this.pending.delete(file)
    } else this.pending.set(file, [...(this.pending.get(file) ?? []), operation])
  }

  /** The files as a cut may leave them. */
  cut(survive: number, draw: () => number): Map<string, Buffer> {
    const files = new Map<string, Buffer>()
    for (const file of new Set([...this.durable.keys(), ...this.pending.keys()])) {
      const kept = (this.pending.get(file) ?? []).filter(() => draw() < survive)
      const torn = kept.map((one) =>
        one.kind === 'write' && draw() < 0.2
          ? { ...one, bytes: one.bytes.subarray(0, 512 * Math.floor((draw() * one.bytes.length) / 512)) }
          : one,
      )
      files.set(file, replay(this.durable.get(file), torn))
    }
    return files
  }
}

function replay(before: Buffer | undefined, operations: readonly Operation[]): Buffer {
  let content = Buffer.from(before ?? Buffer.alloc(0))
  for (const one of operations) {
    const length =
      one.kind === 'write'
        ? Math.max(content.length, one.offset + one.bytes.length)
        : one.kind === 'truncate'
          ? one.length
          : content.length
    if (length !== content.length) {
      const grown = Buffer.alloc(length)
      content.copy(grown, 0, 0, Math.min(length, content.length))
      content = grown
    }
    if (one.kind === 'write') one.bytes.copy(content, one.offset)
  }
  return content
}

/** Cuts the power `cuts` times and counts the cuts after which an acknowledged token was missing. */
async function cutPower(name: string, synchronous: string, cuts: number) {
  const operations = record(name, synchronous)
  const bytes = seeded(`cuts ${name}`)
  const draw = () => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32
  const start = operations.findIndex(({ kind }) => kind === 'acknowledge')
  const moments = Array.from({ length: cuts }, () => start + Math.floor(draw() * (operations.length - start)))
  moments.sort((a, b) => a - b)
  const disk = new Disk()
  const acknowledged: string[] = []
  let done = 0
  const found = { cuts, losing: 0, lost: 0, broken: 0, acknowledged: 0 }
  for (const [round, moment] of moments.entries()) {
    for (; done < moment; done++) {
      const operation = operations[done] as Operation
      if (operation.kind === 'acknowledge') acknowledged.push(...operation.tokens)
      else disk.apply(operation)
    }
    const place = mkdtempSync(join(directory, 'cut-'))
    for (const [file, content] of disk.cut([0, 0.3, 0.7, 1][round % 4] ?? 0, draw)) {
      writeFileSync(join(place, file), content)
    }
    const missing = await missingAfterCut(join(place, `${name}.db`), acknowledged)
    found.acknowledged = acknowledged.length
    found.lost += missing.lost
    if (missing.lost > 0) found.losing += 1
    if (missing.broken) found.broken += 1
    rmSync(place, { recursive: true })
  }
  console.info(`power cuts, ${synchronous}: ${JSON.stringify(found)}`)
  return found
}

async function missingAfterCut(path: string, acknowledged: readonly string[]) {
  try {
    const store = await openStore(path)
    const rows = await store.find<{ token: Uint8Array }>(
      'registry_by_token',
      ['token'],
      acknowledged.map(fromHex),
    )
    const present = new Set(rows.map(({ token }) => toHex(token)))
    const [halves] = await store.rows<{ n: number }>(
      `select (select count(*) from registry_by_token t left join registry_by_rec r on r.rec = t.rec and r.token = t.token where r.rec is null)
        + (select count(*) from registry_by_rec r left join registry_by_token t on t.token = r.token where t.token is null) as n`,
    )
    const check = await store.rows<{ integrity_check: string }>('pragma integrity_check')
    await store.close()
    const lost = new Set(acknowledged).size - present.size
    return { lost, broken: halves?.n !== 0 || check[0]?.integrity_check !== 'ok' }
  } catch {
    return { lost: acknowledged.length, broken: true }
  }
}

describe.skipIf(!wanted || !possible)('a power cut', () => {
  it('loses nothing that was acknowledged under FULL', async () => {
    const found = await cutPower('full', 'FULL', 400)
    expect(found).toMatchObject({ lost: 0, losing: 0, broken: 0 })
    expect(found.acknowledged).toBeGreaterThan(300)
  })

  it.each(['NORMAL', 'OFF'])('control: %s loses acknowledged people', async (synchronous) => {
    const found = await cutPower(synchronous.toLowerCase(), synchronous, 100)
    expect(found.losing).toBeGreaterThan(0)
  })
})
