// What a deployment with a log does besides: key ceremonies and rotations are public before the keys are used, and
// the proofs for an enrolled person are found by the registry's own row.
import { type JsonObject, parseJsonObject, toBase64url } from '../base/index.ts'
import { publicLabels, type Registry, type RollKind } from '../registry/index.ts'
import type { Row, Store } from '../store/index.ts'
import type { RegistrarKeyring } from './keyring.ts'
import type { DeploymentLog, HolderProof } from './log.ts'

/** Logs the transcript of the ceremony that made the evaluators' key, once. */
export async function logCeremony(keyring: RegistrarKeyring, log: DeploymentLog): Promise<void> {
  const transcript = parseJsonObject(await keyring.ceremony(), { maxLength: 16_384 })
  await log.announce('key-ceremony', { transcript })
}

/** A key ring whose refreshes of the evaluators' shares are logged before they are saved. */
export function loggedKeyring(keyring: RegistrarKeyring, log: DeploymentLog): RegistrarKeyring {
  return {
    ...keyring,
    async saveEvaluators(keySet, shares) {
      const { version, epoch, groupKey } = keySet
      await rotation(log, { key: 'evaluators', version, epoch, groupKey: toBase64url(groupKey) })
      await keyring.saveEvaluators(keySet, shares)
    },
  }
}

/** A registry whose key rotations are logged before they begin, and their ends before the old key is dropped. */
export function loggedRegistry(registry: Registry, keyring: RegistrarKeyring, log: DeploymentLog): Registry {
  const versionOf = (kind: RollKind) =>
    kind === 'anchor' ? keyring.keySet().version : (keyring.registry()[kind].at(-1)?.version ?? 0)
  return {
    ...registry,
    async rotate(kind, options) {
      await rotation(log, { key: kind, version: versionOf(kind), step: 'rotate' })
      return registry.rotate(kind, options)
    },
    async rotateAnchors(anchors, options) {
      await rotation(log, { key: 'anchor', step: 'rotate' })
      return registry.rotateAnchors(anchors, options)
    },
    async retire(kind, options) {
      await rotation(log, { key: kind, version: versionOf(kind), step: 'retire' })
      return registry.retire(kind, options)
    },
    async rotateVault(options) {
      await rotation(log, { key: 'vault', step: 'rotate' })
      return registry.rotateVault(options)
    },
  }
}

const rotation = (log: DeploymentLog, transcript: JsonObject) => log.announce('key-rotation', { transcript })

type LabelRow = Row & {
  readonly rec: Uint8Array
  readonly anchor_version: number
  readonly token_version: number
  readonly rec_version: number
}

/** The proofs for the binding of a token as it stands in the registry. */
export async function holderProofOf(
  store: Store,
  token: Uint8Array,
  log: DeploymentLog,
): Promise<HolderProof | undefined> {
  const [row] = await store.rows<LabelRow>(
    'select rec, anchor_version, token_version, rec_version from registry_by_token where token = $1 and next is null',
    [token],
  )
  if (!row) return undefined
  const versions = { anchor: row.anchor_version, token: row.token_version, record: row.rec_version }
  return log.holderProof(publicLabels(row.rec, token, versions))
}
