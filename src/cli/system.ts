// What the operator's commands have in common: where keys and store are, and how a document is given.
import { readFile } from 'node:fs/promises'
import {
  CtidError,
  fromHex,
  type JsonObject,
  parseJsonObject,
  systemClock,
  systemRandom,
} from '../base/index.ts'
import {
  type Deployment,
  type DeploymentOptions,
  type LogOptions,
  openDeployment,
  openRegistrarParty,
  type RegistrarParty,
} from '../deployment/index.ts'
import { httpIssuer } from '../issuer/index.ts'
import { readCredential } from './callers.ts'
import type { Io } from './command.ts'

/** Options of every operator command, for `parseArgs`. */
export const SYSTEM_OPTIONS = {
  keys: { type: 'string' },
  store: { type: 'string' },
  'base-url': { type: 'string' },
  evaluator: { type: 'string', multiple: true },
  'closed-network': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

export const SYSTEM_USAGE = `  --keys DIR         key folder (default: keys, or CTID_KEYS); made on first use
  --store URL        SQLite file or postgres:// address (default: ctid.db, or CTID_STORE)
  --base-url URL     where the issuer's public files are served (default: http://localhost:8080, or CTID_BASE_URL)
  --evaluator ID=URL an evaluator in a process of its own; repeat for each (default: all in this process)
  --closed-network   the addresses given may be plain http: a closed network, or TLS below, lies between
  --json             one JSON document instead of words`

/** Options of the commands that also work with an issuer in a process of its own, for `parseArgs`. */
export const REGISTRAR_OPTIONS = {
  ...SYSTEM_OPTIONS,
  issuer: { type: 'string' },
  'issuer-credential': { type: 'string' },
} as const

export const REGISTRAR_USAGE = `${SYSTEM_USAGE}
  --issuer URL       an issuer in a process of its own ("ctid copies serve"), such as http://127.0.0.1:9001 (default: in
                     this process). --base-url is then where that issuer's public files are served
  --issuer-credential FILE
                     the secret for calling it: a file of callers with one entry (mode 0600)`

export type SystemValues = {
  readonly keys?: string | undefined
  readonly store?: string | undefined
  readonly 'base-url'?: string | undefined
  readonly evaluator?: string[] | undefined
  readonly 'closed-network'?: boolean | undefined
}

export type RegistrarValues = SystemValues & {
  readonly issuer?: string | undefined
  readonly 'issuer-credential'?: string | undefined
}

/** Addresses of evaluators in processes of their own, if any were given. */
export function evaluatorUrlsOf(values: SystemValues): ReadonlyMap<number, string> | undefined {
  return values.evaluator && new Map(values.evaluator.map(parseEvaluator))
}

/** Opens the deployment that the options and the environment name: every party in this process, but for the evaluators. */
export async function openSystem(values: SystemValues, io: Io, log?: LogOptions): Promise<Deployment> {
  return openDeployment(optionsOf(values, io, log))
}

export type Registrar = Deployment | (RegistrarParty & { close(): Promise<void> })

/** The same for commands that need no issuer's key: the issuer may be elsewhere. */
export async function openRegistrar(values: RegistrarValues, io: Io, log?: LogOptions): Promise<Registrar> {
  const { issuer: url, 'issuer-credential': file } = values
  if (url === undefined && file === undefined) return openSystem(values, io, log)
  if (url === undefined || file === undefined) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--issuer with --issuer-credential' })
  }
  const issuing = httpIssuer({
    url,
    credential: await readCredential(file),
    now: systemClock,
    random: systemRandom,
    plainHttp: values['closed-network'] ?? false,
  })
  return openRegistrarParty({ ...optionsOf(values, io, log), issuing })
}

function optionsOf(values: SystemValues, io: Io, log: LogOptions | undefined): DeploymentOptions {
  const evaluatorUrls = evaluatorUrlsOf(values)
  return {
    keysFolder: keysFolder(values, io),
    storeUrl: storeUrl(values, io),
    clock: systemClock,
    random: systemRandom,
    plainHttp: values['closed-network'] ?? false,
    baseUrl: baseUrlOf(values, io),
    ...(evaluatorUrls === undefined ? {} : { evaluatorUrls }),
    ...(log === undefined ? {} : { log }),
  }
}

/** Where the issuer's public files are served: the issuer's name in proofs and lists. A service has its own port as default. */
export function baseUrlOf(values: SystemValues, io: Io, port = 8080): string {
  return values['base-url'] ?? io.env['CTID_BASE_URL'] ?? `http://localhost:${port}`
}

export function storeUrl(values: SystemValues, io: Io): string {
  return values.store ?? io.env['CTID_STORE'] ?? 'ctid.db'
}

export function keysFolder(values: SystemValues, io: Io): string {
  return values.keys ?? io.env['CTID_KEYS'] ?? 'keys'
}

/** `ID=URL`. */
export function parseEvaluator(text: string): [number, string] {
  const [, id = '', url = ''] = /^(\d{1,3})=(https?:\/\/\S+)$/.exec(text) ?? []
  if (id === '') throw new CtidError('ERR_CLI_USAGE', { detail: '--evaluator ID=URL' })
  return [Number(id), url]
}

/** A token as 64 hexadecimal digits. */
export function parseToken(text: string | undefined): Uint8Array {
  if (text === undefined || !/^[0-9a-f]{64}$/.test(text)) {
    throw new CtidError('ERR_CLI_USAGE', { detail: 'a token is 64 hexadecimal digits' })
  }
  return fromHex(text)
}

/** Options that describe a document, for `parseArgs`. */
export const DOCUMENT_OPTIONS = {
  type: { type: 'string' },
  state: { type: 'string' },
  number: { type: 'string' },
  name: { type: 'string' },
  'valid-until': { type: 'string' },
  'birth-date': { type: 'string' },
  sex: { type: 'string' },
} as const

const MEMBERS = {
  type: 'documentType',
  state: 'issuingState',
  number: 'documentNumber',
  name: 'name',
  'valid-until': 'validUntil',
  'birth-date': 'birthDate',
  sex: 'sex',
} as const

/** A document from a JSON file (`-` for standard input) or from options. */
export async function readDocument(
  file: string | undefined,
  values: Readonly<Partial<Record<keyof typeof MEMBERS, string | undefined>>>,
  io: Io,
): Promise<JsonObject> {
  if (file !== undefined) return parseJsonObject(file === '-' ? await io.readStdin() : await readText(file))
  const given = Object.entries(MEMBERS).flatMap(([option, member]) => {
    const value = values[option as keyof typeof MEMBERS]
    return value === undefined ? [] : [[member, value] as const]
  })
  if (given.length === 0)
    throw new CtidError('ERR_CLI_USAGE', { detail: 'a FILE or --type, --number and --name' })
  return { documentType: 'resident-id', ...Object.fromEntries(given) }
}

/** A file's text; an unreadable file is `ERR_CLI_FILE`. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}
