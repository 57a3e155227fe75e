// `ctid witness`: a witness of its own process, with its own key and memory. Run it under somebody else's roof.
import { parseArgs } from 'node:util'
import { CtidError, systemClock } from '../../base/index.ts'
import { createApp, listen, witnessRouter } from '../../http/index.ts'
import {
  COSIGNATURE,
  createWitness,
  formatNoteKey,
  type NoteKey,
  parseNoteKey,
  type WitnessedLog,
} from '../../transparency/index.ts'
import { fileWitnessStore } from '../../transparency/node.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import { readSigner, wholeNumber } from '../log-policy.ts'

export const command: Command = {
  name: 'witness',
  summary: 'cosign checkpoints of logs that only grow (C2SP tlog-witness)',
  usage: `ctid witness --key-file FILE --dir FOLDER --log VKEY ... [--port N] [--host ADDRESS] [--json]

  --key-file FILE   the witness's private key (ctid log keygen --for witness)
  --dir FOLDER      its memory: the last checkpoint of each log, and evidence of misbehaviour. Losing it means
                    losing the witness: retire the key then, do not start again with it
  --log VKEY        a log to follow, by [ORIGIN=]VKEY; repeat for each. Without ORIGIN it is the name in the key. Several
                    keys of one origin are all good, as while a log changes its key
  --port N          default 0, a free port. POST /witness/add-checkpoint`,
  run,
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'key-file': { type: 'string' },
      dir: { type: 'string' },
      log: { type: 'string', multiple: true, default: [] },
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      json: { type: 'boolean', default: false },
    },
  })
  if (values.dir === undefined || values.log.length === 0) throw new CtidError('ERR_CLI_USAGE')
  const port = wholeNumber(values.port, 65_535, '--port')
  const signer = await readSigner(values['key-file'])
  if (signer.key.type !== COSIGNATURE) {
    throw new CtidError('ERR_CLI_USAGE', { detail: 'a key made with --for witness' })
  }
  const logs = logsOf(values.log)
  const store = await fileWitnessStore(values.dir)
  const witness = createWitness({ signer, logs, store, clock: systemClock })
  const app = createApp({
    routers: [witnessRouter({ witness })],
    maxBodyBytes: 1 << 20,
    onInternal: () => io.err('witness: internal error'),
  })
  const server = await listen(app, { host: values.host, port })
  const ready = {
    ready: true,
    url: `${server.url}/witness`,
    port: server.port,
    key: formatNoteKey(signer.key),
  }
  io.out(values.json ? JSON.stringify(ready) : `witness of ${logs.length} logs: ${ready.url}\n${ready.key}`)
  await io.untilStopped()
  await server.close()
  return EXIT.ok
}

function logsOf(texts: readonly string[]): WitnessedLog[] {
  const byOrigin = new Map<string, NoteKey[]>()
  for (const text of texts) {
    // A key's text is NAME+ID+BASE64; what stands before an equals sign of its own is an origin.
    const [, given, vkey = ''] = /^(?:(.*)=)?([^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
    const key = parseNoteKey(vkey)
    const origin = given ?? key.name
    byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), key])
  }
  return [...byOrigin].map(([origin, keys]) => ({ origin, keys }))
}
