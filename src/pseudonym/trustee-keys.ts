// A trustee's key file: its number, its secret shares by pair, its callers. Every value in it is a secret.
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import type { FactorShare } from './convert.ts'

export type TrusteeKeys = {
  readonly id: number
  readonly shares: ReadonlyMap<string, FactorShare>
  /** Secrets of 32 bytes that authenticate callers (gateways) to this trustee. */
  readonly callers: ReadonlyMap<string, Uint8Array>
}

export function formatTrusteeKeys({ id, shares, callers }: TrusteeKeys): JsonObject {
  return {
    version: 1,
    trustee: id,
    shares: Object.fromEntries(
      [...shares].map(([pair, { factor, strip }]) => [
        pair,
        { factor: toBase64url(factor), strip: toBase64url(strip) },
      ]),
    ),
    callers: Object.fromEntries([...callers].map(([name, secret]) => [name, toBase64url(secret)])),
  }
}

/** Throws `ERR_PSEUDONYM_KEYS` unless the file is exactly of this form. */
export function parseTrusteeKeys(group: Group, value: unknown): TrusteeKeys {
  if (!isJsonObject(value) || value['version'] !== 1) throw new CtidError('ERR_PSEUDONYM_KEYS')
  const { trustee, shares, callers } = value
  const sound = typeof trustee === 'number' && Number.isSafeInteger(trustee) && trustee >= 1
  if (!sound || !isJsonObject(shares) || !isJsonObject(callers)) throw new CtidError('ERR_PSEUDONYM_KEYS')
  const read = Object.entries(shares).map(([pair, share]): [string, FactorShare] => {
    if (!isJsonObject(share)) throw new CtidError('ERR_PSEUDONYM_KEYS')
    return [
      pair,
      {
        factor: group.parseScalar(secretBytes(share['factor'])),
        strip: group.parseScalar(secretBytes(share['strip'])),
      },
    ]
  })
  const secrets = Object.entries(callers).map(([name, secret]): [string, Uint8Array] => [
    name,
    secretBytes(secret),
  ])
  return { id: trustee, shares: new Map(read), callers: new Map(secrets) }
}

// Nothing of the file may reach an error.
function secretBytes(value: Json | undefined): Uint8Array {
  try {
    const bytes = typeof value === 'string' ? fromBase64url(value) : undefined
    if (bytes?.length === 32) return bytes
  } catch {
    // falls through to the refusal
  }
  throw new CtidError('ERR_PSEUDONYM_KEYS')
}
