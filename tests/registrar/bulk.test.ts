// Bulk enrolment: files cut into lines, lines into documents, threads that give what one desk gives, and a way back from
// every interruption.
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom, toHex, utf8 } from '#ctid/base'
import { bulkSetting, type Deployment, enrolFile, openDeployment } from '#ctid/deployment'
import { syntheticPeople } from '#ctid/identity'
import {
  type BulkEvent,
  type BulkPool,
  enrolBulk,
  formatOf,
  lineBlocks,
  linesOf,
  MAX_LINE_BYTES,
  openBlockWorker,
  parseCsvLine,
  parseLine,
  type WorkerSetting,
} from '#ctid/registrar'

const directory = mkdtempSync(join(tmpdir(), 'ctid-bulk-'))
let deployment: Deployment
beforeAll(async () => {
  deployment = await openDeployment({
    keysFolder: join(directory, 'keys'),
    storeUrl: join(directory, 'ctid.db'),
    clock: systemClock,
    random: systemRandom,
  })
})
afterAll(async () => {
  await deployment.close()
  rmSync(directory, { recursive: true })
})

const people = syntheticPeople({ seed: 'bulk test', count: 400 })
const jsonLines = (from: number, to: number) =>
  people
    .slice(from, to)
    .map((person) => `${JSON.stringify(person)}\n`)
    .join('')

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('lines', () => {
  it('are the same however the file is read', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', '汉', ',', '"', ' ', '\r'), maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        async (lines, piece, size, ends) => {
          const bytes = utf8(lines.join('\n') + (ends && lines.length > 0 ? '\n' : ''))
          const found: string[] = []
          let end = 0
          for await (const block of lineBlocks(inPieces(bytes, piece), { size })) {
            expect(block.firstLine).toBe(found.length + 1)
            expect(Buffer.from(bytes.subarray(end, block.end))).toEqual(Buffer.from(block.bytes))
            end = block.end
            found.push(...linesOf(block).map((one) => Buffer.from(one).toString()))
            expect(found.length).toBe(block.firstLine + block.lines - 1)
          }
          expect(end).toBe(bytes.length)
          const expected =
            bytes.length === 0 ? [] : Buffer.from(bytes).toString().replace(/\n$/, '').split('\n')
          expect(found).toEqual(expected.map((text) => text.replace(/\r$/, '')))
        },
      ),
      { seed: 8, numRuns: 200 },
    )
  })

  it('go on in the middle as if they had been read from the beginning', async () => {
    const bytes = utf8('one\ntwo\nthree\nfour')
    const [first] = await all(lineBlocks(inPieces(bytes, 5), { size: 2 }))
    const start = { offset: first?.end ?? 0, line: 3 }
    const rest = await all(lineBlocks(inPieces(bytes.subarray(start.offset), 5), { size: 2, start }))
    expect(rest).toMatchObject([{ firstLine: 3, lines: 2, end: bytes.length }])
  })

  it('that are endless take no memory and are refused', async () => {
    async function* endless() {
      for (let i = 0; i < 64; i++) yield new Uint8Array(65_536).fill(0x61)
      yield utf8('\nnext')
    }
    const [block] = await all(lineBlocks(endless(), { size: 10 }))
    const lines = linesOf(block ?? { bytes: new Uint8Array() })
    expect(lines.map((line) => line.length)).toEqual([MAX_LINE_BYTES + 1, 4])
    expect(() => parseLine(lines[0] as Uint8Array, { kind: 'json' })).toThrow('too long')
  })
})

