// The structure of the library, enforced: which room may import which (some of these are privacy rules),
// which rooms run in a browser, which are public, and what every file must begin with.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }

const SRC = join(import.meta.dirname, '../src')

/** Room → rooms it may import. Directions are one way; what is not listed is forbidden. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  crypto: ['base'],
  store: ['base'],
  identity: ['base', 'crypto'],
  token: ['base', 'crypto'],
  pseudonym: ['base', 'crypto', 'token', 'trust'],
  transparency: ['base', 'crypto'],
  trust: ['base', 'crypto'],
  status: ['base', 'crypto', 'trust'],
  qr: ['base', 'crypto'],
  credential: ['base', 'crypto', 'trust', 'status'],
  health: ['base', 'crypto', 'qr', 'trust', 'credential', 'store', 'transparency'],
  registry: ['base', 'crypto', 'store', 'identity', 'token'],
  issuer: ['base', 'crypto', 'store', 'identity', 'token', 'trust', 'status', 'credential', 'qr'],
  wallet: ['base', 'crypto', 'qr', 'credential', 'status', 'transparency'],
  openid: ['base', 'crypto', 'trust', 'credential'],
  registrar: ['base', 'crypto', 'identity', 'token', 'registry', 'credential'],
  verifier: ['base', 'crypto', 'qr', 'credential', 'status', 'trust', 'transparency'],
}

/** Rooms that must also run in a browser: no node module may be reachable from their door. */
const BROWSER = [
  'base',
  'crypto',
  'identity',
  'trust',
  'status',
  'credential',
  'qr',
  'health',
  'wallet',
  'verifier',
  'openid',
  'transparency',
  'pseudonym',
]

/** Files that measure how long they wait, which is no statement about the time of day. */
const DEADLINES = new Set(['store/sqlite.ts', 'wallet/node.ts'])

const rooms = readdirSync(SRC, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)

function filesOf(room: string): string[] {
  return readdirSync(join(SRC, room), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] as string)
}

describe.each(rooms)('room %s', (room) => {
  const allowed = MAY_IMPORT[room]

  it('has a door that begins by saying what it is for', () => {
    const door = room === 'cli' ? 'main.ts' : 'index.ts'
    if (room === 'cli') {
      expect(readFileSync(join(SRC, room, door), 'utf8')).toMatch(/^#!.*\n\/\/ The `ctid` command: /)
      return
    }
    expect(readFileSync(join(SRC, room, door), 'utf8')).toMatch(new RegExp(`^// ${room}: `))
  })

  if (!allowed) return
  it('imports only rooms below it', () => {
    const foreign = filesOf(room).flatMap((file) =>
      importsOf(join(SRC, room, file))
        .filter((target) => target.startsWith('.'))
        .map(
          (target) =>
            join(SRC, room, file, '..', target)
              .slice(SRC.length + 1)
              .split('/')[0] as string,
        )
        .filter((target) => target !== room && !allowed.includes(target))
        .map((target) => `${file} imports ${target}`),
    )
    expect(foreign).toEqual([])
  })

  it('begins every file with what it is for, and leaves randomness and the clock to its callers', () => {
    for (const file of filesOf(room)) {
      const text = readFileSync(join(SRC, room, file), 'utf8')
      expect(text, `${room}/${file}`).toMatch(/^(#!.*\n)?(\/\/ |\/\*\*)/)
      expect(text, `${room}/${file}`).not.toMatch(/Math\.random\(|rejectUnauthorized/)
      if (!/Clock = /.test(text) && !DEADLINES.has(`${room}/${file}`) && !['http', 'cli'].includes(room)) {
        expect(text, `${room}/${file}`).not.toMatch(/Date\.now\(\)|new Date\(\)/)
      }
    }
  })
})

describe('the layering', () => {
  it('has a rule for every room but those on top', () => {
    const top = ['cli', 'deployment', 'http']
    expect(rooms.filter((room) => !(room in MAY_IMPORT)).sort()).toEqual(top)
  })
})

describe('in a browser', () => {
  it.each(BROWSER.filter((room) => rooms.includes(room)))('%s reaches no node module', async (room) => {
    const result = await build({
      entryPoints: [join(SRC, room, 'index.ts')],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      external: ['libsodium-wrappers-sumo'],
      logLevel: 'silent',
    })
    const outside = Object.values(result.metafile.outputs).flatMap((output) =>
      output.imports.map((target) => target.path),
    )
    expect(outside.filter((path) => path !== 'libsodium-wrappers-sumo')).toEqual([])
  })
})

describe('the package', () => {
  it('lists every public entry point, and each exists', () => {
    for (const [subpath, target] of Object.entries(packageJson.exports)) {
      if (typeof target === 'string') continue
      const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
      expect(readFileSync(join(SRC, '..', source), 'utf8'), subpath).toBeTruthy()
    }
    for (const room of rooms.filter((name) => name !== 'cli')) {
      expect(Object.keys(packageJson.exports), `room ${room}`).toContain(`./${room}`)
    }
  })

  it('brings what it imports, and the types of express, which its own types name', () => {
    const brought = Object.keys(packageJson.dependencies)
    const imported = rooms
      .flatMap((room) => filesOf(room).flatMap((path) => importsOf(join(SRC, room, path))))
      .flatMap((name) => /^(@[\w-]+\/)?[a-z][\w-]*(?=\/|$)/.exec(name)?.[0] ?? [])
    expect([...new Set(imported)].filter((name) => !brought.includes(name))).toEqual([])
    expect(imported).toContain('express')
    // Else a strict program that imports `ctid/http` does not compile.
    expect(brought).toContain('@types/express')
  })
})
