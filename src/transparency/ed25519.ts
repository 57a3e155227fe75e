// Ed25519 (RFC 8032) for notes: native in Node, WebCrypto in browsers that have it, @noble/curves in the others.
import { ed25519 } from '@noble/curves/ed25519.js'
import { type MaybePromise, toBase64url } from '../base/index.ts'
import { nodeCrypto } from '../crypto/index.ts'

/** The public key of a 32-byte seed. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** A function that signs with the key of a 32-byte seed; 64-byte signatures. */
export function ed25519Signer(seed: Uint8Array): (message: Uint8Array) => MaybePromise<Uint8Array> {
  if (nodeCrypto) {
    const native = nodeCrypto
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(ed25519PublicKey(seed)), d: toBase64url(seed) }
    const key = native.createPrivateKey({ key: jwk, format: 'jwk' })
    return (message) => new Uint8Array(native.sign(null, message, key))
  }
  const secret = new Uint8Array(seed)
  return (message) => ed25519.sign(message, secret)
}

/** Whether `signature` is valid; false for any malformed key or signature. */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): MaybePromise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  if (!nodeCrypto) return webVerify(publicKey, message, signature)
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(publicKey) }
    return nodeCrypto.verify(
      null,
      message,
      nodeCrypto.createPublicKey({ key: jwk, format: 'jwk' }),
      signature,
    )
  } catch {
    return false
  }
}

async function webVerify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  try {
    const subtle = globalThis.crypto.subtle
    const key = await subtle.importKey('raw', new Uint8Array(publicKey), 'Ed25519', false, ['verify'])
    return await subtle.verify('Ed25519', key, new Uint8Array(signature), new Uint8Array(message))
  } catch {
    // No WebCrypto Ed25519 here (or no point): the portable code decides, by the same strict rules.
    return portableVerify(publicKey, message, signature)
  }
}

function portableVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false
  }
}