describe('a line', () => {
  const csv = formatOf([utf8('\uFEFFdocumentNumber,name,validUntil')])

  it('of CSV is read as RFC 4180 says', () => {
    expect(parseCsvLine('a,,"b, ""c""",')).toEqual(['a', '', 'b, "c"', ''])
    expect(parseLine(utf8('11010519491231002X,张三,'), csv)).toEqual({
      documentType: 'resident-id',
      documentNumber: '11010519491231002X',
      name: '张三',
    })
    expect(parseLine(utf8('   '), csv)).toBeUndefined()
  })

  it.each([
    ['too few fields', '1,2'],
    ['too many fields', '1,2,3,4'],
    ['an open quote', '1,"2,3'],
    ['text behind a quote', '1,"2"x,3'],
    ['a quote within', '1,2"2,3'],
  ])('of CSV with %s is refused', (_, text) => {
    expect(() => parseLine(utf8(text), csv)).toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRAR_BULK_LINE' }),
    )
  })

  it('that is not UTF-8 is refused, not repaired', () => {
    expect(() => parseLine(Uint8Array.of(0x31, 0xff), { kind: 'json' })).toThrow('not UTF-8')
  })

  it.each([
    ['a blank line', ['', ' ', '{}']],
    ['a line that is too long', [`{${'x'.repeat(20_000)}`]],
    ['a line that is no JSON', ['123', '{}']],
    ['nothing but blank lines', ['', '\t']],
  ])('first in a file of objects may be %s', (_, lines) => {
    expect(formatOf(lines.map(utf8))).toEqual({ kind: 'json' })
  })

  it.each([
    'number,name',
    'documentNumber',
    'documentNumber,name,name',
    'documentNumber,name,password',
    '[]',
  ])('first in a file as "%s" is no header', (text) => {
    expect(() => formatOf([utf8(text), utf8('1,2')])).toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRAR_BULK_HEADER' }),
    )
  })
})

