// The issuer's keys in a key folder: what it signs with and what it finds a subject's places by. A registrar needs neither.
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CtidError, fromBase64url, parseJsonObject, type RandomBytes, toBase64url } from '../base/index.ts'
import { writePrivateFile } from '../token/node.ts'
import { type DevelopmentPki, loadOrCreatePki } from '../trust/node.ts'
import { withFolderLock } from './folder-lock.ts'

/** Secret. */
export type IssuerKeys = {
  /** The issuer's key for the links between subjects and status places. */
  readonly linkKey: Uint8Array
  /** Signs copies, status lists and trust lists. */
  readonly pki: DevelopmentPki
}

export type IssuerKeysOptions = {
  readonly random: RandomBytes
  /** Unix seconds. */
  readonly now: number
  /** Where the issuer answers; goes into certificates. */
  readonly baseUrl: string
  /** A file of the folder beside which no keys are made: whose issuer is elsewhere gets no second one unasked. */
  readonly unless?: string
}

/**
 * Opens the issuer's part of a key folder and makes what is missing.
 *
 * @throws {CtidError} `ERR_REGISTRY_KEY_MALFORMED`, `ERR_CRYPTO_KEY` for damaged files; `ERR_ISSUER_ELSEWHERE`
 */
export async function openIssuerKeys(folder: string, options: IssuerKeysOptions): Promise<IssuerKeys> {
  const { random, now, baseUrl, unless } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'issuer.json')
  const make = async () => {
    if (existsSync(file)) return
    if (unless !== undefined && existsSync(join(folder, unless))) throw new CtidError('ERR_ISSUER_ELSEWHERE')
    await writePrivateFile(file, `${JSON.stringify({ linkKey: toBase64url(random(32)) }, null, 2)}\n`)
  }
  if (!existsSync(file)) await withFolderLock(folder, make)
  const { linkKey } = parseJsonObject(await readFile(file, 'utf8'))
  return {
    linkKey: keyBytes(linkKey),
    pki: await loadOrCreatePki(join(folder, 'pki'), { now, random, baseUrl }),
  }
}

/** @throws {CtidError} `ERR_REGISTRY_KEY_MALFORMED` */
export function keyBytes(value: unknown): Uint8Array {
  try {
    if (typeof value === 'string') return fromBase64url(value)
  } catch {
    // Falls through to the one error.
  }
  throw new CtidError('ERR_REGISTRY_KEY_MALFORMED')
}
