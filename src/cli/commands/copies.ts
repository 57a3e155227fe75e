// `ctid copies`: the issuer of copies as a process of its own. It signs for registrars and can open nothing.
import { parseArgs } from 'node:util'
import { CtidError, systemClock, systemRandom } from '../../base/index.ts'
import { openIssuerParty } from '../../deployment/index.ts'
import { createApp, issuerRouter, issuerStatusRouter, listen } from '../../http/index.ts'
import { MAX_ISSUER_BODY_BYTES } from '../../issuer/index.ts'
import { callChecker } from '../../token/index.ts'
import { addCaller, readCallers } from '../callers.ts'
import { type Command, EXIT, type Io, noMore, table } from '../command.ts'
import { LOG_ELSEWHERE_OPTIONS, LOG_ELSEWHERE_USAGE, logElsewhere } from '../log-policy.ts'
import { publishLists } from '../publish.ts'
import { parsePort } from '../service.ts'
import { baseUrlOf, keysFolder, storeUrl } from '../system.ts'

const usage = `Usage: ctid copies serve --callers FILE [--keys DIR] [--store URL] [--base-url URL] [--host ADDRESS] [--port N] [--log URL ...]
       ctid copies publish DIR
                            trust-list.jwt, trust-anchor.json (public key of its signer), anchor.pem, status/
       ctid copies add-caller NAME --callers FILE

serve answers registrars ("ctid registrar --issuer URL"), each request authenticated (CTID-MAC): POST /nonce, /copies and /state;
and everybody: GET /status/N, /trust-list, /anchor.pem and /health. It checks the proofs of possession itself, keeps the status
places in a database of its own, and holds neither vault key nor registry nor any secret for the evaluators.
  --callers FILE     which registrars may call, with their secrets (mode 0600)
  --keys DIR         the issuer's key folder (default: keys, or CTID_KEYS): issuer.json and pki/, made on first use
  --store URL        SQLite file or postgres:// address (default: ctid.db, or CTID_STORE)
  --base-url URL     where the public files are served (default: http://localhost:8080, or CTID_BASE_URL): the issuer's name
  --host ADDRESS     default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --port N           default 0, a free port
${LOG_ELSEWHERE_USAGE}
  --json             one JSON document instead of words
add-caller makes a secret for NAME and writes the file. Where there is one registrar, a copy of the file is its
--issuer-credential; where there are several, each gets a file with its own entry.`

const OPTIONS = {
  callers: { type: 'string' },
  keys: { type: 'string' },
  store: { type: 'string' },
  'base-url': { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
  ...LOG_ELSEWHERE_OPTIONS,
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

export const command: Command = {
  name: 'copies',
  summary: 'serve the issuer of copies for registrars elsewhere: sign, publish status and trust lists',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
    const [action, operand, ...others] = positionals
    noMore(others)
    if (action === 'serve' && operand === undefined) return serve(values, io)
    if (action === 'publish' && operand !== undefined) return publish(operand, values, io)
    if (action === 'add-caller' && operand !== undefined) {
      await addCaller(callersOf(values), operand)
      io.out(values.json ? JSON.stringify({ ok: true, caller: operand }) : 'caller added')
      return EXIT.ok
    }
    throw new CtidError('ERR_CLI_USAGE', { detail: 'serve, publish DIR or add-caller NAME' })
  },
}

function callersOf({ callers }: Values): string {
  if (callers === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--callers FILE' })
  return callers
}

async function open(values: Values, io: Io) {
  const log = await logElsewhere(values)
  return openIssuerParty({
    keysFolder: keysFolder(values, io),
    storeUrl: storeUrl(values, io),
    baseUrl: baseUrlOf(values, io),
    clock: systemClock,
    random: systemRandom,
    ...(log === undefined ? {} : { log }),
  })
}

async function publish(directory: string, values: Values, io: Io): Promise<number> {
  const party = await open(values, io)
  try {
    const result = await publishLists(party, party.keys.pki, directory)
    if (values.json) io.out(JSON.stringify({ ok: true, ...result }))
    else for (const line of table(Object.entries(result))) io.out(line)
    return EXIT.ok
  } finally {
    await party.close()
  }
}

async function serve(values: Values, io: Io): Promise<number> {
  const callers = await readCallers(callersOf(values))
  const port = await parsePort(values.port, values.host)
  const party = await open({ ...values, 'base-url': baseUrlOf(values, io, port) }, io)
  try {
    const { issuing, statusPublisher, trustList, keys } = party
    const server = await listen(
      createApp({
        routers: [
          issuerRouter({ authenticate: callChecker(callers, { now: systemClock }), issuer: issuing }),
          issuerStatusRouter({ publisher: statusPublisher, trustList, anchorPem: keys.pki.anchorPem }),
        ],
        maxBodyBytes: MAX_ISSUER_BODY_BYTES,
        onInternal: () => io.err('copies: internal error'),
      }),
      { host: values.host, port },
    )
    if (values.json) io.out(JSON.stringify({ ready: true, url: server.url, port: server.port }))
    else io.out(`issuer of copies: ${server.url}`)
    await io.untilStopped()
    await server.close()
    return EXIT.ok
  } finally {
    await party.close()
  }
}
