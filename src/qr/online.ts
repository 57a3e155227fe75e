// The online token: 32 random bytes in the smallest square. The presentation itself waits, encrypted under a key
// derived from the token, in a mailbox whose number is derived from it too; the relay that keeps it learns neither.
import {
  CtidError,
  concatBytes,
  type MaybePromise,
  type RandomBytes,
  toHex,
  uintBytes,
  utf8,
} from '../base/index.ts'
import { hkdfSha256, open, seal } from '../crypto/index.ts'
import { encodeBase45 } from './base45.ts'
import { PREFIX } from './code.ts'

/** Keeps sealed messages for a short time, and gives each away once. */
export type Relay = {
  /**
   * Puts a sealed message into a mailbox that must be new. Throws `ERR_QR_RELAY_FULL`, `ERR_QR_RELAY_TAKEN`,
   * `ERR_QR_TOO_LARGE`.
   */
  put(mailbox: string, sealed: Uint8Array, options: { readonly ttlSeconds: number }): MaybePromise<void>
  /** Removes and returns the message; `undefined` if there is none, or it was fetched, or has expired. */
  take(mailbox: string): MaybePromise<Uint8Array | undefined>
}

/** Largest presentation in bytes. */
export const MAX_ONLINE_BYTES = 32_768
/** Largest sealed message: nonce, tag, length and padding come on top of the presentation. */
export const MAX_SEALED_BYTES = MAX_ONLINE_BYTES + 2048
/** Messages are padded to a multiple of this, so that their length does not tell what was shown. */
const BLOCK = 1024
/** How long a message waits by default. */
export const ONLINE_TTL_SECONDS = 60

export type DropOptions = {
  readonly relay: Relay
  readonly random: RandomBytes
  /** Default {@link ONLINE_TTL_SECONDS}. */
  readonly ttlSeconds?: number
}

/**
 * Holder: leaves a presentation at the relay and returns the text for the square.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, and what the relay throws
 */
export async function dropOnline(presentation: Uint8Array, options: DropOptions): Promise<string> {
  if (presentation.length > MAX_ONLINE_BYTES) throw new CtidError('ERR_QR_TOO_LARGE')
  const secret = options.random(32)
  const { mailbox, key, context } = mailboxOf(secret)
  const padding = BLOCK - ((presentation.length + 4) % BLOCK)
  const padded = concatBytes(uintBytes(presentation.length, 4), presentation, new Uint8Array(padding))
  const sealed = await seal(key, padded, { context, random: options.random })
  await options.relay.put(mailbox, sealed, { ttlSeconds: options.ttlSeconds ?? ONLINE_TTL_SECONDS })
  return PREFIX.online + encodeBase45(secret)
}

/**
 * Verifier: fetches the presentation that belongs to a token. It works once.
 *
 * @throws {CtidError} `ERR_QR_RELAY_EMPTY` when it expired or was fetched before, `ERR_CRYPTO_DECRYPT`, `ERR_QR_ONLINE`
 */
export async function fetchOnline(secret: Uint8Array, relay: Relay): Promise<Uint8Array> {
  const { mailbox, key, context } = mailboxOf(secret)
  const sealed = await relay.take(mailbox)
  if (!sealed) throw new CtidError('ERR_QR_RELAY_EMPTY')
  const padded = await open(key, sealed, { context })
  const length = padded.length < 4 ? -1 : new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  if (length < 0 || length > padded.length - 4) throw new CtidError('ERR_QR_ONLINE')
  return padded.subarray(4, 4 + length)
}

function mailboxOf(secret: Uint8Array): { mailbox: string; key: Uint8Array; context: Uint8Array } {
  const id = hkdfSha256(secret, { info: utf8('ctid/online/mailbox/1'), length: 16 })
  return {
    mailbox: toHex(id),
    key: hkdfSha256(secret, { info: utf8('ctid/online/key/1'), length: 32 }),
    context: concatBytes(utf8('ctid/online/1'), id),
  }
}
