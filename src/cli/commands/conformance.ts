// `ctid conformance`: runs public test suites against this library, and says what failed.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { COMPANIONS, type FileKind, recognise, runFile } from '../../health/conformance/run.ts'
import { makeTally, type TestData } from '../../health/conformance/tally.ts'
import { type Command, EXIT, type Io } from '../command.ts'

const MAX_SHOWN = 50

export const command: Command = {
  name: 'conformance',
  summary: 'Run public conformance files (health certificates, CertLogic, rules) against this library',
  usage: `ctid conformance health FILE… [--json]

  Files are recognised by their content: EU Digital COVID Certificate vectors and pictures, CertLogic suites,
  member-state rule tests, rules and verdicts from production, SMART Health Cards. A file that needs another one
  (pictures need vectors; verdicts need rules and vectors) finds it among FILE… or beside itself.
  The last line is "N passed, N failed". Exit code 0 when none failed, 1 otherwise, 3 when a file cannot be read.`,
  run: async (args, io) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    })
    const [suite, ...paths] = positionals
    if (suite !== 'health' || paths.length === 0) {
      io.err(command.usage)
      return EXIT.usage
    }
    return await runHealth(paths, values.json, io)
  },
}

type Loaded = { readonly path: string; readonly kind: FileKind | undefined; readonly file: TestData }

async function runHealth(paths: readonly string[], json: boolean, io: Io): Promise<number> {
  const loaded: Loaded[] = []
  for (const path of paths) {
    const one = await load(path)
    if (!one) {
      io.err(`cannot read ${path} as JSON`)
      return EXIT.unavailable
    }
    loaded.push(one)
  }
  const tally = makeTally()
  for (const { path, kind, file } of loaded) {
    if (kind === undefined) {
      tally.check(`${path}: not recognised`, false)
      continue
    }
    const companions = new Map<FileKind, TestData>()
    for (const needed of COMPANIONS[kind] ?? []) {
      const found = loaded.find((one) => one.kind === needed) ?? (await findBeside(path, needed))
      if (found) companions.set(needed, found.file)
      else tally.check(`${path}: needs a ${needed} file`, false)
    }
    if (companions.size < (COMPANIONS[kind]?.length ?? 0)) continue
    const before = { passed: tally.passed, failed: tally.failures.length }
    await runFile(kind, file, (needed) => companions.get(needed), tally)
    if (!json)
      io.out(
        `${kind}: ${tally.passed - before.passed} passed, ${tally.failures.length - before.failed} failed`,
      )
  }
  if (json) {
    io.out(
      JSON.stringify({
        passed: tally.passed,
        failed: tally.failures.length,
        failures: tally.failures,
        disputed: tally.disputed,
      }),
    )
  } else {
    for (const name of tally.disputed) io.out(`disputed: ${name}`)
    for (const name of tally.failures.slice(0, MAX_SHOWN)) io.out(`failed: ${name}`)
    if (tally.failures.length > MAX_SHOWN) io.out(`failed: and ${tally.failures.length - MAX_SHOWN} more`)
    io.out(`${tally.passed} passed, ${tally.failures.length} failed`)
  }
  return tally.failures.length === 0 ? EXIT.ok : EXIT.refused
}

async function load(path: string): Promise<Loaded | undefined> {
  try {
    const file: TestData = JSON.parse(await readFile(path, 'utf8'))
    return { path, file, kind: recognise(file) }
  } catch {
    return undefined
  }
}

async function findBeside(path: string, kind: FileKind): Promise<Loaded | undefined> {
  const folder = dirname(path)
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.json'))) {
    const one = await load(join(folder, name))
    if (one?.kind === kind) return one
  }
  return undefined
}
