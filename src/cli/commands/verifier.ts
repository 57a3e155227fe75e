// `ctid verifier`: an OpenID4VP verifier, for wallets of all makers to try.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  CtidError,
  isJsonObject,
  type JsonObject,
  parseJson,
  systemClock,
  systemRandom,
} from '../../base/index.ts'
import { createApp, listen } from '../../http/index.ts'
import { oauthErrors } from '../../http/oauth.ts'
import { haipVerifierReport, startRequest } from '../../openid/index.ts'
import { type CertifiedKey, loadOrCreatePki } from '../../trust/node.ts'
import { parseLogRequirement } from '../../verifier/index.ts'
import { anchorSet } from '../anchors.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import { openOpenidVerifier, QUESTIONS } from '../openid-verifier.ts'
import { loadCertifiedKey, requireChain, splitPem } from '../pem.ts'
import { isLoopback, parsePort, reportHaip } from '../service.ts'
import { keysFolder, readText } from '../system.ts'
import { asksForVerification, serveVerification, VERIFICATION_USAGE } from '../verification-service.ts'

const usage = `${VERIFICATION_USAGE}

Usage: ctid verifier [--port N] [--key FILE --cert FILE] [--anchor FILE...] [--haip] [...]

Serves OpenID4VP 1.0. The first line of output is one JSON document: an authorization request, where its result will be,
and how to get a fresh one.
  --port N           default 0, a free port
  --host ADDRESS     default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --base-url URL     as wallets see it (default: http://localhost:PORT)
  --key FILE --cert FILE   key of the requests (PEM or JWK) and its chain (PEM, leaf first); default: the development PKI
  --anchor FILE      trusted issuers' anchors (PEM; repeat); default: the development PKI's
  --anchors-url URL  anchors to fetch on start as well, for instance http://localhost:8080/anchor.pem
  --query NAME|FILE  the printed request asks: ${Object.keys(QUESTIONS).join(', ')}, or a DCQL query in a JSON file (default: age)
  --log FILE         JSON {key, witnesses, threshold, origin?, maxAgeSeconds?}: a credential must carry the receipt of that
                     log (log_receipt) for its key, cosigned by so many witnesses; checked offline. Default: not checked
  --response-mode M  direct_post.jwt (default), direct_post
  --client-id P      x509_hash (default), x509_san_dns, redirect_uri
  --same-device      the printed request ends with a redirect to the verifier's page
  --haip             HAIP 1.0 only; prints the check list to standard error
  --development      keep POST /anchors open although --host is not this machine
  --keys DIR         key folder (default: keys, or CTID_KEYS); made on first use`

