// Issuer: one-time copies. Each has its own key, salts, handle and status index, so that no two can be matched.
import {
  type Clock,
  CtidError,
  DAY,
  fromUtf8,
  type JsonObject,
  type RandomBytes,
  utf8,
} from '../base/index.ts'
import {
  type CredentialProfile,
  credentialValidity,
  disclosablePaths,
  type IssuerKey,
  issueCredential,
  type ProvenKey,
  requireProfile,
  type Validity,
} from '../credential/index.ts'
import { hkdfSha256, hmacSha256, jwkThumbprint, open, type P256PublicJwk, seal } from '../crypto/index.ts'
import { type AttestationClaims, makeAttestation } from '../qr/index.ts'
import { STATUS_INVALID, STATUS_SUSPENDED, STATUS_VALID, type StatusPlace } from '../status/index.ts'
import type { IssuerLedger } from './ledger.ts'

/** Most copies that one request can ask for. */
export const MAX_COPIES = 50

export type IssuerDeps = {
  /** The signing key; its `kid` is in the trust list. */
  readonly key: IssuerKey
  /** The issuer's id in the trust list; becomes `iss` when it is an https URL. */
  readonly issuerId: string
  /** A status list's URI is this text followed by the list's number. */
  readonly statusListBase: string
  readonly ledger: IssuerLedger
  /** 32 bytes, the issuer's own: labels and seals the links between a subject and its places. */
  readonly linkKey: Uint8Array
  readonly clock: Clock
  readonly random: RandomBytes
  /** Most copies in one batch. Default {@link MAX_COPIES}. */
  readonly maxBatch?: number
  /**
   * Logs the copies for these keys (thumbprints) before any is made; when it rejects, none is. Returns each copy's proof
   * that it was logged, which becomes the claim `log_receipt`: disclosed only to a verifier whose policy asks for it.
   */
  readonly logCopies?: (
    subjectId: Uint8Array,
    thumbprints: readonly string[],
  ) => Promise<readonly JsonObject[]>
}

/** What is issued. */
export type CopyRequest = {
  /**
   * Stable name, 16 to 64 bytes, of whom the copies are for; opaque here, in none of the copies, and what
   * {@link setCopyState} finds them by for as long as they live. The id of a registry entry or a lasting pseudonym, never
   * the registry's token: that changes when its key is rotated, and copies issued before would be out of reach.
   */
  readonly subjectId: Uint8Array
  readonly profile: CredentialProfile
  /** Claims of the profile; all of them selectively disclosable. */
  readonly subject: JsonObject
  readonly attestation: Pick<AttestationClaims, 'kind' | 'assurance' | 'health'>
  /** Unix seconds from which the document is no longer valid. */
  readonly documentExpiresAt?: number
  /** Another validity than min(document, six months), for short-lived statements. */
  readonly validity?: Validity
}

/** One copy: a credential for those who ask for claims and an attestation for the code, under one key and one index. */
export type IssuedCopy = {
  readonly holderKey: P256PublicJwk
  readonly credential: string
  readonly attestation: Uint8Array
  readonly status: StatusPlace
}

/**
 * Issuer: makes one copy per proven holder key. The link from subject to places is on disk before any copy leaves, so
 * that nothing can be issued that cannot be revoked.
 *
 * @throws {CtidError} `ERR_ISSUER_BATCH`, `ERR_ISSUER_KEY_REPEATED`, `ERR_ISSUER_REQUEST`, `ERR_ISSUER_DOCUMENT_EXPIRED`,
 * `ERR_ISSUER_REVOKED` (revoked or frozen), `ERR_CREDENTIAL_PROFILE`
 */
export async function issueCopies(
  request: CopyRequest,
  holderKeys: readonly ProvenKey[],
  deps: IssuerDeps,
): Promise<readonly IssuedCopy[]> {
  const { ledger, maxBatch = MAX_COPIES } = deps
  if (holderKeys.length === 0 || holderKeys.length > maxBatch) throw new CtidError('ERR_ISSUER_BATCH')
  if (new Set(holderKeys.map(jwkThumbprint)).size !== holderKeys.length)
    throw new CtidError('ERR_ISSUER_KEY_REPEATED')
  const { length } = request.subjectId
  if (length < 16 || length > 64) throw new CtidError('ERR_ISSUER_REQUEST', { detail: 'subjectId' })
  requireProfile(request.profile, request.subject, { complete: true })
  const validity = validityOf(request, deps.clock())
  const label = copyLabel(request.subjectId, deps.linkKey)
  await requireActive(label, ledger)
  await sweepDaily(deps)
  const places = await ledger.allocate(holderKeys.length)
  await ledger.append({ label, sealed: await sealPlaces(places, label, deps), expiresAt: validity.exp })
  // A revocation that came between the two looks would have missed the new places.
  if ((await ledger.subjectStatus(label)) !== STATUS_VALID) {
    await ledger.setStatuses(places, await ledger.subjectStatus(label))
    await requireActive(label, ledger)
  }
  const receipts = await deps.logCopies?.(request.subjectId, holderKeys.map(jwkThumbprint))
  return await Promise.all(
    holderKeys.map((holderKey, i) =>
      makeCopy(
        request,
        { validity, holderKey, place: places[i] as StatusPlace, receipt: receipts?.[i] },
        deps,
      ),
    ),
  )
}

