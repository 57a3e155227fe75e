// The attestation: the issuer's short signed statement "the holder of this key is a person of this assurance",
// with a one-time handle, a validity window and a place in a status list. No name, no number, no token.
import { CtidError } from '../base/index.ts'
import {
  compressPoint,
  jwkToPoint,
  type P256PublicJwk,
  parsePublicJwk,
  type Signer,
} from '../crypto/index.ts'
import { type CborValue, readClaims, writeCbor } from './cbor.ts'
import { coseKid, type Sign1, signedAs, signSign1 } from './cose.ts'
import { readOwnSign1 } from './own-sign1.ts'

/** Whom or what the attestation is about; `health` exactly when there is a health claim. */
export type Kind = 'person' | 'organisation' | 'health'
/** How strongly the holder was identified and is bound; `low` is the most a paper form can have. */
export type Assurance = 'low' | 'substantial' | 'high'
/** Outcome of a health status; `pass` and `not-passed` answer one verifier profile without showing a colour. */
export type HealthOutcome = 'undetermined' | 'green' | 'yellow' | 'red' | 'pass' | 'not-passed'

export type HealthClaim = {
  readonly outcome: HealthOutcome
  /** First 8 bytes of the rule set's SHA-256. */
  readonly ruleSet: Uint8Array
  /** Unix seconds until which the outcome holds. */
  readonly until: number
}

export type AttestationClaims = {
  /** 16 random bytes, new in each copy. */
  readonly handle: Uint8Array
  /** The holder's key: JWK or point of 65 or 33 bytes. Absent only in a paper form. */
  readonly holderKey?: P256PublicJwk | Uint8Array
  /** Unix seconds. */
  readonly issuedAt: number
  /** Unix seconds, exclusive. */
  readonly expiresAt: number
  /** Number of the issuer's status list, and the index in it. */
  readonly status: { readonly list: number; readonly index: number }
  readonly kind: Kind
  readonly assurance: Assurance
  readonly health?: HealthClaim
}

/** What a verifier reads in an attestation. Nothing in it has been verified. */
export type Attestation = Omit<AttestationClaims, 'holderKey'> & {
  /** First 8 bytes of the issuer key's thumbprint. */
  readonly kid: Uint8Array
  /** Compressed point, 33 bytes; `undefined` in a paper form. */
  readonly holderKey: Uint8Array | undefined
  readonly message: Sign1
}

/** Largest attestation in bytes. Real ones take about 165. */
const MAX_ATTESTATION_BYTES = 400

// Labels: registered CWT claims (RFC 8392 section 4) where they exist, else ours, one byte each. SPEC section 11.3.
const EXP = 4
const IAT = 6
const CTI = 7
const HOLDER_KEY = -1
const STATUS = -2
const KIND = -3
const ASSURANCE = -4
const HEALTH = -5

const KINDS = ['person', 'organisation', 'health'] as const
const ASSURANCES = ['low', 'substantial', 'high'] as const
const OUTCOMES = ['undetermined', 'green', 'yellow', 'red', 'pass', 'not-passed'] as const
const MAX_TIME = 0xffff_ffff

/** Assurance levels in rising order. */
export const ASSURANCE_LEVELS: readonly Assurance[] = ASSURANCES

/**
 * Issuer: signs an attestation. The key identifier is {@link coseKid} of the signer's public key.
 *
 * @throws {CtidError} `ERR_QR_CLAIMS` when a claim is out of range, or a form without holder key claims more than `low`;
 * `ERR_CRYPTO_KEY` for a holder key of another form
 */
export async function makeAttestation(
  claims: AttestationClaims,
  issuer: Signer,
): Promise<Uint8Array<ArrayBuffer>> {
  const { health, holderKey } = claims
  const map = new Map<number, CborValue>([
    [EXP, claims.expiresAt],
    [IAT, claims.issuedAt],
    [CTI, claims.handle],
  ])
  if (holderKey) map.set(HOLDER_KEY, compressed(holderKey))
  map.set(STATUS, [claims.status.list, claims.status.index])
  map.set(KIND, KINDS.indexOf(claims.kind))
  map.set(ASSURANCE, ASSURANCES.indexOf(claims.assurance))
  if (health) map.set(HEALTH, [OUTCOMES.indexOf(health.outcome), health.ruleSet, health.until])
  readAttestationClaims(map)
  return signSign1(writeCbor(map), issuer, {
    kid: coseKid(issuer.publicJwk),
    externalAad: signedAs.attestation,
  })
}

