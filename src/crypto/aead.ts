// Authenticated encryption: AES-256-GCM with a random nonce and a mandatory context.
import { CtidError, concatBytes, type MaybePromise, type RandomBytes } from '../base/index.ts'
import { nodeCrypto } from './native.ts'

const NONCE = 12
const TAG = 16

export type SealOptions = {
  /** Associated data: what the ciphertext belongs to. Opening under another context fails. */
  readonly context: Uint8Array
  readonly random: RandomBytes
}

/**
 * Encrypts under a 32-byte key. Result: nonce (12) ‖ ciphertext ‖ tag (16). A key may seal up to 2^32 messages
 * (NIST SP 800-38D section 8.3, random nonces).
 */
export function seal(key: Uint8Array, plaintext: Uint8Array, options: SealOptions): MaybePromise<Uint8Array> {
  requireKey(key)
  const nonce = options.random(NONCE)
  if (nodeCrypto) {
    const cipher = nodeCrypto.createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
    cipher.setAAD(options.context)
    return concatBytes(nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
  }
  return webSeal(key, nonce, plaintext, options.context)
}

/**
 * Decrypts what {@link seal} made.
 *
 * @throws {CtidError} `ERR_CRYPTO_DECRYPT` on a wrong key, another context or altered bytes
 */
export function open(
  key: Uint8Array,
  sealed: Uint8Array,
  options: { readonly context: Uint8Array },
): MaybePromise<Uint8Array> {
  requireKey(key)
  if (sealed.length < NONCE + TAG) throw new CtidError('ERR_CRYPTO_DECRYPT')
  if (!nodeCrypto) return webOpen(key, sealed, options.context)
  const nonce = sealed.subarray(0, NONCE)
  const decipher = nodeCrypto.createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
  decipher.setAAD(options.context)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG))
  try {
    return concatBytes(decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final())
  } catch {
    throw new CtidError('ERR_CRYPTO_DECRYPT')
  }
}

function requireKey(key: Uint8Array): void {
  if (key.length !== 32) throw new CtidError('ERR_CRYPTO_KEY', { detail: 'AES-256 needs 32 bytes' })
}

async function webKey(key: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return globalThis.crypto.subtle.importKey('raw', owned(key), 'AES-GCM', false, [usage])
}

async function webSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  context: Uint8Array,
): Promise<Uint8Array> {
  const parameters = { name: 'AES-GCM', iv: owned(nonce), additionalData: owned(context) }
  const sealed = await globalThis.crypto.subtle.encrypt(
    parameters,
    await webKey(key, 'encrypt'),
    owned(plaintext),
  )
  return concatBytes(nonce, new Uint8Array(sealed))
}

async function webOpen(key: Uint8Array, sealed: Uint8Array, context: Uint8Array): Promise<Uint8Array> {
  const iv = owned(sealed.subarray(0, NONCE))
  const parameters = { name: 'AES-GCM', iv, additionalData: owned(context) }
  try {
    const plaintext = await globalThis.crypto.subtle.decrypt(
      parameters,
      await webKey(key, 'decrypt'),
      owned(sealed.subarray(NONCE)),
    )
    return new Uint8Array(plaintext)
  } catch {
    throw new CtidError('ERR_CRYPTO_DECRYPT')
  }
}

// WebCrypto's types demand bytes that are not on shared memory.
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