type Copy = {
  readonly validity: Validity
  readonly holderKey: P256PublicJwk
  readonly place: StatusPlace
  readonly receipt: JsonObject | undefined
}

function validityOf({ validity, documentExpiresAt }: CopyRequest, now: number): Validity {
  if (validity) return validity
  if (documentExpiresAt === undefined) return credentialValidity({ now })
  if (documentExpiresAt <= now) throw new CtidError('ERR_ISSUER_DOCUMENT_EXPIRED')
  return credentialValidity({ now, documentExpiresAt })
}

async function makeCopy(
  request: CopyRequest,
  { validity, holderKey, place, receipt }: Copy,
  deps: IssuerDeps,
): Promise<IssuedCopy> {
  const { profile, subject, attestation } = request
  const claims = {
    vct: profile.vct,
    ...(deps.issuerId.startsWith('https://') ? { iss: deps.issuerId } : {}),
    ...validity,
    status: { status_list: { idx: place.index, uri: `${deps.statusListBase}${place.list}` } },
    ...subject,
    ...(receipt === undefined ? {} : { log_receipt: receipt }),
  }
  const credential = await issueCredential(claims, deps.key, {
    disclosable: [...disclosablePaths(subject), ...(receipt === undefined ? [] : [['log_receipt']])],
    holderKey,
    random: deps.random,
    // One number for all: a document without an end, or of another kind, would show in how many claims there are.
    fillTo: Object.keys(profile.forms).length + 1,
  })
  const handle = deps.random(16)
  const { iat, exp } = validity
  const signed = await makeAttestation(
    { ...attestation, handle, holderKey, issuedAt: iat, expiresAt: exp, status: place },
    deps.key.signer,
  )
  return { holderKey, credential, attestation: signed, status: place }
}

async function requireActive(label: Uint8Array, ledger: IssuerLedger): Promise<void> {
  const status = await ledger.subjectStatus(label)
  if (status !== STATUS_VALID) {
    throw new CtidError('ERR_ISSUER_REVOKED', {
      detail: status === STATUS_SUSPENDED ? 'suspended' : 'revoked',
    })
  }
}

/** What a change of the entry's state in the registry means for its copies. */
export type CopyState = 'valid' | 'suspended' | 'revoked'

const STATUS_OF = { valid: STATUS_VALID, suspended: STATUS_SUSPENDED, revoked: STATUS_INVALID } as const

/**
 * Issuer: gives all copies of a subject that have not ended, and all that will be asked for, a state: frozen in the registry is
 * `suspended`, thawed is `valid` again, revoked or superseded is `revoked` for good. May be repeated after a crash.
 *
 * @returns how many copies were found
 * @throws {CtidError} `ERR_ISSUER_REVOKED` when revoked copies should become valid again
 */
export async function setCopyState(
  subjectId: Uint8Array,
  state: CopyState,
  deps: IssuerDeps,
): Promise<number> {
  const { ledger } = deps
  await sweepDaily(deps)
  const label = copyLabel(subjectId, deps.linkKey)
  const status = STATUS_OF[state]
  // The subject first: whoever issues at the same time sees it, or has its places found below.
  if (!(await ledger.setSubjectStatus(label, status))) throw new CtidError('ERR_ISSUER_REVOKED')
  const places: StatusPlace[] = []
  for (const sealed of await ledger.entries(label)) places.push(...(await openPlaces(sealed, label, deps)))
  await ledger.setStatuses(places, status)
  return places.length
}

const swept = new WeakMap<IssuerLedger, number>()

// What links copies that have all ended is of use to nobody but a thief; and their entries in the list must stay as they are: a
// change would tell everybody who ever saw one of them that they are one person's.
async function sweepDaily({ ledger, clock }: IssuerDeps): Promise<void> {
  const now = clock()
  const today = Math.floor(now / DAY)
  if (swept.get(ledger) === today) return
  await ledger.sweep(now)
  swept.set(ledger, today)
}

// Two keys from one: labels and seals must not share a key.
function copyLabel(subjectId: Uint8Array, linkKey: Uint8Array): Uint8Array {
  return hmacSha256(subkey(linkKey, 'label'), subjectId)
}

function subkey(linkKey: Uint8Array, purpose: string): Uint8Array {
  return hkdfSha256(linkKey, { info: utf8(`ctid/issuer/${purpose}`), length: 32 })
}

async function sealPlaces(
  places: readonly StatusPlace[],
  label: Uint8Array,
  deps: IssuerDeps,
): Promise<Uint8Array> {
  const text = JSON.stringify(places.map(({ list, index }) => [list, index]))
  return await seal(subkey(deps.linkKey, 'seal'), utf8(text), { context: label, random: deps.random })
}

async function openPlaces(sealed: Uint8Array, label: Uint8Array, deps: IssuerDeps): Promise<StatusPlace[]> {
  const plain = await open(subkey(deps.linkKey, 'seal'), sealed, { context: label })
  return (JSON.parse(fromUtf8(plain)) as [number, number][]).map(([list, index]) => ({ list, index }))
}
