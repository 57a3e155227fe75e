// The public conformance set through the same runner as `ctid conformance health`.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { command } from '../../src/cli/commands/conformance.ts'
import { type FileKind, recognise } from '../../src/health/conformance/run.ts'
import { conformanceFile, conformanceFolder, skipReason } from './conformance-data.ts'

async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = []
  const code = await command.run(args, {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    isTerminal: false,
    env: {},
    readStdin: async () => '',
    untilStopped: async () => {},
  })
  return { code, lines }
}

describe.skipIf(!conformanceFolder)(`public conformance files${skipReason}`, () => {
  test.each<[string, FileKind, number]>([
    ['certlogic-suite.json', 'certlogic-suite', 218],
    ['certlogic-validation-suite.json', 'certlogic-validation-suite', 23],
    ['member-rules.json', 'member-rules', 636],
    ['production-rules.json', 'production-rules', 172],
    ['production-verdicts.json', 'production-verdicts', 55_638],
    ['dcc-vectors.json', 'dcc-vectors', 2052],
    ['shc.json', 'shc', 11],
  ])('%s: every expectation holds', async (name, kind, count) => {
    expect(recognise(conformanceFile(name))).toBe(kind)
    const { code, lines } = await run('health', join(conformanceFolder as string, name))
    expect(lines.filter((line) => line.startsWith('failed'))).toEqual([])
    expect(lines.at(-1)).toBe(`${count} passed, 0 failed`)
    expect(code).toBe(0)
  })

  test.runIf(process.env['CTID_FULL'])('every picture reads', async () => {
    expect((await run('health', join(conformanceFolder as string, 'dcc-qr-images.json'))).lines.at(-1)).toBe(
      '260 passed, 0 failed',
    )
  })

  test('every file of the folder is recognised', () => {
    for (const name of readdirSync(conformanceFolder as string).filter((one) => one.endsWith('.json')))
      expect(recognise(conformanceFile(name)), name).toBeDefined()
  })
})

test('an unknown file fails, an unreadable one is said to be so', async () => {
  expect((await run('health', 'package.json')).lines.at(-1)).toBe('0 passed, 1 failed')
  expect((await run('health', 'no-such-file.json')).code).toBe(3)
  expect((await run('other')).code).toBe(2)
})
