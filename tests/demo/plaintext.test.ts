// Guarantee G3 in the demo: its database, its log, every file it keeps and every answer of its parties, searched for
// the people of its town.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseLegalRecord } from '#ctid/identity'
import { residents, walkIns } from '../../demo/parties/town.ts'
import { leaksIn, type Trace } from '../leaks.ts'
import { type Demo, startDemo } from './browser.ts'

const PATHS = [
  '/console/rows',
  '/console/log',
  '/console/keys',
  '/console/tables',
  '/status/0',
  '/trust-list',
  '/anchor.pem',
  '/log/checkpoint',
  '/log/api/summary',
  '/log/api/entries',
  '/log/tile/entries/000.p/1',
  '/desk',
  '/health/rules',
]

let demo: Demo
const traces: Trace[] = []
const people = [...residents(), ...walkIns().map((document) => parseLegalRecord(document))]

beforeAll(async () => {
  demo = await startDemo()
  for (const path of PATHS) {
    const response = await fetch(demo.url + path)
    const body = Buffer.from(await response.arrayBuffer())
    traces.push({
      where: path,
      bytes: Buffer.concat([Buffer.from(JSON.stringify([...response.headers])), body]),
    })
  }
  for (const document of walkIns().slice(0, 3)) {
    const body = JSON.stringify({ document, key: {} })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${demo.url}/registrar/enrol`, { method: 'POST', headers, body })
    traces.push({ where: 'answer of the registrar', bytes: Buffer.from(await response.text()) })
  }
  const state = join(demo.folder, 'state')
  for (const entry of readdirSync(state, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    traces.push({ where: entry.name, bytes: readFileSync(join(entry.parentPath, entry.name)) })
  }
})
afterAll(() => demo?.stop())

describe('the demo', () => {
  it('leaves nobody’s name, number or birth date in a file or an answer', () => {
    expect(traces.length).toBeGreaterThan(20)
    expect(traces.some(({ where, bytes }) => where.startsWith('ctid.db') && bytes.length > 10_000)).toBe(true)
    expect(leaksIn(traces, people)).toEqual([])
  })
})
