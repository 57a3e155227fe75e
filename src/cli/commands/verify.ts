// `ctid verify`: verifies a code and prints every check, offline from files or with lists fetched from the issuer.
import { parseArgs } from 'node:util'
import { type Clock, CtidError, fromHex, type Json, parseJson, systemClock } from '../../base/index.ts'
import { parsePublicJwk } from '../../crypto/index.ts'
import { httpRelay } from '../../qr/index.ts'
import { decodePng } from '../../qr/png.ts'
import { createStatusChecker } from '../../status/index.ts'
import { checkTrustList, parseTrustList, type TrustList } from '../../trust/index.ts'
import {
  checkWords,
  type Language,
  lintPolicy,
  memoryReplayCache,
  parsePolicy,
  requireCodePolicy,
  resolveOnline,
  statusLookup,
  trustListLookup,
  type Verdict,
  type VerifierPolicy,
  type VerifyContext,
  verdictToJson,
  verifyCode,
} from '../../verifier/index.ts'
import { type Command, EXIT, type Io, table } from '../command.ts'
import { read, readText } from './scan.ts'

const usage = `Usage: ctid verify TEXT --trust FILE [--policy FILE] [--status DIR | --offline] [--challenge HEX] [--json]
       ctid verify --image FILE.png --trust FILE ...        ctid verify - --trust FILE ... (text from standard input)

Prints a table of all checks; a check that was not executed is not passed. Exit code 1: refused.
  --trust FILE       trust list: JSON of keys you trust yourself, or a signed list together with --anchor
  --anchor FILE      public JWK of the trust list's publisher
  --policy FILE      verifier policy as JSON; default: any person, low assurance. One that requires a log is refused: a code
                     has no room for its receipt, a presented credential has (ctid verifier --log)
  --status DIR       directory of status list tokens, one file per address (percent-encoded); default: fetched
  --offline          look at no status list: the status checks are not executed
  --relay URL        where online tokens are fetched
  --challenge HEX    what you showed
  --used URL         store in which codes are remembered (SQLite file or postgres:// address): each passes once.
                     Default: this run forgets, so a code shown again within its 30 seconds passes again
  --lang en|zh       language of the table
  --json             {ok, code?, form, checks, attested?}`

/** For trying things out: what anyone may ask. */
const DEFAULT_POLICY: VerifierPolicy = {
  name: 'command line',
  useCase: 'entrance',
  purpose: 'identity',
  accept: { dynamic: { minAssurance: 'low', required: [] }, paper: { minAssurance: 'low', required: [] } },
  kinds: ['person'],
  alternative: { en: 'Show the document itself.', zh: '请出示纸质证件。' },
}

export const command: Command = {
  name: 'verify',
  summary: 'verify a code and list every check',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        image: { type: 'string' },
        trust: { type: 'string' },
        anchor: { type: 'string' },
        policy: { type: 'string' },
        status: { type: 'string' },
        offline: { type: 'boolean', default: false },
        relay: { type: 'string' },
        challenge: { type: 'string' },
        used: { type: 'string' },
        lang: { type: 'string', default: 'en' },
        json: { type: 'boolean', default: false },
      },
    })
    if (values.lang !== 'en' && values.lang !== 'zh')
      throw new CtidError('ERR_CLI_USAGE', { detail: '--lang en or zh' })
    if (values.trust === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--trust FILE' })
    const scanned = await textOf(positionals, values.image, io)
    const text =
      values.relay === undefined ? scanned : await resolveOnline(scanned, httpRelay(values.relay, fetch))
    const policy = values.policy === undefined ? DEFAULT_POLICY : parsePolicy(await readJson(values.policy))
    for (const { severity, words } of lintPolicy(policy)) {
      if (values.policy !== undefined) io.err(`policy ${severity}: ${words.en}`)
    }
    requireCodePolicy(policy)
    const clock = systemClock
    const trusted = await readTrust(values.trust, values.anchor, clock)
    const used = values.used === undefined ? undefined : await openUsed(values.used, clock)
    const context: VerifyContext = {
      policy,
      trust: trustListLookup(trusted),
      replay: used?.replay ?? memoryReplayCache({ clock }),
      clock,
      ...(values.offline ? {} : { status: statusLookup(statusSource(values.status, clock)) }),
      ...(values.challenge === undefined ? {} : { expectedChallenge: hex(values.challenge) }),
    }
    const verdict = await verifyCode(text, context).finally(() => used?.store.close())
    if (values.json) io.out(JSON.stringify(verdictToJson(verdict)))
    else print(verdict, values.lang, io)
    return verdict.ok ? EXIT.ok : EXIT.refused
  },
}

async function textOf(positionals: readonly string[], image: string | undefined, io: Io): Promise<string> {
  const [given, ...others] = positionals
  if (others.length > 0 || (given === undefined) === (image === undefined)) {
    throw new CtidError('ERR_CLI_USAGE', { detail: 'give either a text or --image' })
  }
  if (image !== undefined) return decodePng(await read(image))
  return given === '-' ? (await io.readStdin()).trimEnd() : (given ?? '')
}

// Loaded only here: most verifications need no database.
async function openUsed(url: string, clock: Clock) {
  const { openStore } = await import('../../store/index.ts')
  const { openStoreReplayCache } = await import('../../deployment/index.ts')
  const store = await openStore(url)
  return { store, replay: await openStoreReplayCache(store, { clock }) }
}

async function readTrust(file: string, anchor: string | undefined, clock: Clock): Promise<TrustList> {
  const text = (await readText(file)).trim()
  if (anchor === undefined && !text.startsWith('{')) {
    throw new CtidError('ERR_CLI_USAGE', {
      detail: 'a signed list needs the key of its publisher: --anchor FILE',
    })
  }
  if (anchor === undefined) return parseTrustList(parseJson(text, { maxLength: 4_194_304 }))
  const publisher = parsePublicJwk(await readJson(anchor))
  return checkTrustList(text, { expectedSigners: [publisher], now: clock() })
}

async function readJson(file: string): Promise<Json> {
  return parseJson(await readText(file))
}

function statusSource(directory: string | undefined, clock: Clock) {
  const fetchToken = async (uri: string): Promise<string> => {
    if (directory !== undefined) return (await readText(`${directory}/${encodeURIComponent(uri)}`)).trim()
    const response = await fetch(uri, { signal: AbortSignal.timeout(10_000), redirect: 'error' })
    if (!response.ok) throw new CtidError('ERR_STATUS_UNAVAILABLE')
    return response.text()
  }
  // A file that is not there is a list that cannot be had, not a mistake of the person at the prompt.
  const orUnavailable = (uri: string) =>
    fetchToken(uri).catch(() => {
      throw new CtidError('ERR_STATUS_UNAVAILABLE')
    })
  return createStatusChecker({ fetchToken: orUnavailable, clock })
}

function print(verdict: Verdict, language: Language, io: Io): void {
  const marks = { passed: '✓', failed: '✗', 'not-executed': '–' }
  const rows = verdict.checks.map((check) => {
    const { heading, result, reason } = checkWords(check, language)
    return [marks[check.result], heading, result, reason]
  })
  for (const line of table(rows)) io.out(line)
  io.out('')
  const words = language === 'zh' ? { yes: '接受', no: '拒绝' } : { yes: 'ACCEPTED', no: 'REFUSED' }
  io.out(verdict.ok ? words.yes : `${words.no} [${verdict.code}]`)
}

function hex(text: string): Uint8Array {
  try {
    return fromHex(text)
  } catch {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--challenge takes hexadecimal digits' })
  }
}
