// `ctid verifier --workers N`: codes verified over HTTP by N processes behind one port.
import cluster from 'node:cluster'
import { parseArgs } from 'node:util'
import { CtidError, parseJson, systemClock } from '../base/index.ts'
import { ENTRANCE_POLICY, openStoreReplayCache } from '../deployment/index.ts'
import { createVerifierApp, listen, type VerifierApp, type VerifierCounts } from '../http/index.ts'
import { openStore } from '../store/index.ts'
import { memoryReplayCache, parsePolicy, type ReplayCache, requireCodePolicy } from '../verifier/index.ts'
import { workersOf } from './bulk.ts'
import { EXIT, type Io } from './command.ts'
import { readText } from './system.ts'
import { linkToPrimary, startPrimary, type WorkerLink } from './verification-cluster.ts'
import { openContext } from './verification-context.ts'

export const VERIFICATION_USAGE = `Usage: ctid verifier --workers N --trust URL|FILE --trust-anchor FILE [--policy FILE] [--replay URL] [...]

Verifies codes: POST /verify {"code": TEXT, "challenge": BASE64URL?} answers the verdict with every check; GET /health,
GET /metrics (Prometheus). Trust and status lists are fetched whole and kept; nobody is asked about anyone. A service
that is behind answers 503 with Retry-After. SIGTERM lets running requests finish.
  --workers N        processes behind one port
  --trust URL|FILE   signed trust list ("ctid keys publish", or GET /trust-list of the registrar's service)
  --trust-anchor FILE  public JWK of its publisher
  --policy FILE      verifier policy as JSON; default: any person or organisation at an entrance. One that requires a log
                     is refused: codes have no room for its receipt
  --replay URL       memory of used codes: absent, in the memory of this machine; a postgres:// address or a SQLite
                     file when several machines share a queue
  --max-in-flight N  requests under way in one process before others are refused (default 256)
  --refresh SECONDS  how often the trust list is fetched (default 300)
  --host ADDRESS --port N   default 127.0.0.1 and a free port
  --json             print one JSON line when ready`

const OPTIONS = {
  workers: { type: 'string' },
  trust: { type: 'string' },
  'trust-anchor': { type: 'string' },
  policy: { type: 'string' },
  replay: { type: 'string' },
  'max-in-flight': { type: 'string', default: '256' },
  refresh: { type: 'string', default: '300' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
} as const

type Values = {
  readonly trust: string
  readonly anchor: string
  readonly policy: string | undefined
  readonly replay: string | undefined
  readonly maxInFlight: number
  readonly refreshSeconds: number
  readonly host: string
  readonly port: number
}

/** Whether a command line of `ctid verifier` asks for this service. */
export function asksForVerification(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--workers' || arg.startsWith('--workers='))
}

/** Runs the service; the same command line starts the primary and, forked by it, each worker. */
export async function serveVerification(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS })
  const workers = workersOf(values.workers)
  const { trust, 'trust-anchor': anchor } = values
  if (trust === undefined || anchor === undefined) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--trust and --trust-anchor' })
  }
  const settings: Values = {
    trust,
    anchor,
    policy: values.policy,
    replay: values.replay,
    maxInFlight: wholeNumber(values['max-in-flight'], 1, 100_000, '--max-in-flight'),
    refreshSeconds: wholeNumber(values.refresh, 1, 86_400, '--refresh'),
    host: values.host,
    port: wholeNumber(values.port, 0, 65_535, '--port'),
  }
  const announce = ({ url, port }: { readonly url: string; readonly port: number }) => {
    if (values.json) io.out(JSON.stringify({ ready: true, url, port, workers }))
    else io.out(`verifier, ${workers} ${workers === 1 ? 'process' : 'processes'}: ${url}`)
  }
  if (cluster.isWorker) await work(settings, io)
  else if (workers === 1) await serveAlone(settings, io, announce)
  else await lead(workers, io, announce)
  return EXIT.ok
}

type Announce = (address: { readonly url: string; readonly port: number }) => void

async function lead(workers: number, io: Io, announce: Announce): Promise<void> {
  // With a store each worker asks it itself.
  const replay: ReplayCache = memoryReplayCache({ clock: systemClock, maxEntries: 2_000_000 })
  const primary = startPrimary({
    workers,
    replay,
    onReady: announce,
    onRestart: () => io.err('verifier: a worker ended and is started again'),
  })
  await io.untilStopped()
  await primary.stop()
}

async function work(settings: Values, io: Io): Promise<void> {
  let app: VerifierApp | undefined
  const link = linkToPrimary(() => app?.counts() ?? EMPTY)
  // The terminal's Ctrl-C reaches workers too, but it is the primary that says when to stop.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  await serve(settings, io, {
    link,
    until: link.untilStopped,
    onApp: (opened) => {
      app = opened
    },
    announce: link.ready,
  })
  process.disconnect?.()
}

const EMPTY: VerifierCounts = { outcomes: {}, buckets: [], seconds: 0, shed: 0, inFlight: 0, processes: 1 }

function serveAlone(settings: Values, io: Io, announce: Announce): Promise<void> {
  return serve(settings, io, { until: () => io.untilStopped(), announce })
}

type Serving = {
  readonly link?: WorkerLink
  readonly until: () => Promise<void>
  readonly onApp?: (app: VerifierApp) => void
  readonly announce: Announce
}

async function serve(settings: Values, io: Io, { link, until, onApp, announce }: Serving): Promise<void> {
  const stopped = until()
  const policy =
    settings.policy === undefined ? ENTRANCE_POLICY : parsePolicy(parseJson(await readText(settings.policy)))
  requireCodePolicy(policy)
  const { replay, close: closeReplay } = await openReplay(settings, link)
  const context = await openContext({
    policy,
    trust: settings.trust,
    anchorFile: settings.anchor,
    replay,
    clock: systemClock,
    refreshSeconds: settings.refreshSeconds,
    onTrouble: (what) => io.err(`verifier: the ${what} cannot be fetched; going on with the last one`),
  })
  const service = createVerifierApp({
    context: context.current,
    trouble: context.trouble,
    maxInFlight: settings.maxInFlight,
    onInternal: () => io.err('verifier: internal error'),
    ...(link === undefined ? {} : { allCounts: () => link.allCounts() }),
  })
  onApp?.(service)
  const server = await listen(service.app, { host: settings.host, port: settings.port })
  announce({ url: server.url, port: server.port })
  await stopped
  await server.close()
  service.close()
  context.close()
  await closeReplay()
}

const SWEEP_MILLISECONDS = 60_000

async function openReplay(
  { replay: url }: Values,
  link: WorkerLink | undefined,
): Promise<{ readonly replay: ReplayCache; readonly close: () => Promise<void> }> {
  if (url === undefined) {
    const replay = link?.replay ?? memoryReplayCache({ clock: systemClock, maxEntries: 2_000_000 })
    return { replay, close: async () => {} }
  }
  const store = await openStore(url)
  const replay = await openStoreReplayCache(store, { clock: systemClock })
  const timer = setInterval(() => void replay.sweep().catch(() => undefined), SWEEP_MILLISECONDS)
  timer.unref()
  return {
    replay,
    async close() {
      clearInterval(timer)
      await store.close()
    },
  }
}

function wholeNumber(text: string, min: number, max: number, option: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new CtidError('ERR_CLI_USAGE', { detail: option })
  return value
}
