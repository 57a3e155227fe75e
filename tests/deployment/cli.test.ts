// The operator's commands at the prompt: exit codes, what they refuse, and that no text of the system is shown.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Command, EXIT, type Io, records } from '../../src/cli/command.ts'
import { command as enrol } from '../../src/cli/commands/enrol.ts'
import { command as issue } from '../../src/cli/commands/issue.ts'
import { command as keys } from '../../src/cli/commands/keys.ts'
import { command as registry } from '../../src/cli/commands/registry.ts'
import { command as show } from '../../src/cli/commands/show.ts'
import { command as verify } from '../../src/cli/commands/verify.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-prompt-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

async function run(command: Command, ...args: string[]): Promise<{ code: number; out: string }> {
  const lines: string[] = []
  const io: Io = {
    out: (line) => lines.push(line),
    err: () => {},
    isTerminal: false,
    env: { CTID_KEYS: at('keys'), CTID_STORE: at('ctid.db') },
    readStdin: async () => '',
    untilStopped: async () => {},
  }
  return { code: await command.run(args, io), out: lines.join('\n') }
}
const person = async () =>
  JSON.parse((await run(enrol, '--synthetic', 'prompt', '--json')).out) as { token: string; status: string }

describe('the operator’s commands', () => {
  it('go from enrolment to an accepted code, which a store of used codes accepts once', async () => {
    const { token, status } = await person()
    expect(status).toBe('created')
    await run(issue, token, '--wallet', at('wallet'), '--copies', '2')
    await run(keys, 'publish', at('public'))
    await run(show, '--wallet', at('wallet'), '--verifier', 'gate', '--png', at('code.png'))
    const trust = ['--trust', at('public/trust-list.jwt'), '--anchor', at('public/trust-anchor.json')]
    const check = () =>
      run(
        verify,
        '--image',
        at('code.png'),
        ...trust,
        '--status',
        at('public/status'),
        '--used',
        at('used.db'),
      )
    expect(await check()).toMatchObject({ code: EXIT.ok, out: expect.stringContaining('ACCEPTED') })
    expect(await check()).toMatchObject({
      code: EXIT.refused,
      out: expect.stringContaining('ERR_VERIFIER_REPLAYED'),
    })
    const list = ['--trust', at('public/trust-list.jwt')]
    await expect(run(verify, 'x', ...list)).rejects.toMatchObject({ code: 'ERR_CLI_USAGE' })
  })

  it('rotate the vault’s key in two runs, and every record opens afterwards', async () => {
    const { token } = await person()
    const held = () => (JSON.parse(readFileSync(at('keys/vault.json'), 'utf8')) as { keys: string[] }).keys
    const [former] = held()
    expect((await run(keys, 'rotate', 'vault')).out).toContain('no: run it again')
    expect(held()).toHaveLength(2)
    expect((await run(keys, 'rotate', 'vault')).out).toContain('yes')
    expect(held()).toHaveLength(1)
    expect(held()).not.toContain(former)
    expect((await run(issue, token, '--wallet', at('wallet'), '--copies', '1')).code).toBe(EXIT.ok)
  })

  it('open no record for a frozen entry', async () => {
    const { token } = await person()
    await run(registry, 'freeze', token, '--reason', 'court-order', '--officer', 'desk-1')
    await expect(run(issue, token, '--wallet', at('wallet'))).rejects.toMatchObject({
      code: 'ERR_ISSUER_REVOKED',
      detail: 'frozen',
    })
    const { out } = await run(registry, 'history', token, '--json')
    const { rows } = JSON.parse(out) as { rows: { kind: string }[] }
    expect(rows.at(-1)).toMatchObject({ kind: 'frozen', commitment: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it.each([
    [enrol, ['--synthetic', 'a', 'file']],
    [enrol, ['--synthetic', 'a', '--count', '0']],
    [keys, ['init', 'more']],
    [keys, ['rotate', 'token', 'more']],
    [keys, ['rotate', 'nothing']],
    [registry, ['look']],
    [registry, ['burn', '0'.repeat(64)]],
    [registry, ['audit', 'more']],
    [issue, ['0'.repeat(64), '--wallet', 'w', '--copies', '0']],
    [verify, ['x', '--trust', 'y', '--lang', 'fr']],
  ] as const)('refuse a line that says too much or too little %#', async (command, args) => {
    await expect(run(command, ...args)).rejects.toMatchObject({ code: 'ERR_CLI_USAGE' })
  })
})

describe('records', () => {
  const rows = [
    { seq: 1, entry: 'a471' },
    { seq: 22, entry: 'b5' },
  ]

  it('stand side by side, or one below the other where the terminal is too narrow', () => {
    const wide = ['seq  entry', '1    a471', '22   b5']
    expect(records(rows, {})).toEqual(wide)
    expect(records(rows, { columns: 10 })).toEqual(wide)
    const narrow = ['seq    1', 'entry  a471', '', 'seq    22', 'entry  b5']
    expect(records(rows, { columns: 9 })).toEqual(narrow)
    expect(records([], { columns: 9 })).toEqual([''])
  })
})

describe('the process', () => {
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const ctid = (...args: string[]) =>
    new Promise<{ code: number | string; text: string }>((resolve) => {
      execFile(
        process.execPath,
        ['--import', 'tsx', main, ...args],
        { cwd: import.meta.dirname },
        (error, out, err) =>
          resolve({ code: (error as { code?: number } | null)?.code ?? 0, text: out + err }),
      )
    })

  it('says in one line what it could not write or read, and knows which commands and version there are', async () => {
    writeFileSync(at('file'), '')
    const [unwritable, missing, unknown, version] = await Promise.all([
      ctid('enrol', '--synthetic', 'a', '--keys', at('file')),
      ctid('enrol', at('missing.json')),
      ctid('help', 'nothing'),
      ctid('--version'),
    ])
    expect(missing).toMatchObject({ code: EXIT.unavailable, text: expect.stringContaining('(ENOENT)') })
    expect(version).toMatchObject({ code: EXIT.ok, text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
    expect(unwritable.code).toBe(EXIT.unavailable)
    expect(unwritable.text.trim().split('\n')).toHaveLength(1)
    expect(unwritable.text).toContain('[ERR_CLI_FILE]')
    expect(unknown.code).toBe(EXIT.usage)
  })
})
