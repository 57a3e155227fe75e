// The shape of a command: pure in its arguments, talks to the world through `Io`, answers with an exit code.
import { CtidError } from '../base/index.ts'

/** What a command may touch. Tests pass their own. */
export type Io = {
  /** One line to standard output. */
  out(line: string): void
  /** One line to standard error: progress and remarks, never results. */
  err(line: string): void
  /** Whether standard output is a terminal: pictures and colours only then. */
  readonly isTerminal: boolean
  /** How many columns the terminal has, where it is one. */
  readonly columns?: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readStdin(): Promise<string>
  /** Resolves when the process is asked to stop (SIGINT, SIGTERM). */
  untilStopped(): Promise<void>
}

export type Command = {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Lines for `ctid NAME --help`. */
  readonly usage: string
  /** Returns the exit code, one of {@link EXIT}. `args` excludes the command's name. */
  run(args: readonly string[], io: Io): Promise<number>
}

/** Documented exit codes, the same for every command. */
export const EXIT = {
  /** Done, or accepted. */
  ok: 0,
  /** Understood and refused: a check failed. */
  refused: 1,
  /** The command line is wrong. */
  usage: 2,
  /** A file or a service that is needed cannot be had. */
  unavailable: 3,
} as const

/** Refuses arguments that nobody would look at: a forgotten `--` must not be mistaken for an answer. */
export function noMore(others: readonly string[]): void {
  if (others.length > 0) throw new CtidError('ERR_CLI_USAGE', { detail: 'there are arguments too many' })
}

/** Rows as an aligned table; wide characters (CJK) count as two columns. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => displayWidth(row[i] ?? ''))),
  )
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - displayWidth(cell) + 2),
      )
      .join('')
      .trimEnd(),
  )
}

/** Records as a table with their names above, or one below the other where a terminal is too narrow for that. */
export function records(
  rows: readonly Readonly<Record<string, unknown>>[],
  { columns }: Pick<Io, 'columns'>,
): string[] {
  const names = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => names.map((name) => String(row[name] ?? '')))
  const wide = table([names, ...cells])
  if (columns === undefined || wide.every((line) => displayWidth(line) <= columns)) return wide
  return cells.flatMap((row, at) => [
    ...(at === 0 ? [] : ['']),
    ...table(names.map((name, i) => [name, row[i] ?? ''])),
  ])
}

function displayWidth(text: string): number {
  let width = 0
  for (const character of text)
    width += /[ᄀ-ᅟ⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦]|[\u{20000}-\u{3fffd}]/u.test(character) ? 2 : 1
  return width
}
