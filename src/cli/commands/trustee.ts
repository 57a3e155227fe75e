// `ctid trustee`: sets up converter trustees for development, and serves one as a process of its own.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  CtidError,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  systemClock,
  systemRandom,
} from '../../base/index.ts'
import { loadSodiumGroup } from '../../crypto/index.ts'
import { createApp, listen, trusteeRouter } from '../../http/index.ts'
import {
  createTrustee,
  directoryToJson,
  formatParties,
  formatTrusteeKeys,
  MAX_TRUSTEE_BODY_BYTES,
  parseDirectory,
  parseTrusteeKeys,
  setUpParties,
} from '../../pseudonym/index.ts'
import { openJournalFile } from '../../pseudonym/node.ts'
import { type Command, EXIT, type Io } from '../command.ts'

export const command: Command = {
  name: 'trustee',
  summary: 'serve one converter trustee: blind conversion between departments, for signed purposes only',
  usage: `ctid trustee set-up --out FOLDER [--trustees 3] [--threshold 2] [--json]
ctid trustee serve --keys FILE --directory FILE [--journal FILE] [--host ADDRESS] [--port NUMBER] [--json]

  set-up            for development: all trustees' ceremony, the departments' keys and the log's keys in one
                    process, written to FOLDER. In a deployment each party makes its own (SPEC.md section 7).
  serve             one trustee; POST /convert/audit, POST /convert/release

  --keys FILE       the trustee's shares and callers (mode 0600)
  --directory FILE  public keys of all parties
  --journal FILE    append-only count of what was released; default: the key file's name with .journal
  --host ADDRESS    default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --port NUMBER     default 0, a free port
  --json            print one JSON line`,
  run,
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      trustees: { type: 'string', default: '3' },
      threshold: { type: 'string', default: '2' },
      keys: { type: 'string' },
      directory: { type: 'string' },
      journal: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
    },
  })
  const [action, ...rest] = positionals
  const { out, keys, directory } = values
  if (rest.length === 0 && action === 'set-up' && out !== undefined) {
    const count = wholeNumber(values.trustees, 99)
    return setUp(out, { count, threshold: wholeNumber(values.threshold, count), json: values.json }, io)
  }
  if (rest.length === 0 && action === 'serve' && keys !== undefined && directory !== undefined) {
    const port = wholeNumber(values.port, 65_535)
    const journal = values.journal ?? `${keys}.journal`
    return serve({ keys, directory, journal, host: values.host, port, json: values.json }, io)
  }
  throw new CtidError('ERR_CLI_USAGE')
}

async function setUp(
  folder: string,
  options: { readonly count: number; readonly threshold: number; readonly json: boolean },
  io: Io,
): Promise<number> {
  const group = await loadSodiumGroup()
  const parties = await setUpParties(group, { ...options, random: systemRandom })
  await mkdir(folder, { recursive: true })
  const files = new Map<string, JsonObject>([
    ['directory.json', directoryToJson(parties.directory)],
    ['parties.json', formatParties(parties)],
    ...parties.trustees.map((keys): [string, JsonObject] => [
      `trustee-${keys.id}.json`,
      formatTrusteeKeys(keys),
    ]),
  ])
  for (const [name, content] of files) await save(join(folder, name), content)
  const written = [...files.keys()]
  if (options.json) io.out(JSON.stringify({ ok: true, folder, files: written }))
  else for (const name of written) io.out(join(folder, name))
  return EXIT.ok
}

async function serve(
  options: {
    readonly keys: string
    readonly directory: string
    readonly journal: string
    readonly host: string
    readonly port: number
    readonly json: boolean
  },
  io: Io,
): Promise<number> {
  const group = await loadSodiumGroup()
  const directory = parseDirectory(group, await load(options.directory))
  const keys = parseTrusteeKeys(group, await load(options.keys))
  const journal = openJournalFile(options.journal)
  try {
    const trustee = createTrustee(group, {
      ...keys,
      directory,
      journal,
      clock: systemClock,
      random: systemRandom,
    })
    const app = createApp({
      routers: [trusteeRouter({ trustee, callers: keys.callers, now: systemClock })],
      maxBodyBytes: MAX_TRUSTEE_BODY_BYTES,
      onInternal: () => io.err('trustee: internal error'),
    })
    const server = await listen(app, { host: options.host, port: options.port })
    if (options.json) {
      io.out(JSON.stringify({ ready: true, url: server.url, port: server.port, trustee: keys.id }))
    } else {
      io.out(`trustee ${keys.id}, ${keys.shares.size} pairs of sectors: ${server.url}`)
    }
    await io.untilStopped()
    await server.close()
  } finally {
    journal.close()
  }
  return EXIT.ok
}

function wholeNumber(text: string, largest: number): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= largest)) throw new CtidError('ERR_CLI_USAGE')
  return value
}

async function load(path: string): Promise<JsonObject> {
  try {
    return parseJsonObject(fromUtf8(await readFile(path)), { maxLength: 4_194_304 })
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}

async function save(path: string, content: JsonObject): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}
