// The keys of the demo's parties: made on the first run, each in a file of mode 0600 that Git ignores. See keys/README.md.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBase64url, parseJsonObject, type RandomBytes, toBase64url } from '#ctid/base'
import {
  type Group,
  generateSigner,
  type P256PrivateJwk,
  type Share,
  type Signer,
  signerFromJwk,
} from '#ctid/crypto'
import {
  createRegistryKeys,
  createVaultKey,
  exportRegistryKeys,
  importRegistryKeys,
  type RegistryKeys,
  type Secret,
  secret,
} from '#ctid/registry'
import { type EvaluatorKeySet, formatKeySet, parseKeySet, runCeremony } from '#ctid/token'

export type EvaluatorKeys = { readonly keySet: EvaluatorKeySet; readonly shares: readonly Share[] }

export type Keyring = {
  readonly evaluators: () => EvaluatorKeys
  readonly saveEvaluators: (keys: EvaluatorKeys) => void
  readonly registry: () => RegistryKeys
  readonly saveRegistry: (keys: RegistryKeys) => void
  readonly vault: () => readonly Secret[]
  /** Signs the trust list. */
  readonly publisher: () => Promise<Signer>
  /** The issuer's own: seals the links between persons and places in status lists. */
  readonly linkKey: () => Uint8Array
}

export type KeyringOptions = { readonly group: Group; readonly random: RandomBytes }

/** Opens the key folder and makes what is missing. */
export async function openKeyring(folder: string, { group, random }: KeyringOptions): Promise<Keyring> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = (name: string) => join(folder, name)
  const write = (name: string, text: string) => {
    writeFileSync(`${file(name)}.new`, text, { mode: 0o600 })
    renameSync(`${file(name)}.new`, file(name))
  }
  const read = (name: string) => {
    chmodSync(file(name), 0o600)
    return readFileSync(file(name), 'utf8')
  }

  const saveEvaluators = ({ keySet, shares }: EvaluatorKeys) => {
    for (const { id, secret: scalar, publicKey } of shares) {
      const share = { id, secret: toBase64url(scalar), publicKey: toBase64url(publicKey) }
      write(`evaluator-${id}.json`, `${JSON.stringify(share, null, 2)}\n`)
    }
    write('evaluators.json', `${JSON.stringify(formatKeySet(keySet), null, 2)}\n`)
  }
  const saveRegistry = (keys: RegistryKeys) => write('registry.json', exportRegistryKeys(keys))
  if (!existsSync(file('evaluators.json'))) {
    saveEvaluators(runCeremony({ threshold: 2, count: 3, group, random }))
  }
  if (!existsSync(file('registry.json'))) saveRegistry(createRegistryKeys({ group, random }))
  if (!existsSync(file('vault.json'))) {
    write('vault.json', `${JSON.stringify({ key: toBase64url(createVaultKey(random).reveal()) })}\n`)
  }
  if (!existsSync(file('issuer.json'))) {
    const { privateJwk } = await generateSigner()
    const issuer = { linkKey: toBase64url(random(32)), trustListKey: privateJwk }
    write('issuer.json', `${JSON.stringify(issuer, null, 2)}\n`)
  }

  return {
    evaluators: () => {
      const keySet = parseKeySet(parseJsonObject(read('evaluators.json')), group)
      const shares = keySet.shares.map(({ id, publicKey }) => {
        const { secret: scalar } = parseJsonObject(read(`evaluator-${id}.json`))
        return { id, publicKey, secret: group.parseScalar(fromBase64url(String(scalar))) }
      })
      return { keySet, shares }
    },
    saveEvaluators,
    registry: () => importRegistryKeys(read('registry.json'), group),
    saveRegistry,
    vault: () => [secret(fromBase64url(String(parseJsonObject(read('vault.json'))['key'])))],
    publisher: async () => {
      const { trustListKey } = parseJsonObject(read('issuer.json'))
      return signerFromJwk(trustListKey as unknown as P256PrivateJwk)
    },
    linkKey: () => fromBase64url(String(parseJsonObject(read('issuer.json'))['linkKey'])),
  }
}
