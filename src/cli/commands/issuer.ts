// `ctid issuer`: an OpenID4VCI issuer with synthetic subjects, for wallets of all makers to try.
import { parseArgs } from 'node:util'
import { CtidError, systemClock, systemRandom } from '../../base/index.ts'
import { createApp, listen } from '../../http/index.ts'
import { oauthErrors } from '../../http/oauth.ts'
import { haipIssuerReport } from '../../openid/index.ts'
import { anchorSet } from '../anchors.ts'
import { type Command, EXIT } from '../command.ts'
import { openOpenidIssuer } from '../openid-issuer.ts'
import { loadCertifiedKey, requireChain, splitPem } from '../pem.ts'
import { isLoopback, parsePort, reportHaip } from '../service.ts'
import { openSystem, readText, SYSTEM_OPTIONS, SYSTEM_USAGE } from '../system.ts'

const usage = `Usage: ctid issuer [--port N] [--key FILE --cert FILE] [--tx-code] [--haip] [...]

Serves OpenID4VCI 1.0 with status lists and a trust list, for synthetic people and companies that it enrols on start.
The first line of output is one JSON document: a credential offer, where the anchor is, and how to get a fresh offer.
  --port N           default 0, a free port
  --host ADDRESS     default 127.0.0.1; put a TLS proxy in front before listening elsewhere
  --base-url URL     as wallets see it (default: http://localhost:PORT)
  --key FILE --cert FILE   signing key (PEM or JWK) and its chain (PEM, leaf first); default: the development PKI
  --anchor FILE      the anchor above --cert, to publish; default: a self-signed certificate in --cert
  --wallet-anchor FILE     anchors of wallet makers whose attestations count (PEM; repeat); default: those of the PKI
  --credential ID    what the printed offer offers: ctid-file (default), organisation-file, business-licence, health-status
  --tx-code          the printed offer asks for a transaction code
  --login            the printed offer is for the authorization code flow
  --deferred ID      a registrar looks at these for three seconds first (repeat)
  --batch N          most copies in one request (default 20)
  --status-ttl N     seconds for which verifiers may keep a status list (default 300)
  --bearer           also accept wallets without DPoP
  --haip             HAIP 1.0: DPoP with nonces of ours, wallet attestation; prints the check list to standard error
  --development      keep POST /offers, /subjects/ID/state and /anchors open although --host is not this machine
  --keys DIR, --store URL, --evaluator ID=URL   as elsewhere
${SYSTEM_USAGE.split('\n').slice(0, 2).join('\n')}`

export const command: Command = {
  name: 'issuer',
  summary: 'serve credentials to wallets: OpenID4VCI with status and trust lists',
  usage,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...SYSTEM_OPTIONS,
        port: { type: 'string', default: '0' },
        host: { type: 'string', default: '127.0.0.1' },
        key: { type: 'string' },
        cert: { type: 'string' },
        anchor: { type: 'string' },
        'wallet-anchor': { type: 'string', multiple: true, default: [] },
        credential: { type: 'string', multiple: true },
        'tx-code': { type: 'boolean', default: false },
        login: { type: 'boolean', default: false },
        deferred: { type: 'string', multiple: true, default: [] },
        batch: { type: 'string', default: '20' },
        'status-ttl': { type: 'string', default: '300' },
        bearer: { type: 'boolean', default: false },
        haip: { type: 'boolean', default: false },
        development: { type: 'boolean', default: false },
      },
    })
    if ((values.key === undefined) !== (values.cert === undefined)) {
      throw new CtidError('ERR_CLI_USAGE', { detail: '--key and --cert go together' })
    }
    const port = await parsePort(values.port, values.host)
    const baseUrl = (values['base-url'] ?? `http://localhost:${port}`).replace(/\/$/, '')
    const system = await openSystem({ ...values, 'base-url': baseUrl }, io)
    try {
      const { pki, folder } = system.keyring
      const given =
        values.key !== undefined && values.cert !== undefined
          ? await loadCertifiedKey(values.key, values.cert)
          : undefined
      const key = given ?? pki.parties.issuer
      const [givenAnchor] = values.anchor === undefined ? [] : splitPem(await readText(values.anchor))
      const anchorPem = given ? (givenAnchor ?? given.anchorPem) : pki.anchorPem
      if (given) requireChain(given, anchorPem)
      const walletAnchors = await Promise.all(values['wallet-anchor'].map(readText))
      const batchSize = Number(values.batch)
      if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 50) {
        throw new CtidError('ERR_CLI_USAGE', { detail: '--batch takes 1 to 50' })
      }
      const statusTtlSeconds = Number(values['status-ttl'])
      if (!Number.isInteger(statusTtlSeconds) || statusTtlSeconds < 1 || statusTtlSeconds > 43_200) {
        throw new CtidError('ERR_CLI_USAGE', { detail: '--status-ttl takes 1 to 43200' })
      }
      const isDevelopment = values.development || isLoopback(values.host)
      const issuer = await openOpenidIssuer(system, {
        baseUrl,
        clock: systemClock,
        random: systemRandom,
        key,
        anchorPem,
        walletAnchors: anchorSet(
          walletAnchors.length > 0 ? walletAnchors.flatMap(splitPem) : [pki.anchorPem],
        ),
        policy: {
          batchSize,
          requireDpop: values.haip || !values.bearer,
          ...(values.haip ? { dpopNonce: true, requireClientAttestation: true } : {}),
        },
        deferred: values.deferred,
        isDevelopment,
        statusTtlSeconds,
      })
      const app = createApp({
        routers: issuer.routers,
        maxBodyBytes: 300_000,
        errorForm: oauthErrors,
        onInternal: (error) => io.err(`issuer: internal error (${errorName(error)})`),
      })
      const server = await listen(app, { host: values.host, port })
      const offer = issuer.makeOffer({
        configurationIds: values.credential,
        withTxCode: values['tx-code'],
        byLogin: values.login || values.haip,
      })
      io.out(
        JSON.stringify({
          url: baseUrl,
          ...offer,
          credential_issuer_metadata: wellKnown(baseUrl, 'openid-credential-issuer'),
          anchor_url: `${baseUrl}/anchor.pem`,
          ...(anchorPem === undefined ? {} : { anchor_pem: anchorPem }),
          ...(given ? {} : { anchor_file: `${folder}/pki/anchor.pem` }),
          trust_list_url: `${baseUrl}/trust-list`,
          fresh: isDevelopment
            ? {
                method: 'POST',
                url: `${baseUrl}/offers`,
                body: {
                  credential_configuration_ids: issuer.deps.configurations.map(({ id }) => id).slice(0, 1),
                  tx_code: values['tx-code'],
                  grant: values.login || values.haip ? 'authorization_code' : 'pre-authorized_code',
                },
              }
            : undefined,
        }),
      )
      if (values.haip) reportHaip(haipIssuerReport(issuer.deps, key.x5c), io)
      await io.untilStopped()
      await server.close()
    } finally {
      await system.close()
    }
    return EXIT.ok
  },
}

function wellKnown(baseUrl: string, name: string): string {
  const { origin, pathname } = new URL(baseUrl)
  return `${origin}/.well-known/${name}${pathname.replace(/\/$/, '')}`
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}
