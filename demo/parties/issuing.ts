// The issuer's desk: copies and paper forms for enrolled persons, their status, and where verifiers find the lists.
import express, { type Router } from 'express'
import { asProvenKey, type ProvenKey } from '#ctid/credential'
import { generateSigner } from '#ctid/crypto'
import type { Deployment } from '#ctid/deployment'
import type { LegalRecord } from '#ctid/identity'
import { type CopyRequest, issueCopies, setCopyState } from '#ctid/issuer'
import { makeAttestation, parseAttestation } from '#ctid/qr'
import { credentialSubject } from '#ctid/registrar'
import type { State } from '#ctid/registry'
import type { IssuedCopy } from '#ctid/wallet'

/** An enrolled person as the issuer is told of it: by the entry's random name, which no rotation changes. */
export type EnrolledPerson = {
  readonly entry: Uint8Array
  readonly record: LegalRecord
  readonly expiresAt?: number
}

export type Issuing = {
  copies(person: EnrolledPerson, keys: readonly ProvenKey[]): Promise<readonly IssuedCopy[]>
  /** The attestation of a paper form: no holder key, low assurance. */
  paper(person: EnrolledPerson): Promise<Uint8Array>
  /** Brings the status of all copies into line with the registry. */
  follow(entry: Uint8Array, state: State): Promise<void>
  /** Where the lists are, and who signs the trust list. */
  readonly router: Router
}

export function openIssuing({ issuer, statusPublisher, keyring }: Deployment): Issuing {
  const { clock, random, key } = issuer
  const requestFor = ({ entry, record, expiresAt }: EnrolledPerson): CopyRequest => {
    const { profile, subject, kind } = credentialSubject(record, { now: clock() })
    return {
      subjectId: entry,
      profile,
      subject,
      attestation: { kind, assurance: 'substantial' },
      ...(expiresAt === undefined ? {} : { documentExpiresAt: expiresAt }),
    }
  }

  const router = express.Router()
  router.get('/lists', async (_request, response) => {
    const newest = await issuer.ledger.newestList()
    response.json({
      publisher: keyring.pki.parties.rules.signer.publicJwk,
      trust: '/trust-list',
      status: Array.from({ length: newest + 1 }, (_, list) => ({
        uri: `${issuer.statusListBase}${list}`,
        path: `/status/${list}`,
      })),
    })
  })

  return {
    copies: async (person, keys) => {
      const issued = await issueCopies(requestFor(person), keys, issuer)
      return issued.map(({ attestation, credential }) => ({ attestation, credential }))
    },
    paper: async (person) => {
      // A copy for a key that is dropped at once gives the form its place in the status list and its validity.
      const { publicJwk } = await generateSigner()
      const [copy] = await issueCopies(requestFor(person), [asProvenKey(publicJwk)], issuer)
      if (!copy) throw new Error('the issuer gave no copy')
      const { kind, issuedAt, expiresAt } = parseAttestation(copy.attestation)
      const claims = {
        handle: random(16),
        kind,
        issuedAt,
        expiresAt,
        status: copy.status,
        assurance: 'low' as const,
      }
      return makeAttestation(claims, key.signer)
    },
    follow: async (entry, state) => {
      await setCopyState(entry, COPY_STATES[state], issuer)
      statusPublisher.changed()
    },
    router,
  }
}

// Copies end with their document anyway, so an expired entry needs no entry in the status list.
const COPY_STATES: Readonly<Record<State, 'valid' | 'suspended' | 'revoked'>> = {
  active: 'valid',
  expired: 'valid',
  frozen: 'suspended',
  revoked: 'revoked',
  superseded: 'revoked',
}
