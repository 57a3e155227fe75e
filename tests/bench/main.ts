// `npm run bench [-- NAME…] [-- --full] [-- --json FILE]`: runs the benches, prints one table of ratios, and writes it as JSON beside
// it, into bench.json where no other FILE is named.
import { readdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { table } from '../../src/cli/command.ts'
import type { Bench, BenchRow } from './harness.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean', default: false }, json: { type: 'string', default: 'bench.json' } },
})

const files = (await readdir(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.bench.ts'))
  .sort()
const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const all: (BenchRow & { bench: string })[] = []
const machine = { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length }
// After each bench, so that what was measured is kept whatever becomes of the next.
const save = () => writeFile(values.json, `${JSON.stringify({ machine, rows: all }, null, 2)}\n`)
for (const file of files) {
  const name = file.replace('.bench.ts', '')
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const { bench } = (await import(`./${file}`)) as { bench: Bench }
  process.stderr.write(`${bench.name} …\n`)
  try {
    const rows = await bench.run({
      full: values.full,
      log: (line) => void process.stderr.write(`  ${line}\n`),
    })
    all.push(...rows.map((row) => ({ bench: name, ...row })))
    await save()
  } catch (error) {
    // The others are measured all the same; the run as a whole has failed.
    console.error(`${name} failed:`, error)
    process.exitCode = 1
  }
}
const lines = table([
  ['what', 'ours/s', 'against', 'theirs/s', 'ratio', 'target', ''],
  ...all.map((row) => [
    `${row.name} (${row.unit})`,
    number.format(row.ours),
    row.reference,
    number.format(row.theirs),
    `${row.ratio.toFixed(2)}×`,
    row.target ?? '',
    row.met === undefined ? '' : row.met ? 'met' : 'MISSED',
  ]),
])
process.stdout.write(`${lines.join('\n')}\n`)
process.stderr.write(`the same as JSON: ${values.json}\n`)
