// The wallet on a disk, in Node only: files that their owner alone may read (mode 0600), replaced as a whole.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { CtidError, isJsonObject, parseJsonObject, type RandomBytes, toHex } from '../base/index.ts'
import { waitForLock } from '../base/node.ts'
import { generateSigner, type P256PrivateJwk, signerFromJwk } from '../crypto/index.ts'
import type { DeviceKeys, WalletStorage } from './storage.ts'

const KEY_NAME = /^[0-9a-f]{16}$/
const WAIT_SECONDS = 10

/** One file with the wallet's text, and a lock file beside it while it is being changed. */
export function fileStorage(directory: string): WalletStorage {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'wallet.json')
  return {
    async update(change) {
      const busy = new CtidError('ERR_WALLET_STATE', { detail: 'locked by another process' })
      const held = await waitForLock(`${file}.lock`, busy, { seconds: WAIT_SECONDS })
      try {
        const before = readIfThere(file)
        const { text, result } = change(before)
        if (text !== before) replaceFile(file, text)
        return result
      } finally {
        held.release()
      }
    },
  }
}

/** One file per key, as private JWK: for the command line, where there is no key store of the system. */
export function fileDeviceKeys(directory: string, random: RandomBytes): DeviceKeys {
  const folder = join(directory, 'device-keys')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fileOf = (name: string): string => {
    if (!KEY_NAME.test(name)) throw new CtidError('ERR_WALLET_KEY')
    return join(folder, `${name}.json`)
  }
  return {
    async create() {
      const { privateJwk, publicJwk } = await generateSigner()
      const name = toHex(random(8))
      replaceFile(fileOf(name), JSON.stringify(privateJwk))
      return { name, publicJwk }
    },
    signer(name) {
      const text = readIfThere(fileOf(name))
      if (text === undefined) return undefined
      const jwk = parseJsonObject(text)
      if (!isJsonObject(jwk)) throw new CtidError('ERR_WALLET_KEY')
      return signerFromJwk(jwk as unknown as P256PrivateJwk)
    },
    delete: (name) => rmSync(fileOf(name), { force: true }),
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

// Written beside, flushed, then renamed over: after a crash there is the old text or the new one, never half of one. On a disk that
// is nearly full one write may take a part of the text only; this one goes on, or throws.
function replaceFile(file: string, text: string): void {
  const temporary = `${file}.new`
  try {
    const handle = openSync(temporary, 'w', 0o600)
    try {
      writeFileSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, file)
    syncFolder(dirname(file))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

// The new name too: a copy that was shown must not come back with a power cut.
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
