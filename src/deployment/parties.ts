// One wiring for command line, demo and tests: from a key folder and a store to the parties that work together.
import { canonicalJson, type JsonObject } from '../base/index.ts'
import type { ProvenKey } from '../credential/index.ts'
import { loadSodiumGroup } from '../crypto/index.ts'
import type { LegalRecord } from '../identity/index.ts'
import { type IssuedCopy, issueCopies } from '../issuer/index.ts'
import { openStore } from '../store/index.ts'
import type { VerifierPolicy, VerifyContext } from '../verifier/index.ts'
import { assembleIssuer, type IssuerParty } from './issuer-party.ts'
import { type Keyring, openKeyring } from './keyring.ts'
import { documentHash, openDeploymentLog } from './log.ts'
import { orClose } from './or-close.ts'
import {
  assembleRegistrar,
  copyRequest,
  DEFAULT_BASE_URL,
  type RegistrarOptions,
  type RegistrarParty,
} from './registrar-party.ts'
import { ENTRANCE_POLICY, localVerifier } from './verifier.ts'

export type DeploymentOptions = RegistrarOptions

/** Registrar, registry and issuer in one process, over one key folder and one store. */
export type Deployment = RegistrarParty &
  IssuerParty & {
    readonly keyring: Keyring
    /** Issues one copy for each proven key, stating what the record says. */
    issue(token: Uint8Array, record: LegalRecord, keys: readonly ProvenKey[]): Promise<readonly IssuedCopy[]>
    /**
     * What `verifyCode` needs to verify this deployment's codes; default policy {@link ENTRANCE_POLICY}. With a log the hash
     * of the policy is logged under its name first.
     */
    verifier(policy?: VerifierPolicy): Promise<VerifyContext>
    close(): Promise<void>
  }

/** Opens all parties. Keys and tables that are missing are made. */
export async function openDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { clock, random, baseUrl = DEFAULT_BASE_URL } = options
  const group = await loadSodiumGroup()
  const keyring = await openKeyring(options.keysFolder, { group, random, now: clock(), baseUrl })
  const log = options.log && (await openDeploymentLog(options.log, keyring.log, { clock, random }))
  const store = await openStore(options.storeUrl)
  const close = async () => {
    await store.close()
    await log?.close()
  }
  const [issuing, registrar] = await orClose(close, async () => {
    const party = await assembleIssuer({ keys: keyring, store, log, clock, random, baseUrl })
    const parts = { keyring, store, log, group, issuing: party.issuing }
    return [party, await assembleRegistrar(parts, options)] as const
  })
  const { issuer, statusPublisher, trustList } = issuing
  return {
    ...issuing,
    ...registrar,
    keyring: { ...keyring, ...registrar.keyring },
    issue: async (token, record, keys) =>
      issueCopies(await copyRequest(registrar.registry, token, { record, now: clock() }), keys, issuer),
    async verifier(policy = ENTRANCE_POLICY) {
      // What is asked of people here is public before anybody is asked.
      const hash = documentHash(canonicalJson(policy as unknown as JsonObject))
      await log?.announce('policy', { name: policy.name, hash })
      const { statusListBase } = issuer
      return localVerifier({ keyring, statusPublisher, statusListBase, trustList, clock }, policy)
    },
    close,
  }
}
