// `ctid conformance`: runs public test suites against this library, and says what failed.
import { parseArgs } from 'node:util'
import { isCtidError } from '../../base/index.ts'
import { type FileKind, runFile } from '../../health/conformance/run.ts'
import { makeTally } from '../../health/conformance/tally.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import { companionsOf, loadAll } from '../conformance-files.ts'

const MAX_SHOWN = 50

export const command: Command = {
  name: 'conformance',
  summary: 'Run public conformance files (health certificates, CertLogic, rules) against this library',
  usage: `ctid conformance health FILE|FOLDER… [--json]

  Files are recognised by their content: EU Digital COVID Certificate vectors and pictures, CertLogic suites,
  member-state rule tests, rules and verdicts from production, SMART Health Cards, key sets, trust lists; collected
  in one file, or as their publishers lay them out (dgc-testdata, dgc-business-rules-testdata, .smart-health-card,
  texts of codes). A file that needs another one (pictures need vectors; verdicts need rules and vectors; rule tests
  need their rule; cards need keys) finds it among FILE… or beside itself. Expectations about encoding and about the
  JSON schema are not judged: a certificate is read strictly by the members that are used.
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

async function runHealth(paths: readonly string[], json: boolean, io: Io): Promise<number> {
  const loaded = await loadAll(paths)
  if ('unreadable' in loaded) {
    io.err(`cannot read ${loaded.unreadable}: neither JSON nor a text or picture of a code`)
    return EXIT.unavailable
  }
  const tally = makeTally()
  const byKind = new Map<FileKind, { passed: number; failed: number }>()
  for (const one of loaded) {
    const { path, kind, file } = one
    if (kind === undefined) {
      tally.check(`${path}: not recognised`, false)
      continue
    }
    const before = { passed: tally.passed, failed: tally.failures.length }
    try {
      const { found, missing } = await companionsOf(one, loaded)
      for (const needed of missing) tally.check(`${path}: needs a ${needed} file`, false)
      if (missing.length === 0) await runFile(kind, file, (needed) => found.get(needed), tally)
    } catch (error) {
      if (!(error instanceof TypeError) && !isCtidError(error)) throw error
      tally.check(`${path}: not in the form of a ${kind} file`, false)
    }
    const sum = byKind.get(kind) ?? { passed: 0, failed: 0 }
    sum.passed += tally.passed - before.passed
    sum.failed += tally.failures.length - before.failed
    byKind.set(kind, sum)
  }
  if (!json)
    for (const [kind, { passed, failed }] of byKind) io.out(`${kind}: ${passed} passed, ${failed} failed`)
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
