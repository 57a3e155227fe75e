// Start-up: from the command line to the first answer, against Node itself and against Express alone. Measured on the build.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bench, type BenchContext, type BenchRow, median } from './harness.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const main = join(root, 'dist/cli/main.js')

async function run({ full, log }: BenchContext): Promise<BenchRow[]> {
  if (!existsSync(main)) execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'ignore' })
  const rounds = full ? 15 : 5
  const verifyHelp = [main, 'verify', '--help']
  const express = [
    '--input-type=module',
    '-e',
    "const { default: express } = await import('express'); express()",
  ]
  const service = [
    '--input-type=module',
    '-e',
    "const { createVerifierApp } = await import('./dist/http/verifier.js'); createVerifierApp({ context() {} }).close()",
  ]
  return [
    row('start "ctid verify"', verifyHelp, 'node with an empty program', ['-e', ''], rounds, log),
    row('start the verification service', service, 'Express alone', express, rounds, log),
  ]
}

function row(
  name: string,
  ours: readonly string[],
  reference: string,
  theirs: readonly string[],
  rounds: number,
  log: (line: string) => void,
): BenchRow {
  const pairs = Array.from({ length: rounds }, () => ({ ours: cpuSeconds(ours), theirs: cpuSeconds(theirs) }))
  const [one, other] = [median(pairs.map((pair) => pair.ours)), median(pairs.map((pair) => pair.theirs))]
  log(`${name}: ${Math.round(one * 1000)} ms of CPU; ${reference}: ${Math.round(other * 1000)} ms`)
  const ratio = median(pairs.map((pair) => pair.ours / pair.theirs))
  return { name, unit: 'start a CPU second', ours: 1 / one, reference, theirs: 1 / other, ratio }
}

// CPU time, which a busy machine does not change: the child itself says what it used.
function cpuSeconds(args: readonly string[]): number {
  const report =
    "process.on('exit', () => { const { user, system } = process.cpuUsage(); process.stderr.write('\\nCPU ' + (user + system)) })"
  const hook = `data:text/javascript,${encodeURIComponent(report)}`
  const { stderr, status } = spawnSync(process.execPath, ['--import', hook, ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  const [, microseconds] = /CPU (\d+)$/.exec(stderr) ?? []
  if (status !== 0 || microseconds === undefined) throw new Error(`did not start: ${stderr.slice(0, 500)}`)
  return Number(microseconds) / 1e6
}

export const bench: Bench = { name: 'startup', run }
