// What a power cut could take. A kill leaves the kernel's page cache whole, so it cannot show a missing fsync; here the
// system calls of a real run are recorded by strace, and at each moment that counts everything must have been synced.
// Runs with CTID_FULL=1 where strace exists.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const wanted = process.env['CTID_FULL'] === '1'
const possible = spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0
if (wanted && !possible) console.warn('skipped: no strace, so no power cuts')

const parent = wanted && possible ? mkdtempSync(join(tmpdir(), 'ctid-log-power-')) : ''
afterAll(() => (parent === '' ? undefined : rmSync(parent, { recursive: true })))
const directory = join(parent, 'log')

type Call =
  | { readonly what: 'write' | 'sync' | 'unlink'; readonly path: string }
  | { readonly what: 'rename'; readonly path: string; readonly to: string }
  | { readonly what: 'acknowledge' | 'sync-all' }

// The calls in the order in which they returned: of one that another thread interrupted, strace prints the end apart.
function trace(name: string, calls: number, maxJournalLength: number): Call[] {
  const file = join(parent, name)
  const script = fileURLToPath(new URL('appender.ts', import.meta.url))
  const strace = ['-f', '-y', '-s', '200', '-o', file]
  const filter = 'trace=write,pwrite64,writev,pwritev,fsync,fdatasync,syncfs,rename,unlink'
  const node = [
    process.execPath,
    '--import',
    'tsx',
    script,
    directory,
    String(calls),
    String(maxJournalLength),
  ]
  const run = spawnSync('strace', [...strace, '-e', filter, ...node], { encoding: 'utf8' })
  expect(run.stdout).toContain(`acknowledged ${calls - 1}\n`)
  const begun = new Map<string, string>()
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
      if (rest.endsWith('<unfinished ...>')) {
        begun.set(thread, rest)
        // What is written while the file system is synced may miss it.
        return rest.startsWith('syncfs(') ? callOf(rest) : []
      }
      if (rest.startsWith('<... syncfs')) return []
      return callOf(rest.startsWith('<... ') ? (begun.get(thread) ?? '') : rest)
    })
}

function callOf(text: string): Call[] {
  if (/^write\(1<.*"acknowledged /.test(text)) return [{ what: 'acknowledge' }]
  if (text.startsWith('syncfs(')) return [{ what: 'sync-all' }]
  const [, name = '', onFile, from = '', to = ''] =
    /^(\w+)\((?:\d+<([^>]*)>|"([^"]*)"(?:, "([^"]*)")?)/.exec(text) ?? []
  const path = onFile ?? from
  if (!path.startsWith(directory)) return []
  if (name === 'rename') return [{ what: 'rename', path, to }]
  if (name === 'unlink') return [{ what: 'unlink', path }]
  return [{ what: name.endsWith('sync') ? 'sync' : 'write', path }]
}

// Walks through the run: which files hold bytes that only memory has, when an append is acknowledged and when a journal
// is replaced by one that no longer has their entries.
function check(calls: readonly Call[], unsynced = new Set<string>()) {
  const journal = join(directory, 'journal')
  const faults: string[] = []
  const left = new Set(unsynced)
  let acknowledged = 0
  let rotations = 0
  for (const call of calls) {
    if (call.what === 'write') left.add(call.path)
    if (call.what === 'sync-all') left.clear()
    if (call.what === 'sync' || call.what === 'unlink') left.delete(call.path)
    if (call.what === 'rename') {
      if (call.to === journal) {
        if (acknowledged > 0) {
          rotations++
          faults.push(...[...left].filter((path) => path.includes('/tile/')).map((path) => `lost: ${path}`))
        }
        left.delete(journal)
      } else if (left.delete(call.path)) left.add(call.to)
    }
    if (call.what === 'acknowledge') {
      acknowledged++
      const needed = [journal, join(directory, 'checkpoint')].filter((path) => left.has(path))
      faults.push(...needed.map((path) => `acknowledged before ${path} was synced`))
    }
  }
  return { faults, acknowledged, rotations, left }
}

describe.runIf(wanted && possible)('a power cut', () => {
  it('takes no acknowledged entry and no tile, in a second run after a first that synced none either', () => {
    // The first run never begins its journal anew: its tiles are as the kernel has them.
    const first = check(trace('first', 20, 1e9))
    expect(first).toMatchObject({ faults: [], acknowledged: 20, rotations: 0 })
    const tiles = [...first.left].filter((path) => path.includes('/tile/'))
    expect(tiles.length).toBeGreaterThan(100)

    const second = check(trace('second', 60, 100_000), new Set(tiles))
    expect(second).toMatchObject({ faults: [], acknowledged: 60 })
    expect(second.rotations).toBeGreaterThan(2)

    // With so many tiles at once that the file system is synced as a whole; to twice the length, where the appending waits
    // for it.
    const calls = trace('third', 420, 2_000_000)
    const third = check(calls, second.left)
    expect(third).toMatchObject({ faults: [], acknowledged: 420 })
    expect(third.rotations).toBeGreaterThan(0)
    expect(calls.filter(({ what }) => what === 'sync-all').length).toBeGreaterThan(0)
  })
})
