// The lock file: whole or not there, its owner's while that lives, and nobody else's afterwards.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CtidError } from '#ctid/base'
import { acquireLock } from '../../src/base/node.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctid-lock-'))
afterAll(() => rmSync(folder, { recursive: true }))
const busy = new CtidError('ERR_DEPLOYMENT_LOCKED')
let count = 0
const fresh = () => join(folder, String(++count))

describe('a lock', () => {
  it('is one process’s until it lets go', () => {
    const path = fresh()
    const lock = acquireLock(path, busy)
    expect(() => acquireLock(path, busy)).toThrow(busy)
    lock.release()
    expect(lock.held()).toBe(false)
    acquireLock(path, busy).release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['that is empty: its writer was killed, or the disk was full', ''],
    ['of a process that has ended', JSON.stringify({ pid: 4_194_305, started: '1', id: 'x' })],
    [
      'of a process whose number is another’s now',
      JSON.stringify({ pid: process.pid, started: '1', id: 'x' }),
    ],
  ])('%s is taken over', (_title, text) => {
    const path = fresh()
    writeFileSync(path, text)
    const lock = acquireLock(path, busy)
    expect(lock.held()).toBe(true)
    expect(() => acquireLock(path, busy)).toThrow(busy)
    lock.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('of another machine is not', () => {
    const path = fresh()
    writeFileSync(path, JSON.stringify({ pid: 4_194_305, started: '1', id: 'x', host: 'there' }))
    expect(() => acquireLock(path, busy, { host: 'here' })).toThrow(busy)
    acquireLock(path, busy, { host: 'there' }).release()
  })

  it('leaves nothing behind where it cannot be written', () => {
    expect(() => acquireLock(join(folder, 'nowhere', 'lock'), busy)).toThrow(/ENOENT/)
    expect(readdirSync(folder)).toEqual([])
  })
})
