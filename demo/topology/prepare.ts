// Makes every party's keys, each party's in a folder of its own: what compose.yaml mounts. One machine sees them all, so this
// is for trying things out; docs/deploy.md says how parties make their own.
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemRandom, toBase64url } from '#ctid/base'
import { shareFile } from '#ctid/deployment'

/** The project's folder: where `src` is. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** Public values that compose.yaml asks for. */
export type PublicValues = Readonly<Record<'LOG_KEY' | `WITNESS_${1 | 2 | 3}_KEY`, string>>

/** Fills an empty folder. `baseUrl`: where the issuer's public files will be served. */
export async function prepare(folder: string, baseUrl: string): Promise<PublicValues> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty: no key is overwritten`)
  const home = (party: string): string => {
    mkdirSync(join(folder, party), { recursive: true, mode: 0o700 })
    return join(folder, party)
  }
  const [keys, issuer] = [home('registrar'), home('issuer')]
  const witness = (n: number) => keygen('witness', `witness-${n}.example`, join(home(`witness-${n}`), 'key'))
  // The registrar's copy of its one entry in the issuer's file of callers; without issuer's keys, since there is an issuer.
  const credential = join(keys, 'issuer-caller.json')
  const registrarKeys = async () => {
    const callers = join(issuer, 'callers.json')
    await runCommand('copies', 'add-caller', 'registrar', '--callers', callers)
    copyFileSync(callers, credential)
    await runCommand(
      ...['keys', 'init', '--keys', keys, '--store', ':memory:', '--base-url', baseUrl],
      ...['--issuer', baseUrl, '--issuer-credential', credential],
    )
  }
  const [log, one, two, three] = await Promise.all([
    keygen('log', 'log.example/ctid', join(home('log'), 'key')),
    witness(1),
    witness(2),
    witness(3),
    registrarKeys(),
    runCommand(
      ...['copies', 'publish', home('published'), '--keys', issuer],
      ...['--store', ':memory:', '--base-url', baseUrl],
    ),
    runCommand('registrar', '--callers', join(keys, 'callers.json'), '--add-caller', 'desk'),
  ])
  // Each share goes to its evaluator; the registrar keeps none.
  for (const id of [1, 2, 3]) renameSync(shareFile(keys, id), shareFile(home(`evaluator-${id}`), id))
  const secret = (party: string, name: string, text: string) =>
    writeFileSync(join(home(party), name), `${text}\n`, { mode: 0o600 })
  const password = () => toBase64url(systemRandom(32))
  for (const [party, role] of [
    ['registrar', 'ctid'],
    ['issuer', 'issuer'],
  ] as const) {
    const [token, word] = [password(), password()]
    // Each writer's own, so that one can be withdrawn without the other.
    secret('log', party === 'issuer' ? 'issuer-log-token' : 'log-token', token)
    secret(party, 'log-token', token)
    secret(party, 'pgpass', `database:5432:*:${role}:${word}`)
    secret('database', role, word)
  }
  secret('database', 'superuser', password())
  secret('database', 'replication', password())
  const values: PublicValues = { LOG_KEY: log, WITNESS_1_KEY: one, WITNESS_2_KEY: two, WITNESS_3_KEY: three }
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(folder, 'public.env'), lines.join(''))
  return values
}

async function keygen(role: 'log' | 'witness', name: string, file: string): Promise<string> {
  const text = await runCommand('log', 'keygen', '--for', role, '--name', name, '--key-file', file)
  return (JSON.parse(text) as { key: string }).key
}

async function runCommand(...args: string[]): Promise<string> {
  const program = ['--import', 'tsx', 'src/cli/main.ts', ...args, '--json']
  return (await promisify(execFile)(process.execPath, program, { cwd: ROOT })).stdout
}
