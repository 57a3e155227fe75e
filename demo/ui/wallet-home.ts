// The wallet's two homes in a browser: its text in IndexedDB, changed in one transaction, and its keys beside it.
// The keys are CryptoKey objects made as not extractable: they can sign and be deleted, and nothing can read them.
import { systemRandom } from '#ctid/base'
import {
  type CryptoKeyStore,
  type DeviceKeys,
  type StoredKey,
  type WalletStorage,
  webDeviceKeys,
} from '#ctid/wallet'
import { clear, get, put, remove, replace } from './database.ts'

const STATE = 'state'

export const walletStorage: WalletStorage = {
  update: (change) =>
    replace<string, ReturnType<typeof change>['result']>('wallet', STATE, (text) => {
      const { text: value, result } = change(text)
      return { value, result }
    }),
}

const keyStore: CryptoKeyStore = {
  get: (name) => get<StoredKey>('keys', name),
  put: async (name, key) => {
    await put('keys', name, key)
  },
  delete: async (name) => {
    await remove('keys', name)
  },
}

export const deviceKeys: DeviceKeys = webDeviceKeys(systemRandom, keyStore)

/** Deletes everything that this device knows of its holder. */
export async function forgetWallet(): Promise<void> {
  for (const store of ['wallet', 'keys', 'history'] as const) await clear(store)
}
