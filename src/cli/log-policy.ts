// What the log commands have in common: where a log is, whose signatures it needs, and key files.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { CtidError } from '../base/index.ts'
import type { LogElsewhere } from '../deployment/index.ts'
import {
  httpSource,
  httpWitness,
  type LogPolicy,
  logPolicyOf,
  type NoteSigner,
  parseNoteKey,
  parseNoteSigner,
  type TileSource,
  type WitnessClient,
} from '../transparency/index.ts'
import { directorySource } from '../transparency/node.ts'

/** Options of every command that reads a log, for `parseArgs`. */
export const POLICY_OPTIONS = {
  key: { type: 'string' },
  origin: { type: 'string' },
  witness: { type: 'string', multiple: true, default: [] as string[] },
  threshold: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
} as const

export const POLICY_USAGE = `  --key VKEY         the log's public key, NAME+ID+BASE64
  --origin NAME      the log's origin line; default: the name in the key
  --witness VKEY     a trusted witness; repeat for each
  --threshold K      how many of them must have cosigned; default 0
  --json             one JSON document instead of words`

/** Options of a service that appends to a log in a process of its own, for `parseArgs`. */
export const LOG_ELSEWHERE_OPTIONS = {
  log: { type: 'string' },
  'log-key': { type: 'string' },
  'log-token': { type: 'string' },
  witness: { type: 'string', multiple: true, default: [] as string[] },
  mix: { type: 'string', default: '0' },
} as const

export const LOG_ELSEWHERE_USAGE = `  --log URL          a log in a process of its own ("ctid log serve"), such as http://127.0.0.1:9000/log
  --log-key VKEY     that log's public key; --witness VKEY then says whose cosignatures its answers need
  --log-token FILE   the bearer token with which it may be appended to (mode 0600)
  --mix SECONDS      copies wait so long (at most 20) for those of others and are logged with them in random order, so that
                     receipts do not tell which copies are one holder's; default 0`

/** The log that these options name, if they name one. */
export async function logElsewhere(values: {
  readonly log?: string | undefined
  readonly 'log-key'?: string | undefined
  readonly 'log-token'?: string | undefined
  readonly witness: readonly string[]
  readonly mix: string
}): Promise<LogElsewhere | undefined> {
  const { log: url, 'log-key': key, 'log-token': tokenFile, witness } = values
  if (url === undefined && key === undefined && tokenFile === undefined && witness.length === 0)
    return undefined
  if (url === undefined || key === undefined || tokenFile === undefined) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--log with --log-key and --log-token' })
  }
  return {
    url,
    key: parseNoteKey(key),
    token: await readToken(tokenFile),
    witnessKeys: witness.map(parseNoteKey),
    mixSeconds: mixOf(values),
  }
}

/** How long copies wait for others, from `--mix`. */
export function mixOf({ mix }: { readonly mix: string }): number {
  return wholeNumber(mix, 20, '--mix')
}

type PolicyValues = {
  readonly key?: string | undefined
  readonly origin?: string | undefined
  readonly witness: readonly string[]
  readonly threshold: string
}

/** Whom the command line trusts. */
export function policyOf(values: PolicyValues): LogPolicy {
  if (values.key === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--key VKEY' })
  const { key, origin, witness: witnesses } = values
  const threshold = wholeNumber(values.threshold, witnesses.length, '--threshold')
  return logPolicyOf({ key, witnesses, threshold, ...(origin === undefined ? {} : { origin }) })
}

/** A log at a URL or in a folder. */
export function sourceAt(location: string): TileSource {
  return /^https?:\/\//.test(location) ? httpSource(location) : directorySource(location)
}

/** A witness to ask, `VKEY=URL`. */
export function parseWitness(text: string): WitnessClient {
  const [, key = '', url = ''] = /^(.+)=(https?:\/\/\S+)$/.exec(text) ?? []
  if (key === '') throw new CtidError('ERR_CLI_USAGE', { detail: '--witness VKEY=URL' })
  return httpWitness(url, parseNoteKey(key))
}

/** A bearer token from a file that nobody else may read: one line of at least 16 printable characters. */
export async function readToken(path: string): Promise<string> {
  const token = (await readTextFile(path)).trim()
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) {
    throw new CtidError('ERR_CLI_FILE', { detail: 'the token is readable by others' })
  }
  if (!/^[\x21-\x7e]{16,512}$/.test(token)) throw new CtidError('ERR_CLI_FILE', { detail: 'no token in it' })
  return token
}

/** A private key from a file with one line, `PRIVATE+KEY+…`. */
export async function readSigner(path: string | undefined): Promise<NoteSigner> {
  if (path === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--key-file FILE' })
  return parseNoteSigner(await readTextFile(path))
}

export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}

/** Writes a file that does not exist yet; `secret` makes it readable by its owner only. */
export async function createTextFile(path: string, text: string, secret: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: secret ? 0o600 : 0o644 })
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}

export function wholeNumber(text: string, largest: number, option: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= largest)) throw new CtidError('ERR_CLI_USAGE', { detail: option })
  return value
}
