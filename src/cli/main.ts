#!/usr/bin/env node
// The `ctid` command: finds the sub-command, runs it, maps errors to messages and exit codes.
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { CtidError, ERRORS, type ErrorCode, isCtidError } from '../base/index.ts'
import { type Command, EXIT, type Io, table } from './command.ts'
import { commands } from './commands/index.ts'

/** Runs one command line (without the program's name) and returns the exit code. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    await printOverview(io)
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  if (name === '--version' || name === '-v') {
    io.out(await version())
    return EXIT.ok
  }
  const load = commands.get(name === 'help' ? (rest[0] ?? '') : name)
  if (!load) {
    io.err(`ctid: there is no command of that name; "ctid help" lists them`)
    return EXIT.usage
  }
  const command = await load()
  if (name === 'help' || rest.includes('--help') || rest.includes('-h')) {
    printUsage(command, io)
    return EXIT.ok
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    return report(error, command, rest.includes('--json'), io)
  }
}

// The package's own file stands two folders above this one, as source and as built.
async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function printOverview(io: Io): Promise<void> {
  io.out('ctid: irreversible identity tokens, verified by QR code')
  io.out('')
  const loaded = await Promise.all([...commands.values()].map((load) => load()))
  for (const line of table(loaded.map((command) => [`  ctid ${command.name}`, command.summary]))) io.out(line)
  io.out('')
  io.out('"ctid help NAME" explains one. --json gives machine-readable output.')
  io.out('Exit codes: 0 done, 1 refused, 2 wrong command line, 3 something needed cannot be had.')
}

function printUsage(command: Command, io: Io): void {
  io.out(`ctid ${command.name}: ${command.summary}`)
  io.out('')
  io.out(command.usage)
}

function report(error: unknown, command: Command, json: boolean, io: Io): number {
  const { code, message } = inWords(error)
  if (io.env['CTID_DEBUG'] !== undefined && error instanceof Error) io.err(String(error.stack))
  if (json) io.out(JSON.stringify({ ok: false, code, message }))
  else io.err(`ctid ${command.name}: ${message} [${code}]`)
  if (code === 'ERR_CLI_USAGE') return EXIT.usage
  return ERRORS[code].status >= 500 || code === 'ERR_CLI_FILE' ? EXIT.unavailable : EXIT.refused
}

// Texts of the system and of the runtime are not shown: they may quote what was read.
function inWords(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  if (isCtidError(error)) return withReason(error)
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
  const isUsage = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
  if (isUsage) return { code: 'ERR_CLI_USAGE', message: (error as Error).message }
  // A path that cannot be made, read or written: the system's own short name says why.
  if (typeof code === 'string' && typeof syscall === 'string') {
    return new CtidError('ERR_CLI_FILE', { detail: code })
  }
  return new CtidError('ERR_HTTP_INTERNAL')
}

// The same for a file that a command could not read: it is not there, or not for us.
function withReason(error: CtidError): CtidError {
  const { code } = (error.cause ?? {}) as { code?: unknown }
  if (error.code !== 'ERR_CLI_FILE' || error.detail !== undefined || typeof code !== 'string') return error
  return new CtidError('ERR_CLI_FILE', { detail: code })
}

/** `Io` of the real process. */
export const processIo: Io = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  isTerminal: process.stdout.isTTY === true,
  columns: process.stdout.columns,
  env: process.env,
  readStdin: () => text(process.stdin),
  untilStopped: () =>
    new Promise((resolve) => {
      process.once('SIGINT', () => resolve())
      process.once('SIGTERM', () => resolve())
    }),
}

// A reader that closes the pipe early (`| head`) is no error, but nor has it seen that all is well.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.unavailable)
  throw error
})
process.exitCode = await main(process.argv.slice(2), processIo)
