// `ctid evaluator`: one evaluator as a process of its own, holding one key share.
import { parseArgs } from 'node:util'
import { CtidError, systemClock, systemRandom } from '../../base/index.ts'
import { loadSodiumGroup } from '../../crypto/index.ts'
import { EVALUATOR_MAX_BODY_BYTES, openEvaluatorService } from '../../http/evaluator.ts'
import { createApp, listen } from '../../http/index.ts'
import { readShareFile } from '../../token/node.ts'
import { type Command, EXIT, type Io } from '../command.ts'

export const command: Command = {
  name: 'evaluator',
  summary: 'serve one share of the token key: blind evaluation, authenticated, limited, counted',
  usage: `ctid evaluator --share FILE [--count-log FILE] [--host ADDRESS] [--port NUMBER] [--json]

  --share FILE      the evaluator's share and callers (mode 0600), made by "ctid keys"
  --count-log FILE  append-only request count; default: the share file's name with .count
  --host ADDRESS    default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --port NUMBER     default 0, a free port
  --json            print one JSON line when ready

Serves POST /evaluate, POST /prove, GET /key, GET /health. Takes a refreshed or rotated share over from the file when a
caller asks for it. Stops in order on SIGTERM and SIGINT.`,
  run,
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      share: { type: 'string' },
      'count-log': { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
    },
  })
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN
  if (values.share === undefined || !(port <= 65_535)) throw new CtidError('ERR_CLI_USAGE')

  const group = await loadSodiumGroup()
  const file = values.share
  const secrets = await readShareFile(file, group)
  const service = await openEvaluatorService({
    secrets,
    group,
    countLogPath: values['count-log'] ?? `${values.share}.count`,
    now: systemClock,
    random: systemRandom,
    readSecrets: () => readShareFile(file, group),
  })
  try {
    const app = createApp({
      routers: [service.router],
      maxBodyBytes: EVALUATOR_MAX_BODY_BYTES,
      onInternal: () => io.err('evaluator: internal error'),
    })
    const server = await listen(app, { host: values.host, port })
    const { version, epoch } = secrets.keySet
    const evaluator = secrets.share.id
    if (values.json) {
      io.out(JSON.stringify({ ready: true, url: server.url, port: server.port, evaluator, version, epoch }))
    } else {
      io.out(`evaluator ${evaluator}, key version ${version}, epoch ${epoch}: ${server.url}`)
    }
    await io.untilStopped()
    await server.close()
  } finally {
    await service.close()
  }
  return EXIT.ok
}
