// `ctid registrar`: registrar, registry and issuer as one service, with evaluators in processes of their own.
import { readFile, stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  parseJsonObject,
  systemClock,
  systemRandom,
  toBase64url,
} from '../../base/index.ts'
import { openKeyProof, type ProvenKey } from '../../credential/index.ts'
import type { Deployment, DeploymentLog, LogOptions } from '../../deployment/index.ts'
import { createApp, issuerStatusRouter, listen, logRouter, registrarRouter } from '../../http/index.ts'
import { parseLegalRecord } from '../../identity/index.ts'
import { callChecker } from '../../token/index.ts'
import { writePrivateFile } from '../../token/node.ts'
import { parseNoteKey } from '../../transparency/index.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import { parseWitness, readToken, wholeNumber } from '../log-policy.ts'
import { parsePort } from '../service.ts'
import { openSystem, SYSTEM_OPTIONS, SYSTEM_USAGE } from '../system.ts'

const usage = `Usage: ctid registrar --callers FILE [--host ADDRESS] [--port N] [--evaluator ID=URL ...] [...]
       ctid registrar --callers FILE --add-caller NAME

Serves POST /enrol, /nonce and /copies to callers of the file, each request authenticated (CTID-MAC), and to everybody
GET /status/N, /trust-list, /anchor.pem and /health. Several of these can run over one PostgreSQL.
  --callers FILE     who may call, with their secrets (mode 0600)
  --add-caller NAME  makes a secret for a new caller and writes the file; nothing is served
  --host ADDRESS     default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --port N           default 0, a free port
  --log-dir DIR      keep the transparency log there and serve it under /log: nothing is acknowledged before it is logged
  --witness VKEY=URL a witness to ask for cosignatures; repeat for each. More than half must answer
  --log URL          instead: a log in a process of its own ("ctid log serve"), such as http://127.0.0.1:9000/log
  --log-key VKEY     that log's public key; --witness VKEY then says whose cosignatures its answers need
  --log-token FILE   the bearer token with which it may be appended to (mode 0600)
  --epoch SECONDS    how often the roots of the directory are published, so that one-to-one can be audited (default 3600)
${SYSTEM_USAGE}`

export const command: Command = {
  name: 'registrar',
  summary: 'serve the desk: enrol documents, issue copies, publish status and trust lists',
  usage,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...SYSTEM_OPTIONS,
        callers: { type: 'string' },
        'add-caller': { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '0' },
        'log-dir': { type: 'string' },
        log: { type: 'string' },
        'log-key': { type: 'string' },
        'log-token': { type: 'string' },
        epoch: { type: 'string', default: '3600' },
        witness: { type: 'string', multiple: true, default: [] },
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
    const baseUrl = values['base-url'] ?? io.env['CTID_BASE_URL'] ?? `http://localhost:${port}`
    const epochSeconds = wholeNumber(values.epoch, 604_800, '--epoch')
    if (epochSeconds === 0) throw new CtidError('ERR_CLI_USAGE', { detail: '--epoch' })
    const system = await openSystem({ ...values, 'base-url': baseUrl }, io, await logOf(values))
    const epochs = publishEpochs(system.log, epochSeconds, io)
    try {
      const server = await listen(
        createApp({
          routers: [
            registrarRouter({
              authenticate: callChecker(callers, { now: systemClock }),
              enrol: (document, officer) => system.enrol(document, officer),
              ready: () => system.store.rows('select 1 as one'),
              ...issuing(system),
            }),
            issuerStatusRouter({
              publisher: system.statusPublisher,
              trustList: system.trustList,
              anchorPem: system.keyring.pki.anchorPem,
            }),
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

type LogValues = {
  readonly 'log-dir'?: string
  readonly log?: string
  readonly 'log-key'?: string
  readonly 'log-token'?: string
  readonly witness: readonly string[]
}

async function logOf(values: LogValues): Promise<LogOptions | undefined> {
  const { 'log-dir': directory, log: url, 'log-key': key, 'log-token': tokenFile } = values
  if (url === undefined) {
    return directory === undefined ? undefined : { directory, witnesses: values.witness.map(parseWitness) }
  }
  if (directory !== undefined || key === undefined || tokenFile === undefined) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--log with --log-key and --log-token, or --log-dir' })
  }
  return {
    url,
    key: parseNoteKey(key),
    token: await readToken(tokenFile),
    witnessKeys: values.witness.map(parseNoteKey),
  }
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

const NONCE_SECONDS = 300
const MAX_NONCES = 100_000

// Nonces of this process: a proof must come back to the one that gave its nonce out.
function issuing(system: Deployment) {
  const given = new Map<string, number>()
  const use = (nonce: unknown): boolean => {
    const until = typeof nonce === 'string' ? given.get(nonce) : undefined
    return until !== undefined && systemClock() < until
  }
  return {
    nonce(): string {
      const now = systemClock()
      for (const [nonce, until] of given) {
        if (until > now && given.size < MAX_NONCES) break
        given.delete(nonce)
      }
      const nonce = toBase64url(systemRandom(16))
      given.set(nonce, now + NONCE_SECONDS)
      return nonce
    },
    async issue(token: Uint8Array, proofs: readonly string[], officer: string) {
      const used = new Set<string>()
      const keys: ProvenKey[] = []
      for (const proof of proofs) {
        const opened = await openKeyProof(proof, {
          expectedIssuer: system.issuer.issuerId,
          now: systemClock(),
        })
        if (!use(opened.nonce)) throw new CtidError('ERR_ISSUER_PROOF_NONCE')
        used.add(opened.nonce as string)
        keys.push(opened.key)
      }
      for (const nonce of used) given.delete(nonce)
      await system.requireValid(token)
      const record = await system.registry.openRecord(token, { reason: 'holder-request', officer })
      return system.issue(token, parseLegalRecord(record), keys)
    },
  }
}

async function readCallers(file: string): Promise<Map<string, Uint8Array>> {
  try {
    if (((await stat(file)).mode & 0o077) !== 0) throw new CtidError('ERR_REGISTRAR_CALLERS')
    const { callers } = parseJsonObject(await readFile(file, 'utf8'), { maxLength: 262_144 })
    if (!Array.isArray(callers)) throw new CtidError('ERR_REGISTRAR_CALLERS')
    return new Map(
      callers.map((caller) => {
        const { name, secret } = isJsonObject(caller) ? caller : {}
        if (typeof name !== 'string' || !NAME.test(name) || typeof secret !== 'string') {
          throw new CtidError('ERR_REGISTRAR_CALLERS')
        }
        const bytes = fromBase64url(secret)
        if (bytes.length !== 32) throw new CtidError('ERR_REGISTRAR_CALLERS')
        return [name, bytes]
      }),
    )
  } catch (cause) {
    throw new CtidError('ERR_REGISTRAR_CALLERS', { cause })
  }
}

const NAME = /^[a-z0-9-]{1,32}$/

async function addCaller(file: string, name: string): Promise<void> {
  if (!NAME.test(name)) throw new CtidError('ERR_CLI_USAGE', { detail: '--add-caller: a-z, 0-9, -' })
  const exists = await stat(file).then(
    () => true,
    () => false,
  )
  const callers = exists ? await readCallers(file) : new Map<string, Uint8Array>()
  callers.set(name, systemRandom(32))
  const document = {
    callers: [...callers].map(([caller, secret]) => ({ name: caller, secret: toBase64url(secret) })),
  }
  await writePrivateFile(file, `${JSON.stringify(document, null, 2)}\n`)
}
