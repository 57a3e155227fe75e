// `npm run simulate [-- --PARAMETER NUMBER … --bench FILE --plots FOLDER --json]`: what a country would take. --docs writes the
// figures of docs/scale.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table } from '../../src/cli/command.ts'
import { toSvg, toTerminal } from '../labs/plot.ts'
import { readConstants } from './constants.ts'
import { withFigures } from './document.ts'
import { plan } from './model.ts'
import { PARAMETERS, readArguments } from './parameters.ts'
import { figuresOf, linesOf, toTerminalTable } from './report.ts'

// A reader that closes the pipe early (`| head`) has seen enough.
process.stdout.on('error', () => process.exit())

const { parameters, bench, plots, json, docs, help } = given(() => readArguments(process.argv.slice(2)), 2)
const say = (line: string) => void process.stdout.write(`${line}\n`)

/** What whoever started this gave: when it cannot be read, one line says why. */
function given<T>(read: () => T, exitCode: number): T {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(exitCode)
  }
}

function draw(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const figure of figuresOf(parameters, constants)) {
    writeFileSync(join(folder, `${figure.id}.svg`), toSvg(figure, { language: 'en' }))
  }
}

if (help) {
  say('npm run simulate -- [--PARAMETER NUMBER …] [--bench FILE] [--plots FOLDER] [--json]')
  say('')
  const rows = Object.entries(PARAMETERS).map(([name, [value, what]]) => [`  --${name}`, String(value), what])
  for (const line of table(rows)) say(line)
  process.exit()
}
const constants = given(() => readConstants(bench), 3)
if (docs) {
  const file = 'docs/scale.md'
  writeFileSync(file, withFigures(readFileSync(file, 'utf8'), parameters, constants))
  draw('docs/scale')
} else if (json) {
  say(JSON.stringify({ parameters, constants, plan: plan(parameters, constants) }, null, 2))
} else {
  say(`Constants: ${bench} (${constants.machine})`)
  for (const line of toTerminalTable(linesOf(parameters, constants))) say(line)
  for (const figure of figuresOf(parameters, constants)) {
    say('')
    for (const line of toTerminal(figure, 'en')) say(line)
  }
  if (plots !== undefined) {
    draw(plots)
    say(`\nplots: ${plots}`)
  }
}