describe('a file', () => {
  it('is enrolled by threads to the tokens that the desk gives, bad lines set aside', async () => {
    const file = join(directory, 'mixed.csv')
    const rows = people
      .slice(0, 120)
      .map(({ documentType, issuingState, documentNumber, name, birthDate, sex, validUntil }) =>
        [documentType, issuingState, documentNumber, `"${name}"`, birthDate, sex, validUntil].join(','),
      )
    rows[20] = 'resident-id,CHN,110105194912310021,secret-name,,,'
    rows[50] = 'not a record'
    // A repeated person is no error.
    rows[70] = rows[3] ?? ''
    const header = 'documentType,issuingState,documentNumber,name,birthDate,sex,validUntil'
    writeFileSync(file, `${[header, ...rows].join('\r\n')}\r\n`)
    const events: BulkEvent[] = []
    const options = { file, workers: 2, prove: 'sampled', warmSeconds: 0, blockSize: 25 } as const
    const summary = await enrolFile(deployment, { ...options, onEvent: (event) => events.push(event) })

    expect(summary).toEqual({ lines: 121, created: 117, existing: 1, rejected: 2, finished: true })
    expect(events.filter(({ type }) => type === 'rejected')).toEqual([
      { type: 'rejected', line: 22, code: 'ERR_IDENTITY_CHECK_DIGIT' },
      { type: 'rejected', line: 52, code: 'ERR_REGISTRAR_BULK_LINE' },
    ])
    expect(JSON.stringify(events)).not.toContain('secret-name')
    expect(readFileSync(`${file}.rejected`, 'utf8')).toBe(`${header}\n${rows[20]}\n${rows[50]}\n`)
    expect(statSync(`${file}.rejected`).mode & 0o777).toBe(0o600)
    // Line numbers and codes, for whoever mends the lines: none of what they say.
    expect(readFileSync(`${file}.rejected.reasons`, 'utf8')).toBe(
      'line,code\n22,ERR_IDENTITY_CHECK_DIGIT\n52,ERR_REGISTRAR_BULK_LINE\n',
    )
    const beside = readdirSync(directory).filter((name) => name.startsWith('mixed.csv'))
    expect(beside.sort()).toEqual(['mixed.csv', 'mixed.csv.rejected', 'mixed.csv.rejected.reasons'])

    // The desk finds the same people under the same tokens.
    const again = await Promise.all([0, 19, 119].map((i) => deployment.enrol(people[i])))
    expect(again.map(({ status }) => status)).toEqual(['existing', 'existing', 'existing'])
    expect(await enrolFile(deployment, { ...options, workers: 1, prove: 'all' })).toMatchObject({
      created: 0,
      existing: 118,
    })
    expect(await deployment.registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 117 })
  })

  it('that is stopped goes on behind its checkpoint; a checkpoint of another file is refused', async () => {
    const file = join(directory, 'stopped.jsonl')
    writeFileSync(file, `${jsonLines(120, 160)}{"bad":1}\n${jsonLines(160, 240)}`)
    const stopping = new AbortController()
    const options = { file, workers: 1, prove: 'sampled', warmSeconds: 0, blockSize: 10 } as const
    const first = await enrolFile(deployment, {
      ...options,
      signal: stopping.signal,
      onEvent: ({ type }) => type === 'rejected' && stopping.abort(),
    })
    expect(first).toMatchObject({ finished: false, existing: 0, rejected: 1 })
    expect(first.created).toBeGreaterThanOrEqual(40)
    expect(first.created).toBeLessThan(120)
    const checkpoint = readFileSync(`${file}.checkpoint`, 'utf8')
    expect(statSync(`${file}.checkpoint`).mode & 0o777).toBe(0o600)

    // A kill between setting a line aside and the checkpoint leaves a line too many.
    appendFileSync(`${file}.rejected`, '{"bad":2}\n')
    appendFileSync(`${file}.rejected.reasons`, '99,ERR_REGISTRAR_BULK_LINE\n')
    const events: BulkEvent[] = []
    const rest = await enrolFile(deployment, { ...options, onEvent: (event) => events.push(event) })
    expect(events[0]).toEqual({ type: 'resumed', line: first.lines + 1 })
    expect(rest).toEqual({ lines: 121, created: 120, existing: 0, rejected: 1, finished: true })
    expect(readFileSync(`${file}.rejected`, 'utf8')).toBe('{"bad":1}\n')
    expect(readFileSync(`${file}.rejected.reasons`, 'utf8')).toMatch(/^line,code\n41,ERR_\w+\n$/)

    writeFileSync(`${file}.checkpoint`, checkpoint.replace(/"size":\d+/, '"size":1'))
    await expect(enrolFile(deployment, options)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRAR_BULK_CHECKPOINT' }),
    )
    writeFileSync(`${file}.checkpoint`, '{"checkpointOf":')
    await expect(enrolFile(deployment, options)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRAR_BULK_CHECKPOINT' }),
    )
  })

  it('has one run at a time; the lock of a dead one is taken over', async () => {
    const file = join(directory, 'twice.jsonl')
    writeFileSync(file, `{"bad":1}\n${jsonLines(0, 60)}`)
    const options = { file, workers: 1, prove: 'sampled', warmSeconds: 0, blockSize: 10 } as const
    const busy = { code: 'ERR_REGISTRAR_BULK_BUSY' }
    const others: Promise<unknown>[] = []
    const first = await enrolFile(deployment, {
      ...options,
      onReady: () => {
        others.push(expect(enrolFile(deployment, options)).rejects.toMatchObject(busy))
        const elsewhere = { ...options, rejectedFile: join(directory, 'other.rejected') }
        others.push(expect(enrolFile(deployment, elsewhere)).rejects.toMatchObject(busy))
      },
    })
    await Promise.all(others)
    expect(others).toHaveLength(2)
    expect(first).toMatchObject({ lines: 61, rejected: 1, finished: true })
    // The second run cut nothing off.
    expect(readFileSync(`${file}.rejected`, 'utf8')).toBe('{"bad":1}\n')
    const dead = JSON.stringify({ pid: 999_999_999, started: '1', id: 'x' })
    for (const name of [`${file}.checkpoint.lock`, `${file}.rejected.lock`]) writeFileSync(name, dead)
    expect(await enrolFile(deployment, options)).toMatchObject({ rejected: 1, finished: true })
    expect(readdirSync(directory).filter((name) => name.includes('.lock'))).toEqual([])
  })

  it.each([
    ['is a folder', () => directory],
    ['is not there', () => join(directory, 'nowhere.csv')],
  ])('that %s is refused with a code, and leaves nothing behind', async (_, path) => {
    const options = { file: path(), workers: 1, prove: 'sampled', warmSeconds: 0 } as const
    await expect(enrolFile(deployment, options)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRAR_BULK_FILE' }),
    )
    expect(existsSync(`${path()}.rejected`)).toBe(false)
  })

  it('of which one person conflicts still enrols the others of the block', async () => {
    const setting = await bulkSetting(deployment, { prove: 'all' })
    const worker = await openBlockWorker(setting, deps())
    const format = { kind: 'json' } as const
    const ring: never[] = []
    // Without the registry's half: anchors and records, and a registry that refuses one of them.
    const { registry: _, ...registrarOnly } = setting
    const half = await openBlockWorker(registrarOnly, deps())
    const bytes = utf8(jsonLines(240, 245))
    const answer = await half.run({ bytes, firstLine: 1, format, hasHeader: false })
    expect(answer.drafts).toEqual([])
    expect(answer.applications).toHaveLength(5)
    const [, unlucky] = answer.applications
    const registry = {
      ...deployment.registry,
      enrolMany: async (applications: Parameters<Deployment['registry']['enrolMany']>[0]) => {
        if (applications.some(({ anchor }) => toHex(anchor) === toHex(unlucky?.anchor ?? new Uint8Array()))) {
          const { CtidError } = await import('#ctid/base')
          throw new CtidError('ERR_REGISTRY_CONFLICT')
        }
        return deployment.registry.enrolMany(applications)
      },
    }
    const set: string[] = []
    const summary = await enrolBulk(
      { read: () => inPieces(bytes, 100) },
      {
        pool: poolOf(half),
        registry,
        journal: {
          resume: async () => undefined,
          record: async (_state, { lines }) =>
            void set.push(...lines.map((line) => Buffer.from(line).toString())),
          finish: async () => {},
        },
      },
      { drafts: false, sampled: false },
    )
    expect(summary).toEqual({ lines: 5, created: 4, existing: 0, rejected: 1, finished: true })
    expect(set.join('')).toContain(people[241]?.documentNumber)
    await expect(worker.run({ bytes, firstLine: 1, format, hasHeader: false, ring })).rejects.toThrow()
  })
})

