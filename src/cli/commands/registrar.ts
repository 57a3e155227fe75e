// `ctid registrar`: registrar and registry as a service; the issuer in it, or in a process of its own like the evaluators.
import { parseArgs } from 'node:util'
import { CtidError, systemClock } from '../../base/index.ts'
import type { DeploymentLog, LogOptions } from '../../deployment/index.ts'
import { createApp, issuerStatusRouter, listen, logRouter, registrarRouter } from '../../http/index.ts'
import { callChecker } from '../../token/index.ts'
import { addCaller, readCallers } from '../callers.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import {
  LOG_ELSEWHERE_OPTIONS,
  LOG_ELSEWHERE_USAGE,
  logElsewhere,
  mixOf,
  parseWitness,
  wholeNumber,
} from '../log-policy.ts'
import { parsePort } from '../service.ts'
import { baseUrlOf, openRegistrar, REGISTRAR_OPTIONS, REGISTRAR_USAGE } from '../system.ts'

const usage = `Usage: ctid registrar --callers FILE [--host ADDRESS] [--port N] [--evaluator ID=URL ...] [...]
       ctid registrar --callers FILE --add-caller NAME

Serves POST /enrol, /nonce and /copies to callers of the file, each request authenticated (CTID-MAC), and GET /health; to
everybody also GET /status/N, /trust-list and /anchor.pem, unless --issuer says that another process signs: then this one
holds no key that signs copies or lists. Several of these can run over one PostgreSQL.
  --callers FILE     who may call, with their secrets (mode 0600)
  --add-caller NAME  makes a secret for a new caller and writes the file; nothing is served
  --host ADDRESS     default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --port N           default 0, a free port
  --log-dir DIR      keep the transparency log there and serve it under /log: nothing is acknowledged before it is logged
  --witness VKEY=URL a witness to ask for cosignatures; repeat for each. More than half must answer
${LOG_ELSEWHERE_USAGE}
  --epoch SECONDS    how often the roots of the directory are published, so that one-to-one can be audited (default 3600)
${REGISTRAR_USAGE}`

export const command: Command = {
  name: 'registrar',
  summary: 'serve the desk: enrol documents, issue copies, publish status and trust lists',
  usage,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...REGISTRAR_OPTIONS,
        ...LOG_ELSEWHERE_OPTIONS,
        callers: { type: 'string' },
        'add-caller': { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '0' },
        'log-dir': { type: 'string' },
        epoch: { type: 'string', default: '3600' },
      },
    })
    if (values.callers === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--callers FILE' })
    if (values['add-caller'] !== undefined) {
      await addCaller(values.callers, values['add-caller'])
      io.out(values.json ? JSON.stringify({ ok: true, caller: values['add-caller'] }) : 'caller added')
      return EXIT.ok
    }
    const callers = await readCallers(values.callers)
    const port = await parsePort(values.port, values.host)
    const baseUrl = baseUrlOf(values, io, port)
    // Proofs name the issuer: elsewhere it has another address than this process.
    if (values.issuer !== undefined && (values['base-url'] ?? io.env['CTID_BASE_URL']) === undefined) {
      throw new CtidError('ERR_CLI_USAGE', { detail: '--issuer with --base-url' })
    }
    const epochSeconds = wholeNumber(values.epoch, 604_800, '--epoch')
    if (epochSeconds === 0) throw new CtidError('ERR_CLI_USAGE', { detail: '--epoch' })
    const system = await openRegistrar({ ...values, 'base-url': baseUrl }, io, await logOf(values))
    const epochs = publishEpochs(system.log, epochSeconds, io)
    try {
      const server = await listen(
        createApp({
          routers: [
            registrarRouter({
              authenticate: callChecker(callers, { now: systemClock }),
              enrol: (document, officer) => system.enrol(document, officer),
              nonce: () => system.nonce(),
              issue: (token, proofs, officer) => system.issueCopies(token, proofs, officer),
              ready: () => system.store.rows('select 1 as one'),
            }),
            ...('trustList' in system
              ? [
                  issuerStatusRouter({
                    publisher: system.statusPublisher,
                    trustList: system.trustList,
                    anchorPem: system.keyring.pki.anchorPem,
                  }),
                ]
              : []),
            ...(system.log && values.log === undefined
              ? [
                  logRouter({
                    source: system.log.source,
                    directory: system.log.directory,
                    logKey: system.log.policy.logKey,
                    witnesses: system.log.policy.witnesses,
                  }),
                ]
              : []),
          ],
          onInternal: () => io.err('registrar: internal error'),
        }),
        { host: values.host, port },
      )
      if (values.json) io.out(JSON.stringify({ ready: true, url: server.url, port: server.port }))
      else io.out(`registrar: ${server.url}`)
      await io.untilStopped()
      await server.close()
      return EXIT.ok
    } finally {
      await epochs.stop()
      await system.close()
    }
  },
}

type LogValues = Parameters<typeof logElsewhere>[0] & {
  readonly 'log-dir'?: string | undefined
  readonly issuer?: string | undefined
}

async function logOf(values: LogValues): Promise<LogOptions | undefined> {
  const { 'log-dir': directory } = values
  if (directory === undefined) return logElsewhere(values)
  if (values.log !== undefined || values.issuer !== undefined) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--log-dir goes with neither --log nor --issuer' })
  }
  return { directory, witnesses: values.witness.map(parseWitness), mixSeconds: mixOf(values) }
}

// A binding can be proven, and its roots audited, from the first epoch on that has it.
function publishEpochs(log: DeploymentLog | undefined, seconds: number, io: Io) {
  const publish = async () => {
    await log?.epoch().catch(() => io.err('registrar: the epoch waits: the log does not answer'))
  }
  const timer = setInterval(() => void publish(), seconds * 1000)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await publish()
    },
  }
}
