// The vault: records sealed each under a key of its own, which is wrapped by the vault key. The vault key can live
// elsewhere (a key service, an HSM): the registry sees the port only.
import {
  CtidError,
  canonicalJson,
  framed,
  fromUtf8,
  type JsonObject,
  type MaybePromise,
  parseJsonObject,
  type RandomBytes,
  toHex,
  uintBytes,
  utf8,
} from '../base/index.ts'
import { hkdfSha256, open, seal } from '../crypto/index.ts'
import { type Secret, secret } from './secret.ts'

export type WrappedKey = { readonly keyId: string; readonly wrapped: Uint8Array }

/** Wraps and unwraps record keys. `context` is authenticated: a key unwraps only for the row it was made for. */
export interface Vault {
  /** The vault key that wraps now. */
  readonly keyId: string
  wrap(recordKey: Uint8Array, context: Uint8Array): MaybePromise<WrappedKey>
  unwrap(key: WrappedKey, context: Uint8Array): MaybePromise<Uint8Array>
}

/** A vault key's name, derived from the key: a wrong key can never pass under a known name. */
export function vaultKeyId(key: Secret): string {
  return toHex(hkdfSha256(key.reveal(), { info: utf8('ctid/vault/key-id/v1'), length: 8 }))
}

/**
 * A vault in this process. The last key wraps; the earlier ones still unwrap, until every row is re-wrapped.
 *
 * @throws {CtidError} `ERR_REGISTRY_KEYS` without a key; `unwrap` also for a row of another key, and `ERR_CRYPTO_DECRYPT`
 */
export function localVault(keys: readonly Secret[], options: { readonly random: RandomBytes }): Vault {
  const byId = new Map(keys.map((key) => [vaultKeyId(key), key]))
  const last = keys.at(-1)
  if (!last) throw new CtidError('ERR_REGISTRY_KEYS', { detail: 'the vault has no key' })
  const keyId = vaultKeyId(last)
  return {
    keyId,
    async wrap(recordKey, context) {
      const wrapped = await seal(last.reveal(), recordKey, {
        context: framed(keyId, context),
        random: options.random,
      })
      return { keyId, wrapped }
    },
    async unwrap(key, context) {
      const vaultKey = byId.get(key.keyId)
      if (!vaultKey)
        throw new CtidError('ERR_REGISTRY_KEYS', { detail: 'the vault key of this row is missing' })
      return open(vaultKey.reveal(), key.wrapped, { context: framed(key.keyId, context) })
    },
  }
}

/** Fresh 32 bytes for {@link localVault}. */
export function createVaultKey(random: RandomBytes): Secret {
  return secret(random(32))
}

/** One row of the vault. */
export type SealedRecord = WrappedKey & { readonly version: number; readonly sealed: Uint8Array }

const MAX_RECORD = 16_384
const BLOCK = 256

/** What a record key is bound to: the entry and the version of its record. */
function contextOf(entry: Uint8Array, version: number): Uint8Array {
  return framed('ctid/registry/record/v1', entry, uintBytes(version, 6))
}

/**
 * Seals a record under a fresh key and wraps that. Padded to whole blocks of 256 bytes, so that the length tells
 * nothing about a name.
 *
 * @throws {CtidError} `ERR_REGISTRY_RECORD` beyond 16 KiB, and for what could not be read again: no object, nested too deeply
 */
export async function sealRecord(
  record: JsonObject,
  vault: Vault,
  options: { readonly entry: Uint8Array; readonly version: number; readonly random: RandomBytes },
): Promise<SealedRecord> {
  const text = recordText(record)
  const padded = new Uint8Array(Math.ceil((text.length + 1) / BLOCK) * BLOCK)
  padded.set(text)
  padded[text.length] = 0x80
  const context = contextOf(options.entry, options.version)
  const recordKey = options.random(32)
  try {
    const sealed = await seal(recordKey, padded, { context, random: options.random })
    return { ...(await vault.wrap(recordKey, context)), version: options.version, sealed }
  } finally {
    recordKey.fill(0)
    padded.fill(0)
  }
}

function recordText(record: JsonObject): Uint8Array<ArrayBuffer> {
  try {
    const text = canonicalJson(record)
    const bytes = utf8(text)
    // Read as it will be when it is opened: what is sealed can be opened.
    if (bytes.length <= MAX_RECORD && parseJsonObject(text)) return bytes
  } catch {
    // The error of the reader would say less.
  }
  throw new CtidError('ERR_REGISTRY_RECORD')
}

/**
 * Opens a row.
 *
 * @throws {CtidError} `ERR_REGISTRY_ERASED`, `ERR_REGISTRY_SEAL`, `ERR_REGISTRY_KEYS`
 */
export async function unsealRecord(row: SealedRecord, vault: Vault, entry: Uint8Array): Promise<JsonObject> {
  if (row.wrapped.length === 0) throw new CtidError('ERR_REGISTRY_ERASED')
  const padded = await sealed(async () => {
    const context = contextOf(entry, row.version)
    return open(await vault.unwrap(row, context), row.sealed, { context })
  })
  const end = padded.lastIndexOf(0x80)
  return parseJsonObject(fromUtf8(padded.subarray(0, end)))
}

/** Wraps the record key of a row anew under the present vault key; the record itself stays closed. */
export async function rewrap(row: SealedRecord, vault: Vault, entry: Uint8Array): Promise<WrappedKey> {
  const context = contextOf(entry, row.version)
  const recordKey = await sealed(() => vault.unwrap(row, context))
  try {
    return await vault.wrap(recordKey, context)
  } finally {
    recordKey.fill(0)
  }
}

async function sealed<T>(act: () => MaybePromise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    if (cause instanceof CtidError && cause.code !== 'ERR_CRYPTO_DECRYPT') throw cause
    throw new CtidError('ERR_REGISTRY_SEAL', { cause })
  }
}
