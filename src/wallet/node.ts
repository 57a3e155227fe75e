// The wallet on a disk, in Node only: files that their owner alone may read (mode 0600), replaced as a whole.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { CtidError, isJsonObject, parseJsonObject, type RandomBytes, toHex } from '../base/index.ts'
import { generateSigner, type P256PrivateJwk, signerFromJwk } from '../crypto/index.ts'
import type { DeviceKeys, WalletStorage } from './storage.ts'

const KEY_NAME = /^[0-9a-f]{16}$/
const LOCK_ATTEMPTS = 150
const LOCK_PAUSE_MS = 20

/** One file with the wallet's text, and a lock file beside it while it is being changed. */
export function fileStorage(directory: string): WalletStorage {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'wallet.json')
  return {
    async update(change) {
      const unlock = await lock(`${file}.lock`)
      try {
        const before = readIfThere(file)
        const { text, result } = change(before)
        if (text !== before) replaceFile(file, text)
        return result
      } finally {
        unlock()
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

// Written beside, flushed, then renamed over: after a crash there is the old text or the new one, never half of one.
function replaceFile(file: string, text: string): void {
  const temporary = `${file}.new`
  const handle = openSync(temporary, 'w', 0o600)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(temporary, file)
}

async function lock(file: string): Promise<() => void> {
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
    try {
      const handle = openSync(file, 'wx', 0o600)
      writeSync(handle, String(process.pid))
      closeSync(handle)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (isAbandoned(file)) rmSync(file, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS))
  }
  throw new CtidError('ERR_WALLET_STATE', { detail: 'locked by another process' })
}

// Left by a process that no longer runs. An empty file belongs to one that is just about to write its number.
function isAbandoned(file: string): boolean {
  const owner = Number(readIfThere(file))
  if (!(owner > 0)) return false
  try {
    process.kill(owner, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
