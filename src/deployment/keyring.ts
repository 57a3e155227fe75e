// The key folder: every party's keys in files of its own, made on first use, readable by their owner only.
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CtidError, type JsonObject, parseJsonObject, type RandomBytes, toBase64url } from '../base/index.ts'
import type { Group, Share } from '../crypto/index.ts'
import {
  createRegistryKeys,
  createVaultKey,
  exportRegistryKeys,
  importRegistryKeys,
  type RegistryKeys,
  type Secret,
  secret,
} from '../registry/index.ts'
import {
  type EvaluatorKeySet,
  formatKeySet,
  type KeyRotation,
  parseKeySet,
  runCeremony,
} from '../token/index.ts'
import { type Caller, newCaller, readShareFile, writePrivateFile, writeShareFile } from '../token/node.ts'
import { withFolderLock } from './folder-lock.ts'
import { type IssuerKeys, keyBytes, openIssuerKeys } from './issuer-keys.ts'
import {
  isChanging,
  isRetired,
  markRetired,
  readChange,
  readRotation,
  removeChange,
  removeRotation,
  saveChange,
  saveRotation,
} from './key-rotation.ts'

export type KeyringOptions = {
  readonly group: Group
  readonly random: RandomBytes
  /** Unix seconds. */
  readonly now: number
  /** Where the issuer answers; goes into certificates. */
  readonly baseUrl: string
  /** t of n for a key ceremony that has not been held yet. Default 2 of 3. */
  readonly threshold?: number
  readonly evaluators?: number
}

/** Everything that the key folder of a single-machine deployment holds. Secret. */
export type Keyring = RegistrarKeyring & IssuerKeys

/** What a registrar holds that is its own registry, and one machine's evaluators: no key of an issuer's. Secret. */
export type RegistrarKeyring = {
  readonly folder: string
  readonly keySet: () => EvaluatorKeySet
  /** The evaluators' shares: in a separated deployment each lies on another machine. */
  readonly shares: () => Promise<readonly Share[]>
  /** The registrar's secret at each evaluator, by evaluator id. */
  readonly registrar: () => ReadonlyMap<number, Uint8Array>
  readonly registry: () => RegistryKeys
  readonly vault: () => readonly Secret[]
  /** A rotation of the evaluators' key that is under way: until it ends both keys are needed. */
  readonly rotation: () => Promise<KeyRotation | undefined>
  /** Keys of the transparency log, and of witnesses that a demonstration plays itself. */
  readonly log: LogKeys
  /** The transcript of the key ceremony, as JSON text. */
  readonly ceremony: () => Promise<string>
  /**
   * Reads again what another process of this folder may have changed: key set, registry keys, vault keys. `true` when
   * something has changed, or is being changed.
   */
  reload(): Promise<boolean>
  /** Replaces the evaluators' shares, all or none: a process that is killed meanwhile leaves it to the next one. */
  saveEvaluators(keySet: EvaluatorKeySet, shares: readonly Share[]): Promise<void>
  /** The rotation that is under way, else a new one, whose shares are saved before anybody can use them. */
  beginRotation(make: () => Promise<KeyRotation>): Promise<KeyRotation>
  /** Takes the next key over and destroys the former one and ρ; only after the registry has retired it. */
  finishRotation(): Promise<void>
  saveRegistry(keys: RegistryKeys): Promise<void>
  saveVault(keys: readonly Secret[]): Promise<void>
}

/** Seeds of the log's keys. The origin is kept with them: it is the log's identity and outlives any address. */
export type LogKeys = {
  readonly origin: string
  /** Ed25519 seed of the log's signature. */
  readonly log: Secret
  /** Seed of the VRF that makes the labels of bindings. Its holder can test guesses, but cannot choose a label. */
  readonly vrf: Secret
  readonly witnesses: readonly Secret[]
}

const LOCAL_WITNESSES = 3

/** What other processes of the folder may change while this one runs. */
const SHARED_FILES = ['evaluators.json', 'registry.json', 'vault.json'] as const
const KEY_FILES = [...SHARED_FILES, 'log-keys.json'] as const

/** What one registrar may ask: bursts for a bulk enrolment, and a rate that makes guessing online hopeless. */
export const REGISTRAR_ALLOWANCE = { burst: 20_000, perHour: 100_000 }
export const REGISTRAR = 'registrar'