function compressed(key: P256PublicJwk | Uint8Array): Uint8Array {
  if (!(key instanceof Uint8Array)) return compressPoint(jwkToPoint(parsePublicJwk(key)))
  return key.length === 33 ? key : compressPoint(key)
}

/**
 * Reads an attestation strictly. It does not verify the signature.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_CBOR`, `ERR_QR_COSE`, `ERR_QR_CLAIMS`
 */
export function parseAttestation(bytes: Uint8Array): Attestation {
  const [message, kid] = readOwnSign1(bytes, 'kid', MAX_ATTESTATION_BYTES)
  return { ...readAttestationClaims(readClaims(message.payload, MAX_ATTESTATION_BYTES)), kid, message }
}

function readAttestationClaims(map: ReadonlyMap<number, CborValue>): Omit<Attestation, 'kid' | 'message'> {
  const holderKey = map.get(HOLDER_KEY)
  const health = map.get(HEALTH)
  const expected = 6 + (holderKey === undefined ? 0 : 1) + (health === undefined ? 0 : 1)
  if (map.size !== expected) throw new CtidError('ERR_QR_CLAIMS', { detail: 'set of labels' })
  if (holderKey !== undefined && !isCompressedPoint(holderKey)) {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'holder key' })
  }
  const issuedAt = uint(map.get(IAT), MAX_TIME, 'issued at')
  const expiresAt = uint(map.get(EXP), MAX_TIME, 'expires at')
  if (expiresAt <= issuedAt) throw new CtidError('ERR_QR_CLAIMS', { detail: 'validity window' })
  const status = map.get(STATUS)
  if (!Array.isArray(status) || status.length !== 2)
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'status' })
  const kind = oneOf(map.get(KIND), KINDS, 'kind')
  if ((kind === 'health') !== (health !== undefined)) {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'health claim and kind' })
  }
  const assurance = oneOf(map.get(ASSURANCE), ASSURANCES, 'assurance')
  if (holderKey === undefined && assurance !== 'low') {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'assurance of a paper form' })
  }
  return {
    handle: byteString(map.get(CTI), 16, 'handle'),
    holderKey,
    issuedAt,
    expiresAt,
    status: {
      list: uint(status[0], MAX_TIME, 'status list'),
      index: uint(status[1], MAX_TIME, 'status index'),
    },
    kind,
    assurance,
    ...(health === undefined ? {} : { health: readHealth(health) }),
  }
}

function readHealth(value: CborValue): HealthClaim {
  if (!Array.isArray(value) || value.length !== 3) throw new CtidError('ERR_QR_CLAIMS', { detail: 'health' })
  return {
    outcome: oneOf(value[0], OUTCOMES, 'health outcome'),
    ruleSet: byteString(value[1], 8, 'rule set'),
    until: uint(value[2], MAX_TIME, 'health until'),
  }
}

function isCompressedPoint(value: CborValue): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 33 && (value[0] === 2 || value[0] === 3)
}

/** An unsigned integer within a bound; shared by the readers of this room. */
export function uint(value: unknown, max: number, detail: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw new CtidError('ERR_QR_CLAIMS', { detail })
  }
  return value
}

function byteString(value: unknown, length: number, detail: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length) {
    throw new CtidError('ERR_QR_CLAIMS', { detail })
  }
  return value
}

function oneOf<T>(value: unknown, choices: readonly T[], detail: string): T {
  const choice = choices[uint(value, choices.length - 1, detail)]
  if (choice === undefined) throw new CtidError('ERR_QR_CLAIMS', { detail })
  return choice
}