export const command: Command = {
  name: 'verifier',
  summary: 'verify codes over HTTP (--workers), or ask wallets for credentials: OpenID4VP with DCQL',
  usage,
  async run(args, io) {
    if (asksForVerification(args)) return serveVerification(args, io)
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: '0' },
        host: { type: 'string', default: '127.0.0.1' },
        'base-url': { type: 'string' },
        key: { type: 'string' },
        cert: { type: 'string' },
        anchor: { type: 'string', multiple: true, default: [] },
        'anchors-url': { type: 'string', multiple: true, default: [] },
        query: { type: 'string', default: 'age' },
        log: { type: 'string' },
        'response-mode': { type: 'string', default: 'direct_post.jwt' },
        'client-id': { type: 'string', default: 'x509_hash' },
        'same-device': { type: 'boolean', default: false },
        haip: { type: 'boolean', default: false },
        development: { type: 'boolean', default: false },
        keys: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    if ((values.key === undefined) !== (values.cert === undefined)) {
      throw new CtidError('ERR_CLI_USAGE', { detail: '--key and --cert go together' })
    }
    const port = await parsePort(values.port, values.host)
    const baseUrl = (values['base-url'] ?? `http://localhost:${port}`).replace(/\/$/, '')
    const isDevelopment = values.development || isLoopback(values.host)
    const { key, ownAnchor } = await keyOf(values, baseUrl, io)
    const anchors = anchorSet(await anchorsOf(values, ownAnchor))
    const isSameDevice = values['same-device'] || values.haip
    const verifier = openOpenidVerifier({
      baseUrl,
      clock: systemClock,
      random: systemRandom,
      key,
      anchors,
      isDevelopment,
      ...(values.log === undefined
        ? {}
        : { log: parseLogRequirement(parseJson(await readText(values.log))) }),
      ...(values.haip ? { profile: 'haip' as const } : {}),
    })
    const app = createApp({
      routers: verifier.routers,
      maxBodyBytes: 300_000,
      errorForm: oauthErrors,
      onInternal: () => io.err('verifier: internal error'),
    })
    const server = await listen(app, { host: values.host, port })
    const query = await queryOf(values.query)
    const started = await startRequest(verifier.deps, {
      query,
      responseMode: oneOf(values['response-mode'], ['direct_post', 'direct_post.jwt'], '--response-mode'),
      clientIdPrefix: oneOf(
        values['client-id'],
        ['x509_hash', 'x509_san_dns', 'redirect_uri'],
        '--client-id',
      ),
      ...(isSameDevice ? { completionUri: 'own' } : {}),
    })
    io.out(
      JSON.stringify({
        url: baseUrl,
        authorization_request: started.authorizationRequest,
        request_uri: started.requestUri,
        client_id: started.clientId,
        result_uri: `${started.requestUri}/result`,
        result_secret: started.browserSecret,
        expires_at: started.expiresAt,
        anchors: anchors.list().length,
        anchors_url: `${baseUrl}/anchors`,
        request_anchor_pem: ownAnchor,
        fresh: {
          method: 'POST',
          url: `${baseUrl}/openid4vp/requests`,
          body: {
            query,
            response_mode: values['response-mode'],
            client_id_prefix: values['client-id'],
            ...(isSameDevice ? { flow: 'same_device' } : {}),
          },
        },
      }),
    )
    const session = verifier.deps.sessions.get(started.id)
    if (values.haip && session) {
      reportHaip(haipVerifierReport(session.request, { baseUrl, x5c: key.x5c, isSameDevice }), io)
    }
    await io.untilStopped()
    await server.close()
    return EXIT.ok
  },
}

async function keyOf(
  values: { readonly key?: string; readonly cert?: string; readonly keys?: string },
  baseUrl: string,
  io: Io,
): Promise<{ readonly key: CertifiedKey; readonly ownAnchor: string | undefined }> {
  if (values.key !== undefined && values.cert !== undefined) {
    const key = await loadCertifiedKey(values.key, values.cert)
    requireChain(key, key.anchorPem)
    return { key, ownAnchor: key.anchorPem }
  }
  const folder = join(keysFolder(values, io), 'pki')
  const pki = await loadOrCreatePki(folder, { now: systemClock(), random: systemRandom, baseUrl })
  return { key: pki.parties.verifier, ownAnchor: pki.anchorPem }
}

async function anchorsOf(
  values: { readonly anchor: readonly string[]; readonly 'anchors-url': readonly string[] },
  ownAnchor: string | undefined,
): Promise<string[]> {
  const files = await Promise.all(values.anchor.map(readText))
  const fetched = await Promise.all(values['anchors-url'].map(fetchPem))
  const given = [...files, ...fetched].flatMap(splitPem)
  return given.length > 0 || ownAnchor === undefined ? given : [ownAnchor]
}

async function fetchPem(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    if (response.ok) return await response.text()
  } catch {
    // Not there, or not in time: the same to whoever starts the service.
  }
  throw new CtidError('ERR_CLI_FILE', { detail: '--anchors-url' })
}

async function queryOf(nameOrFile: string): Promise<JsonObject> {
  const known = Object.hasOwn(QUESTIONS, nameOrFile) ? QUESTIONS[nameOrFile] : undefined
  const query = known ?? parseJson(await readText(nameOrFile))
  if (!isJsonObject(query)) throw new CtidError('ERR_CLI_USAGE', { detail: '--query' })
  return query
}

function oneOf<T extends string>(value: string, known: readonly T[], option: string): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: option })
  return found
}
