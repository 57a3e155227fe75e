// What a verification service knows from outside: a trust list and status lists, fetched again and again, never asked about
// one person. When nobody answers it goes on with what it has, as long as that is in force.
import { type Clock, CtidError, parseJson, readBody } from '../base/index.ts'
import { type P256PublicJwk, parsePublicJwk } from '../crypto/index.ts'
import { createStatusChecker } from '../status/index.ts'
import { checkTrustList, type TrustList } from '../trust/index.ts'
import {
  type ReplayCache,
  statusLookup,
  trustListLookup,
  type VerifierPolicy,
  type VerifyContext,
} from '../verifier/index.ts'
import { readText } from './system.ts'

export type ContextOptions = {
  readonly policy: VerifierPolicy
  /** URL or file of the signed trust list. */
  readonly trust: string
  /** File with the public JWK of its publisher. */
  readonly anchorFile: string
  readonly replay: ReplayCache
  readonly clock: Clock
  /** How often the trust list is fetched. Default 300. */
  readonly refreshSeconds?: number
  /** After a failure, how long a status list's address is left in peace. Default 10. */
  readonly backOffSeconds?: number
  readonly onTrouble?: (what: 'trust list' | 'status list') => void
}

export type RefreshedContext = {
  readonly current: () => VerifyContext
  /** Why nothing can be accepted, if so. */
  readonly trouble: () => string | undefined
  close(): void
}

const FETCH_MILLISECONDS = 5_000
/** Sooner than a list is due: a request that comes with a person would tell whoever serves it that somebody is here now. */
const LISTS_SECONDS = 120
const MAX_BYTES = 4_194_304

/**
 * Opens the context and keeps it fresh. Resolves with a checked trust list.
 *
 * @throws {CtidError} `ERR_TRUST_*`, `ERR_HTTP_UNAVAILABLE`, `ERR_CLI_FILE`
 */
export async function openContext(options: ContextOptions): Promise<RefreshedContext> {
  const { policy, replay, clock, refreshSeconds = 300, onTrouble = () => {} } = options
  const publisher = parsePublicJwk(parseJson(await readText(options.anchorFile)))
  let list = await loadTrust(options, publisher, undefined)
  const fetchToken = backingOff(options)
  const checker = createStatusChecker({ fetchToken, clock, staleWhenUnreachable: true })
  const status = statusLookup(checker)
  const contextOf = (trusted: TrustList): VerifyContext => ({
    policy,
    trust: trustListLookup(trusted),
    status,
    replay,
    clock,
  })
  let context = contextOf(list)
  const refresh = async (): Promise<void> => {
    try {
      list = await loadTrust(options, publisher, list.version)
      context = contextOf(list)
    } catch {
      onTrouble('trust list')
    }
  }
  const timer = setInterval(() => void refresh(), refreshSeconds * 1000)
  const listTimer = setInterval(() => void checker.refresh(), Math.min(refreshSeconds, LISTS_SECONDS) * 1000)
  for (const each of [timer, listTimer]) each.unref()
  return {
    current: () => context,
    trouble: () => (clock() < list.expiresAt ? undefined : 'the trust list has expired'),
    close: () => {
      clearInterval(timer)
      clearInterval(listTimer)
    },
  }
}

async function loadTrust(
  { trust, clock }: ContextOptions,
  publisher: P256PublicJwk,
  knownVersion: number | undefined,
): Promise<TrustList> {
  const isUrl = /^https?:\/\//.test(trust)
  const text = (isUrl ? await fetchText(trust, 'ERR_HTTP_UNAVAILABLE') : await readText(trust)).trim()
  return checkTrustList(text, {
    expectedSigners: [publisher],
    now: clock(),
    ...(knownVersion === undefined ? {} : { knownVersion }),
  })
}

// A status server that hangs must cost one request its patience, not every one.
function backingOff({ clock, backOffSeconds = 10, onTrouble = () => {} }: ContextOptions) {
  const restUntil = new Map<string, number>()
  return async (uri: string): Promise<string> => {
    if (clock() < (restUntil.get(uri) ?? 0)) throw new CtidError('ERR_STATUS_UNAVAILABLE')
    try {
      const text = await fetchText(uri, 'ERR_STATUS_UNAVAILABLE')
      restUntil.delete(uri)
      return text
    } catch (error) {
      restUntil.set(uri, clock() + backOffSeconds)
      onTrouble('status list')
      throw error
    }
  }
}

async function fetchText(
  url: string,
  code: 'ERR_HTTP_UNAVAILABLE' | 'ERR_STATUS_UNAVAILABLE',
): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MILLISECONDS), redirect: 'error' })
    const bytes = response.ok ? await readBody(response, MAX_BYTES) : undefined
    if (bytes) return new TextDecoder().decode(bytes)
  } catch {
    // Unreachable, slow, cut off, too large: one and the same for who asked.
  }
  throw new CtidError(code)
}