/** Path of an evaluator's share file in a key folder. */
export function shareFile(folder: string, id: number): string {
  return join(folder, `evaluator-${id}.json`)
}

/**
 * Opens a key folder and makes what is missing, the key ceremony included: one process then plays all evaluators.
 *
 * @throws {CtidError} `ERR_TOKEN_*`, `ERR_REGISTRY_KEY_MALFORMED` for files that were damaged; nothing is overwritten.
 * `ERR_ISSUER_ELSEWHERE` for the folder of a registrar whose issuer is another party
 */
export async function openKeyring(folder: string, options: KeyringOptions): Promise<Keyring> {
  // The issuer's are made first: a registrar's without them is one that has none, and a second key must not be made there.
  const issuer = await openIssuerKeys(folder, { ...options, unless: 'registry.json' })
  return { ...(await openRegistrarKeyring(folder, options)), ...issuer }
}

/** The same without an issuer's keys, which are neither read nor made. */
export async function openRegistrarKeyring(
  folder: string,
  options: KeyringOptions,
): Promise<RegistrarKeyring> {
  const { group, random } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = (name: string) => join(folder, name)
  const writeJson = (name: string, value: JsonObject) =>
    writePrivateFile(path(name), `${JSON.stringify(value, null, 2)}\n`)
  const readJson = async (name: string) =>
    parseJsonObject(await readFile(path(name), 'utf8'), { maxLength: 262_144 })

  const isComplete = KEY_FILES.every((name) => existsSync(path(name)))
  const makeMissing = async () => {
    if (!existsSync(path('evaluators.json'))) await holdCeremony(folder, options)
    if (!existsSync(path('registry.json'))) {
      await writePrivateFile(path('registry.json'), exportRegistryKeys(createRegistryKeys({ group, random })))
    }
    if (!existsSync(path('vault.json')))
      await writeJson('vault.json', vaultDocument([createVaultKey(random)]))
    if (!existsSync(path('log-keys.json'))) await writeJson('log-keys.json', newLogKeys(options))
  }
  if (!isComplete) await withFolderLock(folder, makeMissing)

  const readTexts = () => Promise.all(SHARED_FILES.map((name) => readFile(path(name), 'utf8')))
  let texts: readonly string[] = []
  let keySet: EvaluatorKeySet
  let registry: RegistryKeys
  let vault: readonly Secret[]
  const reload = async () => {
    const now = await readTexts()
    if (now.every((text, i) => text === texts[i])) return isChanging(folder) || isRetired(folder)
    const [ofEvaluators = '', ofRegistry = '', ofVault = ''] = now
    keySet = parseKeySet(parseJsonObject(ofEvaluators), group)
    registry = importRegistryKeys(ofRegistry, group)
    vault = readVault(parseJsonObject(ofVault))
    texts = now
    return true
  }
  // What is replaced must be what this process has read: else two that rotate one key would overwrite each other's.
  const replacing = <T>(name: (typeof SHARED_FILES)[number], work: () => Promise<T>): Promise<T> =>
    withFolderLock(folder, async () => {
      const isAsRead = (await readFile(path(name), 'utf8')) === texts[SHARED_FILES.indexOf(name)]
      if (!isAsRead) throw new CtidError('ERR_DEPLOYMENT_LOCKED')
      return work()
    })
  const registrar = readRegistrar(await readJson('registrar.json'))
  const replaceShares = async (next: EvaluatorKeySet, shares: readonly Share[]) => {
    for (const share of shares) {
      const file = shareFile(folder, share.id)
      const { callers } = await readShareFile(file, group)
      await writeShareFile(file, { share, keySet: next, callers })
    }
    await writeJson('evaluators.json', formatKeySet(next))
    await removeChange(folder)
    await reload()
  }
  const saveEvaluators = async (next: EvaluatorKeySet, shares: readonly Share[]) => {
    await saveChange(folder, { keySet: next, shares })
    await replaceShares(next, shares)
  }
  const finishRotation = async () => {
    const rotation = await readRotation(folder, group)
    if (rotation) {
      await markRetired(folder)
      await replaceShares(rotation.next.keySet, rotation.next.shares)
    }
    await removeRotation(folder)
  }
  const finishChange = async () => {
    const change = await readChange(folder, group)
    if (change) await replaceShares(change.keySet, change.shares)
    if (isRetired(folder)) await finishRotation()
  }
  // A process that ended while it replaced the shares: some may be new already.
  if (isChanging(folder) || isRetired(folder)) await withFolderLock(folder, finishChange)
  await reload()
  return {
    folder,
    keySet: () => keySet,
    reload,
    shares: () =>
      Promise.all(
        keySet.shares.map(async ({ id }) => (await readShareFile(shareFile(folder, id), group)).share),
      ),
    registrar: () => registrar,
    registry: () => registry,
    vault: () => vault,
    log: readLogKeys(await readJson('log-keys.json')),
    ceremony: () => readFile(path('ceremony.json'), 'utf8'),
    rotation: () => readRotation(folder, group),
    saveEvaluators: (next, shares) => replacing('evaluators.json', () => saveEvaluators(next, shares)),
    beginRotation: (make) =>
      withFolderLock(folder, async () => {
        const begun = await readRotation(folder, group)
        if (begun) return begun
        await reload()
        const rotation = await make()
        await saveRotation(folder, rotation)
        return rotation
      }),
    finishRotation: () => withFolderLock(folder, finishRotation),
    async saveRegistry(keys) {
      await replacing('registry.json', () =>
        writePrivateFile(path('registry.json'), exportRegistryKeys(keys)),
      )
      await reload()
    },
    async saveVault(keys) {
      await replacing('vault.json', () => writeJson('vault.json', vaultDocument(keys)))
      await reload()
    },
  }
}

