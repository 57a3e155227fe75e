// The registrar's part of a deployment: desk and registry. It opens records and asks an issuer for copies; alone in a process it
// holds no key that signs copies or lists.
import { type Clock, CtidError, type RandomBytes } from '../base/index.ts'
import { type Group, loadSodiumGroup } from '../crypto/index.ts'
import { type LegalRecord, parseLegalRecord } from '../identity/index.ts'
import {
  type CopyRequest,
  type CopyState,
  type IssuedCopy,
  type IssuerPort,
  proofChecks,
} from '../issuer/index.ts'
import { credentialSubject, type Enrolled, enrolDocument, type RegistrarDeps } from '../registrar/index.ts'
import { type Entry, openRegistry, type Registry, type State } from '../registry/index.ts'
import { openStore, type Store } from '../store/index.ts'
import { type Evaluator, type KeyRotation, localEvaluator } from '../token/index.ts'
import { evaluatorsAt } from './evaluators-elsewhere.ts'
import { folderVault, freshKeys, withFreshKeys } from './fresh-keys.ts'
import { openRegistrarKeyring, type RegistrarKeyring } from './keyring.ts'
import { type DeploymentLog, type HolderProof, type LogOptions, openDeploymentLog } from './log.ts'
import { holderProofOf, logCeremony, loggedKeyring, loggedRegistry } from './logged.ts'
import { orClose } from './or-close.ts'

export type RegistrarParty = {
  readonly group: Group
  readonly random: RandomBytes
  readonly keyring: RegistrarKeyring
  readonly store: Store
  readonly registry: Registry
  /** The issuer of copies, here or elsewhere. */
  readonly issuing: IssuerPort
  readonly evaluators: () => Promise<readonly Evaluator[]>
  /** The transparency log, when the deployment has one. */
  readonly log: DeploymentLog | undefined
  /**
   * The proofs that an enrolled person takes home: this record and this token are bound once, to each other. `undefined`
   * without a log, or before the first epoch after the enrolment.
   */
  holderProof(token: Uint8Array): Promise<HolderProof | undefined>
  /** Enrols a document. See `enrolDocument`. */
  enrol(document: unknown, officer?: string): Promise<Enrolled>
  /** A nonce of the issuer's for proofs of possession, good for one call of {@link RegistrarParty.issueCopies}. */
  nonce(): Promise<string>
  /**
   * Has one copy issued for each proof of possession, stating what the record says. The record is opened for it, which is
   * logged, after the proofs have passed.
   *
   * @throws {CtidError} `ERR_ISSUER_*`, `ERR_REGISTRY_*`; may be repeated with fresh proofs
   */
  issueCopies(token: Uint8Array, proofs: readonly string[], officer: string): Promise<readonly IssuedCopy[]>
  /**
   * Refuses a token for which nothing may be issued now; to be asked before the record is opened.
   *
   * @throws {CtidError} `ERR_REGISTRY_TOKEN`, `ERR_REGISTRY_LOG`, `ERR_ISSUER_REVOKED` (frozen ones too)
   */
  requireValid(token: Uint8Array): Promise<void>
  /** Carries a change of state in the registry over to the copies. May be repeated. */
  followState(token: Uint8Array): Promise<void>
}

export type RegistrarOptions = {
  readonly keysFolder: string
  /** File name or `postgres://` address. */
  readonly storeUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
  /** Where the issuer's public files are served; what proofs of possession name. Default `http://localhost:8080`. */
  readonly baseUrl?: string
  /** Addresses of evaluators in processes of their own, by id; absent: all in this process. */
  readonly evaluatorUrls?: ReadonlyMap<number, string>
  /** Evaluators at plain `http:` addresses of other machines are taken: a closed network lies between. */
  readonly plainHttp?: boolean
  /** When given, nothing is acknowledged before the log has accepted it. */
  readonly log?: LogOptions
}

export const DEFAULT_BASE_URL = 'http://localhost:8080'

/** Registrar and registry as a party of their own. Keys and tables that are missing are made; no issuer's. */
export async function openRegistrarParty(
  options: RegistrarOptions & { readonly issuing: IssuerPort },
): Promise<RegistrarParty & { close(): Promise<void> }> {
  const group = await loadSodiumGroup()
  const { clock, random, baseUrl = DEFAULT_BASE_URL, issuing } = options
  const keyring = await openRegistrarKeyring(options.keysFolder, { group, random, now: clock(), baseUrl })
  const log = options.log && (await openDeploymentLog(options.log, keyring.log, { clock, random }))
  const store = await openStore(options.storeUrl)
  const close = async () => {
    await store.close()
    await log?.close()
  }
  const party = await orClose(close, () =>
    assembleRegistrar({ keyring, store, log, group, issuing }, options),
  )
  return { ...party, close }
}

type Parts = {
  readonly keyring: RegistrarKeyring
  readonly store: Store
  readonly log: DeploymentLog | undefined
  readonly group: Group
  readonly issuing: IssuerPort
}

