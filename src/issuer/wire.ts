// What registrar and issuer say to each other when they are processes of their own, read strictly on both sides.
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import {
  BUSINESS_LICENCE,
  type CredentialProfile,
  CTID_FILE,
  ORGANISATION_FILE,
} from '../credential/index.ts'
import { parsePublicJwk } from '../crypto/index.ts'
import { type CopyRequest, type CopyState, type IssuedCopy, MAX_COPIES } from './copies.ts'

/** Paths below the issuer's base address. */
export const ISSUER_PATHS = { nonce: '/nonce', copies: '/copies', state: '/state' } as const
/** What `authorizeCall` and the service call themselves instead of an evaluator's number. */
export const ISSUER_SERVICE = 0
/** Largest request, in bytes: fifty proofs and the claims. */
export const MAX_ISSUER_BODY_BYTES = 98_304

const PROFILES: readonly CredentialProfile[] = [CTID_FILE, ORGANISATION_FILE, BUSINESS_LICENCE]

/** The claims are those of the profile that `vct` names; of an attestation what a registrar can vouch for. */
export function formatCopyRequest(request: CopyRequest, proofs: readonly string[]): JsonObject {
  const { subjectId, profile, subject, attestation, documentExpiresAt } = request
  return {
    subjectId: toBase64url(subjectId),
    vct: profile.vct,
    subject,
    kind: attestation.kind,
    assurance: attestation.assurance,
    ...(documentExpiresAt === undefined ? {} : { documentExpiresAt }),
    proofs,
  }
}

/** @throws {CtidError} `ERR_ISSUER_REQUEST` */
export function parseCopyRequest(message: JsonObject): {
  readonly request: CopyRequest
  readonly proofs: readonly string[]
} {
  const { subjectId, vct, subject, kind, assurance, documentExpiresAt, proofs, ...others } = message
  const profile = PROFILES.find((one) => one.vct === vct)
  const isRight =
    profile !== undefined &&
    isJsonObject(subject) &&
    (kind === 'person' || kind === 'organisation') &&
    (assurance === 'low' || assurance === 'substantial' || assurance === 'high') &&
    (documentExpiresAt === undefined || Number.isSafeInteger(documentExpiresAt)) &&
    Array.isArray(proofs) &&
    proofs.length <= MAX_COPIES &&
    proofs.every((proof) => typeof proof === 'string') &&
    Object.keys(others).length === 0
  if (!isRight) throw new CtidError('ERR_ISSUER_REQUEST')
  return {
    request: {
      subjectId: subjectIdOf(subjectId),
      profile,
      subject,
      attestation: { kind, assurance },
      ...(documentExpiresAt === undefined ? {} : { documentExpiresAt: documentExpiresAt as number }),
    },
    proofs: proofs as readonly string[],
  }
}

/** @throws {CtidError} `ERR_ISSUER_REQUEST` */
export function parseStateRequest(message: JsonObject): {
  readonly subjectId: Uint8Array
  readonly state: CopyState
} {
  const { subjectId, state, ...others } = message
  const isState = state === 'valid' || state === 'suspended' || state === 'revoked'
  if (!isState || Object.keys(others).length > 0) throw new CtidError('ERR_ISSUER_REQUEST')
  return { subjectId: subjectIdOf(subjectId), state }
}

function subjectIdOf(text: Json | undefined): Uint8Array {
  try {
    const bytes = fromBase64url(text as string)
    if (bytes.length >= 16 && bytes.length <= 64) return bytes
  } catch {
    // Falls through to the one error.
  }
  throw new CtidError('ERR_ISSUER_REQUEST', { detail: 'subjectId' })
}

/** As a desk gets them as well. */
export function formatCopies(copies: readonly IssuedCopy[]): JsonObject {
  return {
    copies: copies.map(({ attestation, ...copy }) => ({ ...copy, attestation: toBase64url(attestation) })),
  }
}

/** @throws whatever is wrong with it; callers turn it into one error */
export function parseCopies(answer: JsonObject, expectedCount: number): readonly IssuedCopy[] {
  const { copies } = answer
  if (!Array.isArray(copies) || copies.length !== expectedCount) throw new Error('copies')
  return copies.map((copy) => {
    const { holderKey, credential, attestation, status } = isJsonObject(copy) ? copy : {}
    const { list, index } = isJsonObject(status) ? status : {}
    const isPlace = Number.isSafeInteger(list) && Number.isSafeInteger(index)
    if (typeof credential !== 'string' || !isPlace) throw new Error('copy')
    return {
      holderKey: parsePublicJwk(holderKey),
      credential,
      attestation: fromBase64url(attestation as string),
      status: { list: list as number, index: index as number },
    }
  })
}