async function holdCeremony(folder: string, options: KeyringOptions): Promise<void> {
  const { random, group, threshold = 2, evaluators: count = 3 } = options
  const { keySet, shares, transcript } = runCeremony({ threshold, count, random, group })
  const callers: [number, Caller][] = shares.map(({ id }) => [
    id,
    newCaller(REGISTRAR, REGISTRAR_ALLOWANCE, random),
  ])
  const write = (name: string, value: JsonObject) =>
    writePrivateFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`)
  for (const [index, share] of shares.entries()) {
    const [, caller] = callers[index] as [number, Caller]
    await writeShareFile(shareFile(folder, share.id), { share, keySet, callers: [caller] })
  }
  const secrets = Object.fromEntries(callers.map(([id, caller]) => [String(id), toBase64url(caller.secret)]))
  await write('registrar.json', { caller: REGISTRAR, secrets })
  await write('ceremony.json', transcript)
  // Last: its presence says that the ceremony is complete.
  await write('evaluators.json', formatKeySet(keySet))
}

function vaultDocument(keys: readonly Secret[]): JsonObject {
  return { keys: keys.map((key) => toBase64url(key.reveal())) }
}

function readVault({ keys }: JsonObject): readonly Secret[] {
  if (!Array.isArray(keys) || keys.length === 0) throw new CtidError('ERR_REGISTRY_KEY_MALFORMED')
  return keys.map((key) => secret(keyBytes(key)))
}

function newLogKeys({ random, baseUrl }: KeyringOptions): JsonObject {
  const seed = () => toBase64url(random(32))
  return {
    origin: `${new URL(baseUrl).host}/log`,
    log: seed(),
    vrf: seed(),
    witnesses: Array.from({ length: LOCAL_WITNESSES }, seed),
  }
}

function readLogKeys({ origin, log, vrf, witnesses }: JsonObject): LogKeys {
  const seed = (value: unknown) => {
    const kept = keyBytes(value)
    if (kept.length !== 32) throw new CtidError('ERR_REGISTRY_KEY_MALFORMED')
    return secret(kept)
  }
  if (typeof origin !== 'string' || !Array.isArray(witnesses))
    throw new CtidError('ERR_REGISTRY_KEY_MALFORMED')
  return { origin, log: seed(log), vrf: seed(vrf), witnesses: witnesses.map(seed) }
}

/** The registrar's secrets for evaluators, by id. */
export function readRegistrar({ secrets }: JsonObject): ReadonlyMap<number, Uint8Array> {
  return new Map(
    Object.entries((secrets ?? {}) as JsonObject).map(([id, text]) => [Number(id), keyBytes(text)]),
  )
}
