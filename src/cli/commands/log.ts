// `ctid log`: makes keys for logs and witnesses, serves a log, appends to it.
import { parseArgs } from 'node:util'
import { CtidError, equalBytes, fromHex, systemRandom, utf8 } from '../../base/index.ts'
import { createApp, listen, logRouter, MAX_APPEND_BYTES, type Writer } from '../../http/index.ts'
import {
  COSIGNATURE,
  cosignWith,
  encodeEntry,
  formatNoteKey,
  formatNoteSigner,
  formatReceipt,
  LOG_SIGNATURE,
  noteSigner,
  parseEntry,
  registryLog,
} from '../../transparency/index.ts'
import { type FileLog, openFileLog } from '../../transparency/node.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import { createTextFile, parseWitness, readSigner, readToken, wholeNumber } from '../log-policy.ts'

export const command: Command = {
  name: 'log',
  summary: 'keep the transparency log: serve it, append to it, make its keys',
  usage: `ctid log keygen --name NAME --key-file FILE [--for log|witness] [--json]
ctid log serve --dir FOLDER --key-file FILE [--witness VKEY=URL ... --threshold K] [--token FILE ...]
               [--issuer-token FILE ...] [--port N] [--host ADDRESS] [--json]
ctid log append --dir FOLDER --key-file FILE ENTRY ... [--json]

  keygen            a new Ed25519 key: private in FILE (mode 0600), public on standard output
  serve             checkpoint and tiles under /log, JSON for explorer pages under /log/api. With --token (a file, mode
                    0600; one for each writer) or CTID_LOG_TOKEN, POST /log/api/entries appends for callers with that
                    bearer token. With --issuer-token only copies and trust lists: nobody but the registry binds
  append            appends entries given in hexadecimal and prints their receipts

  --origin NAME     the log's origin line; default: the name in the key
  --witness V=URL   a witness to ask for cosignatures before a checkpoint is published
  --threshold K     how many must answer; fewer, and nothing is acknowledged. Default 0`,
  run,
}

const OPTIONS = {
  name: { type: 'string' },
  'key-file': { type: 'string' },
  for: { type: 'string', default: 'log' },
  dir: { type: 'string' },
  origin: { type: 'string' },
  witness: { type: 'string', multiple: true, default: [] as string[] },
  threshold: { type: 'string', default: '0' },
  token: { type: 'string', multiple: true, default: [] as string[] },
  'issuer-token': { type: 'string', multiple: true, default: [] as string[] },
  port: { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  json: { type: 'boolean', default: false },
} as const

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
  const [action, ...rest] = positionals
  if (action === 'keygen' && rest.length === 0) return keygen(values, io)
  if (action === 'serve' && rest.length === 0) return serve(values, io)
  if (action === 'append' && rest.length > 0) return append(rest, values, io)
  throw new CtidError('ERR_CLI_USAGE')
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

async function keygen(values: Values, io: Io): Promise<number> {
  const { name, 'key-file': file, for: role } = values
  if (name === undefined || file === undefined || (role !== 'log' && role !== 'witness')) {
    throw new CtidError('ERR_CLI_USAGE')
  }
  const seed = systemRandom(32)
  const type = role === 'log' ? LOG_SIGNATURE : COSIGNATURE
  const key = formatNoteKey(noteSigner(name, type, seed).key)
  await createTextFile(file, `${formatNoteSigner(name, type, seed)}\n`, true)
  io.out(values.json ? JSON.stringify({ ok: true, key }) : key)
  return EXIT.ok
}

async function open(values: Values): Promise<FileLog> {
  if (values.dir === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--dir FOLDER' })
  const signer = await readSigner(values['key-file'])
  const witnesses = values.witness.map(parseWitness)
  const threshold = wholeNumber(values.threshold, witnesses.length, '--threshold')
  return openFileLog({
    directory: values.dir,
    origin: values.origin ?? signer.key.name,
    signers: [signer],
    ...(witnesses.length > 0 ? { cosign: cosignWith({ witnesses, threshold }) } : {}),
  })
}

async function append(texts: readonly string[], values: Values, io: Io): Promise<number> {
  const entries = texts.map((text) => encodeEntry(parseEntry(parseHex(text))))
  const log = await open(values)
  try {
    const receipts = (await registryLog(log).append(entries)).map(formatReceipt)
    if (values.json) io.out(JSON.stringify({ ok: true, receipts }))
    else for (const receipt of receipts) io.out(receipt)
  } finally {
    await log.close()
  }
  return EXIT.ok
}

async function serve(values: Values, io: Io): Promise<number> {
  const port = wholeNumber(values.port, 65_535, '--port')
  const log = await open(values)
  try {
    const { key } = await readSigner(values['key-file'])
    const fromEnvironment = io.env['CTID_LOG_TOKEN']
    const tokens = await Promise.all(values.token.map(readToken))
    if (tokens.length === 0 && fromEnvironment) tokens.push(fromEnvironment)
    const issuers = await Promise.all(values['issuer-token'].map(readToken))
    const authorize = bearer(tokens, issuers)
    const router = logRouter({
      source: log.source,
      logKey: key,
      witnesses: values.witness.map((text) => parseWitness(text).key),
      ...(tokens.length + issuers.length > 0 ? { append: { log: registryLog(log), authorize } } : {}),
    })
    const app = createApp({
      routers: [router],
      maxBodyBytes: MAX_APPEND_BYTES,
      onInternal: () => io.err('log: internal error'),
    })
    const server = await listen(app, { host: values.host, port })
    const ready = { ready: true, url: `${server.url}/log`, port: server.port, key: formatNoteKey(key) }
    if (values.json) io.out(JSON.stringify(ready))
    else io.out(`log ${log.origin}, ${log.published().size} entries: ${ready.url}\n${ready.key}`)
    await io.untilStopped()
    await server.close()
  } finally {
    await log.close()
  }
  return EXIT.ok
}

function bearer(
  tokens: readonly string[],
  issuers: readonly string[],
): (request: { headers: { authorization?: string | undefined } }) => Writer | undefined {
  const isOneOf = (given: Uint8Array, of: readonly string[]) =>
    of.filter((token) => equalBytes(given, utf8(`Bearer ${token}`))).length > 0
  return ({ headers }) => {
    const given = utf8(headers.authorization ?? '')
    const [any, issuer] = [isOneOf(given, tokens), isOneOf(given, issuers)]
    return any ? 'any' : issuer ? 'issuer' : undefined
  }
}

function parseHex(text: string): Uint8Array {
  try {
    return fromHex(text)
  } catch {
    throw new CtidError('ERR_CLI_USAGE', { detail: 'entries in hexadecimal' })
  }
}
