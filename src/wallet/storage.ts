// Where a wallet keeps its one document, and where a device keeps its keys: two small ports and their in-memory forms.
import { CtidError, type MaybePromise, type RandomBytes, toHex } from '../base/index.ts'
import { type P256PublicJwk, parsePublicJwk, type Signer, signerFromCryptoKey } from '../crypto/index.ts'

/** Keeps one text. */
export type WalletStorage = {
  /**
   * Reads the text (`undefined` at first), lets `change` make the new one, writes it, and returns the result; as one
   * step that nobody else, no other tab or process either, comes in between. If `change` throws, nothing is written.
   */
  update<T>(
    change: (text: string | undefined) => { readonly text: string; readonly result: T },
  ): MaybePromise<T>
}

/** A wallet that is gone when the page is closed. */
export function memoryStorage(): WalletStorage {
  let kept: string | undefined
  return {
    update: (change) => {
      const { text, result } = change(kept)
      kept = text
      return result
    },
  }
}

/** Keys of a device, by name. Private keys never leave it. */
export type DeviceKeys = {
  create(): Promise<{ readonly name: string; readonly publicJwk: P256PublicJwk }>
  /** The signer of a name; `undefined` when the key is gone. */
  signer(name: string): MaybePromise<Signer | undefined>
  delete(name: string): MaybePromise<void>
}

/** Keeps `CryptoKey` objects, which IndexedDB can store without anyone seeing what is in them. */
export type CryptoKeyStore = {
  get(name: string): MaybePromise<StoredKey | undefined>
  put(name: string, key: StoredKey): MaybePromise<void>
  delete(name: string): MaybePromise<void>
}
export type StoredKey = { readonly privateKey: CryptoKey; readonly publicJwk: P256PublicJwk }

/** WebCrypto keys that cannot be exported, in a browser or in Node. Without a store they live in memory. */
export function webDeviceKeys(random: RandomBytes, store: CryptoKeyStore = memoryKeyStore()): DeviceKeys {
  return {
    async create() {
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
      const pair = await globalThis.crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
      const exported: unknown = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey)
      const publicJwk = parsePublicJwk(exported)
      const name = toHex(random(8))
      await store.put(name, { privateKey: pair.privateKey, publicJwk })
      return { name, publicJwk }
    },
    async signer(name) {
      const key = await store.get(name)
      return key && signerFromCryptoKey(key.privateKey, key.publicJwk)
    },
    delete: (name) => store.delete(name),
  }
}

function memoryKeyStore(): CryptoKeyStore {
  const keys = new Map<string, StoredKey>()
  return {
    get: (name) => keys.get(name),
    put: (name, key) => void keys.set(name, key),
    delete: (name) => void keys.delete(name),
  }
}

/** The signer of a key that has to be there. */
export async function requireSigner(keys: DeviceKeys, name: string): Promise<Signer> {
  const signer = await keys.signer(name)
  if (!signer) throw new CtidError('ERR_WALLET_KEY')
  return signer
}
