// The documents keep their word: README's program runs, SPEC lists the error codes that exist, links lead somewhere.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '#ctid/base'
import { toSvg } from '../demo/labs/plot.ts'
import { readConstants } from '../demo/simulate/constants.ts'
import { withFigures } from '../demo/simulate/document.ts'
import { defaults } from '../demo/simulate/parameters.ts'
import { figuresOf } from '../demo/simulate/report.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')

describe('README', () => {
  it('has a program that runs and ends with an accepted code', () => {
    const [, program = ''] = /```ts\n(.*?)```/s.exec(read('README.md')) ?? []
    // Inside the project, so that the package's own name resolves to the sources.
    const folder = mkdtempSync(join(ROOT, 'demo/.readme-'))
    try {
      writeFileSync(join(folder, 'program.mts'), program.replace("from 'ctid'", "from '#ctid'"))
      const tsx = join(ROOT, 'node_modules/.bin/tsx')
      const output = execFileSync(tsx, ['program.mts'], { cwd: folder, encoding: 'utf8' })
      expect(output).toMatch(/^true \[/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    'README.md',
    'SPEC.md',
    'keys/README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ])('%s links to files that exist', (name) => {
    const links = [...read(name).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] as string)
    const missing = links.filter((link) => !existsSync(join(ROOT, name, '..', link)))
    expect(missing).toEqual([])
  })
})

describe('SPEC', () => {
  it('lists every error code with its status and message, and no other', () => {
    const listed = [...read('SPEC.md').matchAll(/^\| `(ERR_\w+)` \| (\d{3}) \| (.+) \|$/gm)].map((match) => [
      match[1],
      { status: Number(match[2]), message: match[3] },
    ])
    expect(Object.fromEntries(listed)).toEqual(ERRORS)
  })

  it('names only vector files that exist, and every vector file is named', () => {
    const named = new Set(
      [...read('SPEC.md').matchAll(/tests\/vectors\/([\w.-]+\.json)/g)].map((match) => match[1]),
    )
    expect([...named].sort()).toEqual(readdirSync(join(ROOT, 'tests/vectors')).sort())
  })
})

describe('docs/scale.md', () => {
  it('says what the simulator prints, in words and pictures', () => {
    const constants = readConstants(join(ROOT, 'docs/scale/bench.json'))
    const page = read('docs/scale.md')
    expect(withFigures(page, defaults(), constants)).toBe(page)
    for (const figure of figuresOf(defaults(), constants)) {
      expect(toSvg(figure, { language: 'en' }), figure.id).toBe(read(`docs/scale/${figure.id}.svg`))
    }
  })
})
