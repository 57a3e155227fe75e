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
const BOX = 'box'

// Several tabs show one wallet: each says when it changed it, and hears of the others.
const tabs = new BroadcastChannel('ctid-wallet')

const storageAt = (name: string): WalletStorage => ({
  update: async (change) => {
    let changed = false
    const outcome = await replace<string, ReturnType<typeof change>['result']>('wallet', name, (text) => {
      const { text: value, result } = change(text)
      changed = value !== text
      return { value, result }
    })
    if (changed) tellOtherTabs()
    return outcome
  },
})

export const walletStorage = storageAt(STATE)
/** For credentials that came by the open protocols. */
export const boxStorage = storageAt(BOX)

/** Tells the other tabs that wallet or profile changed. */
export const tellOtherTabs = (): void => tabs.postMessage('changed')

/** Calls `listener` after another tab changed the wallet; several changes in a row call it once. */
export function onOtherTab(listener: () => void): void {
  let waiting: ReturnType<typeof setTimeout> | undefined
  tabs.addEventListener('message', () => {
    clearTimeout(waiting)
    waiting = setTimeout(listener, 150)
  })
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
  tellOtherTabs()
}
