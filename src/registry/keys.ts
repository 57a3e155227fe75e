// The registry's own keys: two sector keys (token and record side) and the key that seals the points, each in versions.
import {
  CtidError,
  framed,
  fromBase64url,
  isJsonObject,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import { type Group, hkdfSha256, hmacSha256, type Scalar } from '../crypto/index.ts'
import { type Secret, secret } from './secret.ts'

/** A sector's scalar x and the key of the HMAC over its points. */
export type SectorKey = { readonly version: number; readonly scalar: Secret; readonly mac: Secret }

/** An AES-256-GCM key for the sealed bindings. */
export type BindingKey = { readonly version: number; readonly key: Secret }

/** What can be rotated: labels of one side, or the sealing of the bindings. */
export const KEY_KINDS = ['token', 'record', 'binding'] as const
export type KeyKind = (typeof KEY_KINDS)[number]

/** Versions in ascending order; the last is used for new entries. During a rotation the one before is still needed. */
export type RegistryKeys = {
  readonly token: readonly SectorKey[]
  readonly record: readonly SectorKey[]
  readonly binding: readonly BindingKey[]
}

export type KeyMaker = { readonly group: Group; readonly random: RandomBytes }

/** Fresh keys, each of version 1. */
export function createRegistryKeys(make: KeyMaker): RegistryKeys {
  return {
    token: [sectorKey(1, make)],
    record: [sectorKey(1, make)],
    binding: [{ version: 1, key: secret(make.random(32)) }],
  }
}

/** The same keys and a new version of one of them: the first step of a rotation. */
export function addKeyVersion(keys: RegistryKeys, kind: KeyKind, make: KeyMaker): RegistryKeys {
  const version = newest<SectorKey | BindingKey>(keys[kind]).version + 1
  if (kind === 'binding') {
    return { ...keys, binding: [...keys.binding, { version, key: secret(make.random(32)) }] }
  }
  return { ...keys, [kind]: [...keys[kind], sectorKey(version, make)] }
}

/** The keys without the versions before the newest of `kind`: the last step of a rotation. */
export function dropOldVersions(keys: RegistryKeys, kind: KeyKind): RegistryKeys {
  return { ...keys, [kind]: keys[kind].slice(-1) }
}

function sectorKey(version: number, { group, random }: KeyMaker): SectorKey {
  return { version, scalar: secret(group.randomScalar(random)), mac: secret(random(32)) }
}

/** The last version. */
export function newest<K extends { readonly version: number }>(versions: readonly K[]): K {
  const last = versions.at(-1)
  if (!last) throw new CtidError('ERR_REGISTRY_KEYS', { detail: 'a key has no version' })
  return last
}

/** The version asked for; `ERR_REGISTRY_KEYS` if it is not there. */
export function ofVersion<K extends { readonly version: number }>(
  versions: readonly K[],
  version: number,
): K {
  const found = versions.find((key) => key.version === version)
  if (!found) throw new CtidError('ERR_REGISTRY_KEYS', { detail: `key version ${version} is missing` })
  return found
}

const CHECK = 'ctid/registry/key-check/v1'

/** What the database remembers of a key, so that a process with another key is refused instead of enrolling twice. */
export function keyCheck(group: Group, kind: KeyKind, key: SectorKey | BindingKey): Uint8Array {
  if ('key' in key) return hkdfSha256(key.key.reveal(), { info: framed(CHECK, kind), length: 32 })
  const point = group.multiplyBase(key.scalar.reveal() as Scalar)
  return hmacSha256(key.mac.reveal(), framed(CHECK, kind, point))
}

/** The keys as text for a file of mode 0600. The only place where they are written out. */
export function exportRegistryKeys(keys: RegistryKeys): string {
  const sector = ({ version, scalar, mac }: SectorKey) => ({
    version,
    scalar: toBase64url(scalar.reveal()),
    mac: toBase64url(mac.reveal()),
  })
  const document = {
    format: 'ctid/registry/keys/v1',
    token: keys.token.map(sector),
    record: keys.record.map(sector),
    binding: keys.binding.map(({ version, key }) => ({ version, key: toBase64url(key.reveal()) })),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/**
 * Reads what {@link exportRegistryKeys} wrote.
 *
 * @throws {CtidError} `ERR_REGISTRY_KEY_MALFORMED`, `ERR_JSON_*`
 */
export function importRegistryKeys(text: string, group: Group): RegistryKeys {
  const document = parseJsonObject(text)
  if (document['format'] !== 'ctid/registry/keys/v1') throw malformed()
  const sector = (value: JsonObject): SectorKey => ({
    version: versionOf(value),
    scalar: secret(scalarOf(value, group)),
    mac: secret(bytesOf(value, 'mac')),
  })
  return {
    token: versionsOf(document, 'token').map(sector),
    record: versionsOf(document, 'record').map(sector),
    binding: versionsOf(document, 'binding').map((value) => ({
      version: versionOf(value),
      key: secret(bytesOf(value, 'key')),
    })),
  }
}

function versionsOf(document: JsonObject, name: string): JsonObject[] {
  const list = document[name]
  if (!Array.isArray(list) || list.length === 0 || !list.every(isJsonObject)) throw malformed()
  const versions = list.map(versionOf)
  if (versions.some((version, i) => i > 0 && version <= (versions[i - 1] ?? 0))) throw malformed()
  return list
}

function versionOf(value: JsonObject): number {
  const { version } = value
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) throw malformed()
  return version
}

function scalarOf(value: JsonObject, group: Group): Uint8Array {
  try {
    return group.parseScalar(bytesOf(value, 'scalar'))
  } catch {
    throw malformed()
  }
}

function bytesOf(value: JsonObject, name: string): Uint8Array {
  const text = value[name]
  try {
    if (typeof text === 'string' && text.length === 43) return fromBase64url(text)
  } catch {
    // Falls through to the one error.
  }
  throw malformed()
}

function malformed(): CtidError {
  return new CtidError('ERR_REGISTRY_KEY_MALFORMED')
}