describe('an evaluator that lies', () => {
  it('is named and ends a sampled run; with proofs it is routed around', async () => {
    const setting = await bulkSetting(deployment, { prove: 'sampled' })
    if (setting.evaluators.kind !== 'shares') throw new Error('shares expected')
    const [one, two, three] = setting.evaluators.shares
    if (!one || !two || !three) throw new Error('three shares expected')
    const liar = { ...one, secret: two.secret }
    const lying: WorkerSetting = { ...setting, evaluators: { kind: 'shares', shares: [liar, two, three] } }
    const file = utf8(jsonLines(250, 260))
    const journal = { resume: async () => undefined, record: async () => {}, finish: async () => {} }
    const run = async (prove: 'all' | 'sampled') =>
      enrolBulk(
        { read: () => inPieces(file, 4096) },
        {
          pool: poolOf(await openBlockWorker({ ...lying, prove }, deps())),
          registry: deployment.registry,
          journal,
        },
        { drafts: true, sampled: prove === 'sampled' },
      )
    await expect(run('sampled')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REGISTRAR_BULK_LIE', detail: 'evaluator 1' }),
    )
    expect(await run('all')).toMatchObject({ created: 10 })
    const { token } = await deployment.enrol(people[250])
    expect((await deployment.registry.lookup(token))?.state).toBe('active')
  })
})

const deps = () => ({ group: deployment.group, random: systemRandom, clock: systemClock })

function poolOf(worker: Awaited<ReturnType<typeof openBlockWorker>>): BulkPool {
  return { workers: 1, run: (job) => worker.run(job), close: async () => {} }
}