/** From an open key folder, an open store and an open log to a registrar. */
export async function assembleRegistrar(parts: Parts, options: RegistrarOptions): Promise<RegistrarParty> {
  const { store, log, group, issuing } = parts
  const { clock, random, baseUrl = DEFAULT_BASE_URL } = options
  const keyring = log ? loggedKeyring(parts.keyring, log) : parts.keyring
  if (log) await logCeremony(keyring, log)
  const plainRegistry = await freshKeys(keyring)(() =>
    openRegistry({
      store,
      keys: keyring.registry(),
      vault: folderVault(keyring, random),
      group,
      clock,
      random,
      anchorVersion: keyring.keySet().version,
      ...(log ? { log: log.events } : {}),
    }),
  )
  const fresh = freshKeys(keyring, plainRegistry)
  const freshRegistry = withFreshKeys(plainRegistry, keyring, fresh)
  const registry = log ? loggedRegistry(freshRegistry, keyring, log) : freshRegistry
  const evaluators = () => evaluatorsOf(keyring, group, options)
  const locally = ({ keySet, shares }: KeyRotation['next']) => ({
    keySet,
    evaluators: shares.map((share) => localEvaluator(share, { group, random })),
  })
  // Looked at here as well: no record is opened for proofs that the issuer would refuse.
  const proofs = proofChecks({ issuerId: baseUrl, clock, random })
  return {
    group,
    random,
    keyring,
    store,
    registry,
    issuing,
    evaluators,
    log,
    holderProof: async (token) => (log ? holderProofOf(store, token, log) : undefined),
    enrol: (document, officer = 'desk-1') =>
      fresh(async () => {
        const present = { evaluators: await evaluators(), keySet: keyring.keySet() }
        const rotation = await keyring.rotation()
        const deps: RegistrarDeps = {
          ...(rotation ? { ...locally(rotation.next), former: present } : present),
          group,
          random,
          clock,
          registry: plainRegistry,
          officer,
        }
        return enrolDocument(document, deps)
      }),
    nonce: async () => proofs.nonce(await issuing.nonce()),
    async issueCopies(token, given, officer) {
      await proofs.check(given)
      await validEntry(registry, token)
      const record = parseLegalRecord(await registry.openRecord(token, { reason: 'holder-request', officer }))
      return issuing.issue(await copyRequest(registry, token, { record, now: clock() }), given)
    },
    async requireValid(token) {
      await validEntry(registry, token)
    },
    async followState(token) {
      // Looked at again afterwards: of two steps that are carried over at once, the later one must have the last word.
      for (let told: CopyState | undefined; ; ) {
        const entry = await registry.lookup(token)
        if (!entry) throw new CtidError('ERR_REGISTRY_TOKEN')
        const state = COPY_STATES[entry.state]
        if (state === told) return
        await issuing.setState(entry.id, state)
        told = state
      }
    },
  }
}

/** What is issued for a token whose record has been opened. */
export async function copyRequest(
  registry: Registry,
  token: Uint8Array,
  { record, now }: { readonly record: LegalRecord; readonly now: number },
): Promise<CopyRequest> {
  const { profile, subject, kind } = credentialSubject(record, { now })
  const { id: subjectId, expiresAt } = await validEntry(registry, token)
  return {
    subjectId,
    profile,
    subject,
    attestation: { kind, assurance: 'substantial' },
    ...(expiresAt === undefined ? {} : { documentExpiresAt: expiresAt }),
  }
}

// The log has the enrolment first, and a step that the ledger was not told of yet counts here already.
async function validEntry(registry: Registry, token: Uint8Array): Promise<Entry> {
  const entry = await registry.lookup(token)
  if (!entry) throw new CtidError('ERR_REGISTRY_TOKEN')
  if (!entry.logged) throw new CtidError('ERR_REGISTRY_LOG')
  if (COPY_STATES[entry.state] !== 'valid') throw new CtidError('ERR_ISSUER_REVOKED', { detail: entry.state })
  return entry
}

// Copies end with their document anyway, so an expired entry needs no entry in the status list.
const COPY_STATES: Readonly<Record<State, CopyState>> = {
  active: 'valid',
  expired: 'valid',
  frozen: 'suspended',
  revoked: 'revoked',
  superseded: 'revoked',
}

async function evaluatorsOf(
  keyring: RegistrarKeyring,
  group: Group,
  options: RegistrarOptions,
): Promise<readonly Evaluator[]> {
  const { clock, random, evaluatorUrls, plainHttp = false } = options
  if (!evaluatorUrls) return (await keyring.shares()).map((share) => localEvaluator(share, { group, random }))
  return evaluatorsAt({
    urls: evaluatorUrls,
    secrets: keyring.registrar(),
    keySet: keyring.keySet(),
    ...{ group, clock, random, plainHttp },
  })
}
