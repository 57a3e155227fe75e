// The holder's desk: whoever holds the key that was named at enrolment may fetch copies, see the state, freeze, unfreeze.
// Every request is a signed statement, good for a minute and once; nobody can ask by name or number.
import express, { type Router } from 'express'
import { type Clock, CtidError, fromHex, type Json, type JsonObject, toBase64url, toHex } from '#ctid/base'
import { checkKeyProof, type ProvenKey } from '#ctid/credential'
import { jwkThumbprint, type P256PublicJwk } from '#ctid/crypto'
import { readJson } from '#ctid/http'
import { parseLegalRecord } from '#ctid/identity'
import type { Registry } from '#ctid/registry'
import type { Row, Store } from '#ctid/store'
import type { IssuedCopy } from '#ctid/wallet'
import type { EnrolledPerson, Issuing } from './issuing.ts'
import { requestChecker } from './signed-request.ts'

const MAX_COPIES = 30
const OFFICER = 'holder-desk'

export type DeskDeps = {
  readonly store: Store
  readonly registry: Registry
  readonly issuing: Issuing
  /** Audience of the proofs of possession. */
  readonly issuerId: string
  readonly clock: Clock
  /** What the transparency log has about an entry, with what opens it. */
  readonly readAbout: (token: Uint8Array, entry: Uint8Array) => Promise<Json>
}

type Account = { readonly token: Uint8Array; readonly entry: Uint8Array }

/** Makes the table that maps a holder's key to an entry of the registry by its random name. */
export async function openDesk(deps: DeskDeps) {
  const { store, registry, issuing, clock } = deps
  await store.run(
    'create table if not exists demo_account (key text not null primary key, entry text not null)',
  )
  const checkRequest = requestChecker(clock)

  async function accountOf(thumbprint: string): Promise<Account> {
    const [found] = await store.rows<Row & { entry: string }>(
      'select entry from demo_account where key = $1',
      [thumbprint],
    )
    const [row] = found
      ? await store.rows<Row & { token: Uint8Array }>(
          'select token from registry_by_token where entry = $1 and next is null',
          [fromHex(found.entry)],
        )
      : []
    if (!found || !row) throw new CtidError('ERR_REGISTRY_TOKEN')
    return { token: row.token, entry: fromHex(found.entry) }
  }

  // The issuer needs the claims for a moment: the record is opened at the holder's request, which the history shows.
  async function present({ token, entry }: Account): Promise<EnrolledPerson> {
    const found = await registry.lookup(token)
    if (found?.state !== 'active') throw new CtidError('ERR_REGISTRY_STATE')
    const record = parseLegalRecord(
      await registry.openRecord(token, { reason: 'holder-request', officer: OFFICER }),
    )
    return { entry, record, ...(found.expiresAt === undefined ? {} : { expiresAt: found.expiresAt }) }
  }

  async function act(account: Account, claims: JsonObject): Promise<Json> {
    const { token } = account
    switch (claims['action']) {
      case 'state':
        return { state: (await registry.lookup(token))?.state ?? 'revoked' }
      case 'copies': {
        const keys = await provenKeys(claims)
        return { copies: (await issuing.copies(await present(account), keys)).map(copyToJson) }
      }
      case 'paper':
        return { attestation: toBase64url(await issuing.paper(await present(account))) }
      case 'freeze': {
        const { state } = await registry.freeze(token, { reason: 'holder-request', officer: OFFICER })
        await issuing.follow(account.entry, state)
        return { state }
      }
      case 'unfreeze': {
        const { state } = await registry.unfreeze(token, { reason: 'holder-request', officer: OFFICER })
        await issuing.follow(account.entry, state)
        return { state }
      }
      case 'entries':
        return {
          entries: (await registry.history(token)).map(({ kind, reason, officer, at }) => ({
            kind,
            reason,
            officer,
            at,
          })),
        }
      case 'log':
        return deps.readAbout(token, account.entry)
      default:
        throw new CtidError('ERR_HTTP_BAD_REQUEST')
    }
  }

  // The request's own number is the nonce of the proofs: it is fresh, and used once.
  async function provenKeys({ proofs, jti }: JsonObject): Promise<ProvenKey[]> {
    if (!Array.isArray(proofs) || proofs.length === 0 || proofs.length > MAX_COPIES) {
      throw new CtidError('ERR_ISSUER_BATCH')
    }
    const expected = { expectedIssuer: deps.issuerId, expectedNonce: String(jti), now: clock() }
    return Promise.all(proofs.map((proof) => checkKeyProof(String(proof), expected)))
  }

  const router: Router = express.Router()
  router.get('/', (_request, response) => {
    response.json({ issuer: deps.issuerId })
  })
  router.post('/', async (request, response) => {
    const { claims, thumbprint } = await checkRequest(readJson(request)['request'], 'desk')
    const account = await accountOf(thumbprint)
    response.json(await act(account, claims))
  })

  return {
    router,
    /** Registrar: names the key that speaks for an entry from now on. */
    async appoint(token: Uint8Array, jwk: P256PublicJwk): Promise<void> {
      const [row] = await store.rows<Row & { entry: Uint8Array }>(
        'select entry from registry_by_token where token = $1 and next is null',
        [token],
      )
      if (!row) throw new CtidError('ERR_REGISTRY_TOKEN')
      await store.insert('demo_account', ['key', 'entry'], [[jwkThumbprint(jwk), toHex(row.entry)]])
    },
  }
}

function copyToJson({ attestation, credential }: IssuedCopy): Json {
  return { attestation: toBase64url(attestation), ...(credential === undefined ? {} : { credential }) }
}
