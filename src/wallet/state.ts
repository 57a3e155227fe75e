// What a wallet remembers: its copies, the keys that wait for one, and to whom it showed what. All of it stays here.
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJsonObject,
  toBase64url,
} from '../base/index.ts'
import type { Kind } from '../qr/index.ts'

/** One one-time copy: shown to one verifier, then spent. */
export type Copy = {
  /** Handle of the attestation, base64url. */
  readonly id: string
  readonly keyName: string
  readonly attestation: Uint8Array
  /** SD-JWT VC of the same holder key, when the issuer sent one. */
  readonly credential?: string
  readonly kind: Kind
  readonly issuedAt: number
  readonly expiresAt: number
  readonly spentAt?: number
}

/** What was shown to whom, when. */
export type Shown = {
  /** Unix seconds. */
  readonly at: number
  /** The verifier's name, as it gave it or as the holder noted it. */
  readonly verifier: string
  readonly form: 'dynamic' | 'online' | 'presentation' | 'paper'
  readonly kind: Kind
  /** The copy's id. */
  readonly copy: string
  /** Claims disclosed from the credential. */
  readonly claims: readonly string[]
}

/** A key made for a copy that has not arrived yet. */
export type WaitingKey = { readonly name: string; readonly thumbprint: string }

export type WalletState = {
  readonly waiting: readonly WaitingKey[]
  readonly copies: readonly Copy[]
  readonly paper: Uint8Array | undefined
  readonly history: readonly Shown[]
}

export const EMPTY_WALLET: WalletState = { waiting: [], copies: [], paper: undefined, history: [] }

const VERSION = 1

/** The state as JSON text. */
export function writeState(state: WalletState): string {
  const { paper, copies, ...rest } = state
  return JSON.stringify({
    version: VERSION,
    ...rest,
    copies: copies.map((copy) => ({ ...copy, attestation: toBase64url(copy.attestation) })),
    ...(paper ? { paper: toBase64url(paper) } : {}),
  })
}

/**
 * Reads the text of {@link writeState}; `undefined` is an empty wallet.
 *
 * @throws {CtidError} `ERR_WALLET_STATE`
 */
export function readState(text: string | undefined): WalletState {
  if (text === undefined) return EMPTY_WALLET
  let state: JsonObject
  try {
    state = parseJsonObject(text, { maxLength: 16_777_216 })
  } catch {
    throw new CtidError('ERR_WALLET_STATE')
  }
  const { version, waiting, copies, history, paper } = state
  if (version !== VERSION) throw new CtidError('ERR_WALLET_STATE', { detail: 'version' })
  return {
    waiting: objects(waiting).map((one) => ({
      name: string(one['name']),
      thumbprint: string(one['thumbprint']),
    })),
    copies: objects(copies).map(readCopy),
    paper: paper === undefined ? undefined : bytes(paper),
    history: objects(history) as unknown as Shown[],
  }
}

function readCopy(copy: JsonObject): Copy {
  const { credential, spentAt } = copy
  return {
    id: string(copy['id']),
    keyName: string(copy['keyName']),
    attestation: bytes(copy['attestation']),
    ...(credential === undefined ? {} : { credential: string(credential) }),
    kind: string(copy['kind']) as Kind,
    issuedAt: number(copy['issuedAt']),
    expiresAt: number(copy['expiresAt']),
    ...(spentAt === undefined ? {} : { spentAt: number(spentAt) }),
  }
}

function objects(value: Json | undefined): readonly JsonObject[] {
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw new CtidError('ERR_WALLET_STATE')
  return value as readonly JsonObject[]
}

function string(value: Json | undefined): string {
  if (typeof value !== 'string') throw new CtidError('ERR_WALLET_STATE')
  return value
}

function number(value: Json | undefined): number {
  if (typeof value !== 'number') throw new CtidError('ERR_WALLET_STATE')
  return value
}

function bytes(value: Json | undefined): Uint8Array {
  try {
    return fromBase64url(string(value))
  } catch {
    throw new CtidError('ERR_WALLET_STATE')
  }
}
