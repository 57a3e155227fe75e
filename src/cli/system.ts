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
import { type Deployment, type LogOptions, openDeployment } from '../deployment/index.ts'
import type { Io } from './command.ts'

/** Options of every operator command, for `parseArgs`. */
export const SYSTEM_OPTIONS = {
  keys: { type: 'string' },
  store: { type: 'string' },
  'base-url': { type: 'string' },
  evaluator: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
} as const

export const SYSTEM_USAGE = `  --keys DIR         key folder (default: keys, or CTID_KEYS); made on first use
  --store URL        SQLite file or postgres:// address (default: ctid.db, or CTID_STORE)
  --base-url URL     where the issuer's public files are served (default: http://localhost:8080, or CTID_BASE_URL)
  --evaluator ID=URL an evaluator in a process of its own; repeat for each (default: all in this process)
  --json             one JSON document instead of words`

export type SystemValues = {
  readonly keys?: string | undefined
  readonly store?: string | undefined
  readonly 'base-url'?: string | undefined
  readonly evaluator?: string[] | undefined
}

/** Addresses of evaluators in processes of their own, if any were given. */
export function evaluatorUrlsOf(values: SystemValues): ReadonlyMap<number, string> | undefined {
  return values.evaluator && new Map(values.evaluator.map(parseEvaluator))
}

/** Opens the deployment that the options and the environment name. */
export async function openSystem(values: SystemValues, io: Io, log?: LogOptions): Promise<Deployment> {
  const evaluatorUrls = evaluatorUrlsOf(values)
  const baseUrl = values['base-url'] ?? io.env['CTID_BASE_URL']
  return openDeployment({
    keysFolder: keysFolder(values, io),
    storeUrl: values.store ?? io.env['CTID_STORE'] ?? 'ctid.db',
    clock: systemClock,
    random: systemRandom,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(evaluatorUrls === undefined ? {} : { evaluatorUrls }),
    ...(log === undefined ? {} : { log }),
  })
}

export function keysFolder(values: SystemValues, io: Io): string {
  return values.keys ?? io.env['CTID_KEYS'] ?? 'keys'
}

function parseEvaluator(text: string): [number, string] {
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
  } catch {
    throw new CtidError('ERR_CLI_FILE')
  }
}
