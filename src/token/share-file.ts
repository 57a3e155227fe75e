// Node only: an evaluator's secrets on disk: one key share and its callers, in a file that only its owner can read.
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  CtidError,
  equalBytes,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import type { Group, Share } from '../crypto/index.ts'
import type { Allowance } from './budget.ts'
import { type EvaluatorKeySet, formatKeySet, parseKeySet, shareKeyOf } from './key-set.ts'

/** A party that may call the evaluator. */
export type Caller = { readonly name: string; readonly secret: Uint8Array; readonly allowance: Allowance }

/** Everything an evaluator's process needs. Secret. */
export type EvaluatorSecrets = {
  readonly share: Share
  readonly keySet: EvaluatorKeySet
  readonly callers: readonly Caller[]
}

const FORMAT = 'ctid/evaluator-share/v1'
const MAX_FILE_BYTES = 262_144

/**
 * A new caller with a random secret. Give the secret to the caller over a safe channel.
 *
 * @throws {CtidError} `ERR_TOKEN_SHARE_FILE` for a name that is not 1 to 32 of `a-z 0-9 -`
 */
export function newCaller(name: string, allowance: Allowance, random: RandomBytes): Caller {
  if (!/^[a-z0-9-]{1,32}$/.test(name)) throw new CtidError('ERR_TOKEN_SHARE_FILE', { detail: 'caller name' })
  return { name, secret: random(32), allowance }
}

/** Writes the file with mode 0600: complete or not at all, durable before it takes the name. */
export async function writeShareFile(path: string, secrets: EvaluatorSecrets): Promise<void> {
  const body: JsonObject = {
    format: FORMAT,
    id: secrets.share.id,
    secret: toBase64url(secrets.share.secret),
    keySet: formatKeySet(secrets.keySet),
    callers: secrets.callers.map(({ name, secret, allowance }) => ({
      name,
      secret: toBase64url(secret),
      burst: allowance.burst,
      perHour: allowance.perHour,
    })),
  }
  await writePrivateFile(path, `${JSON.stringify(body, null, 2)}\n`)
}

/**
 * Reads and checks a share file: readable by its owner only, well formed, and the share is the one whose key is published.
 *
 * @throws {CtidError} `ERR_TOKEN_SHARE_FILE`, `ERR_TOKEN_KEY_SET`
 */
export async function readShareFile(path: string, group: Group): Promise<EvaluatorSecrets> {
  const body = await readPrivateJson(path)
  if (body['format'] !== FORMAT) throw bad('format')
  const keySet = parseKeySet(body['keySet'] ?? null, group)
  const id = body['id']
  if (typeof id !== 'number') throw bad('id')
  let share: Share
  try {
    const secret = group.parseScalar(secretBytes(body['secret']))
    share = { id, secret, publicKey: group.multiplyBase(secret) }
  } catch {
    throw bad('secret')
  }
  if (!equalBytes(share.publicKey, shareKeyOf(keySet, id))) throw bad('secret')
  const callers = body['callers']
  if (!Array.isArray(callers)) throw bad('callers')
  const parsed = callers.map(parseCaller)
  if (new Set(parsed.map((caller) => caller.name)).size !== parsed.length) throw bad('callers')
  return { share, keySet, callers: parsed }
}

/** Writes a text that only the owner may read, atomically and durably. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** Makes a directory entry durable. Windows cannot open directories and needs no such call. */
export async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle | undefined
  try {
    directory = await open(path, 'r')
    await directory.sync()
  } catch (error) {
    if (process.platform !== 'win32') throw error
  } finally {
    await directory?.close()
  }
}

/**
 * Reads a JSON document that nobody but its owner may be able to read.
 *
 * @throws {CtidError} `ERR_TOKEN_SHARE_FILE`
 */
export async function readPrivateJson(path: string): Promise<JsonObject> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new CtidError('ERR_TOKEN_SHARE_FILE', { detail: 'cannot be read', cause })
  })
  if (process.platform !== 'win32' && (info.mode & 0o077) !== 0) throw bad('readable by others')
  if (!info.isFile() || info.size > MAX_FILE_BYTES) throw bad('not a share file')
  const file = await open(path, 'r')
  try {
    return parseJsonObject(await file.readFile('utf8'), { maxLength: MAX_FILE_BYTES })
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_SHARE_FILE', { detail: 'not JSON', cause })
  } finally {
    await file.close()
  }
}

function parseCaller(value: Json): Caller {
  if (!isJsonObject(value)) throw bad('callers')
  const { name, burst, perHour } = value
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) throw bad('callers')
  if (typeof burst !== 'number' || typeof perHour !== 'number' || !(burst >= 0) || !(perHour >= 0)) {
    throw bad('callers')
  }
  return { name, secret: secretBytes(value['secret']), allowance: { burst, perHour } }
}

function secretBytes(value: Json | undefined): Uint8Array {
  if (typeof value !== 'string' || value.length !== 43) throw bad('secret')
  try {
    return fromBase64url(value)
  } catch {
    throw bad('secret')
  }
}

function bad(detail: string): CtidError {
  return new CtidError('ERR_TOKEN_SHARE_FILE', { detail })
}
