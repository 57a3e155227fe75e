// One wiring for command line, demo and tests: from a key folder and a store to the parties that work together.
import {
  type Clock,
  CtidError,
  canonicalJson,
  DAY,
  HOUR,
  type JsonObject,
  type RandomBytes,
} from '../base/index.ts'
import type { ProvenKey } from '../credential/index.ts'
import { type Group, loadSodiumGroup } from '../crypto/index.ts'
import type { LegalRecord } from '../identity/index.ts'
import {
  createStatusPublisher,
  type IssuedCopy,
  type IssuerDeps,
  issueCopies,
  issuerMigrations,
  type StatusPublisher,
  setCopyState,
  storeLedger,
} from '../issuer/index.ts'
import { credentialSubject, type Enrolled, enrolDocument, type RegistrarDeps } from '../registrar/index.ts'
import { type Entry, openRegistry, type Registry, type State } from '../registry/index.ts'
import { migrate, openStore, type Store } from '../store/index.ts'
import { type Evaluator, httpEvaluator, type KeyRotation, localEvaluator } from '../token/index.ts'
import { signTrustList, type TrustList } from '../trust/index.ts'
import type { VerifierPolicy, VerifyContext } from '../verifier/index.ts'
import { folderVault, freshKeys, withFreshKeys } from './fresh-keys.ts'
import { type Keyring, openKeyring, REGISTRAR } from './keyring.ts'
import {
  type DeploymentLog,
  documentHash,
  type HolderProof,
  type LogOptions,
  openDeploymentLog,
} from './log.ts'
import { holderProofOf, logCeremony, loggedKeyring, loggedRegistry } from './logged.ts'
import { ENTRANCE_POLICY, localVerifier } from './verifier.ts'

export type DeploymentOptions = {
  readonly keysFolder: string
  /** File name or `postgres://` address. */
  readonly storeUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
  /** Where the issuer's public files are served. Default `http://localhost:8080`. */
  readonly baseUrl?: string
  /** Addresses of evaluators in processes of their own, by id; absent: all in this process. */
  readonly evaluatorUrls?: ReadonlyMap<number, string>
  /** When given, nothing is acknowledged before the log has accepted it. */
  readonly log?: LogOptions
}

export type Deployment = {
  readonly group: Group
  readonly keyring: Keyring
  readonly store: Store
  readonly registry: Registry
  readonly issuer: IssuerDeps
  readonly statusPublisher: StatusPublisher
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
  /** Issues one copy for each proven key, stating what the record says. */
  issue(token: Uint8Array, record: LegalRecord, keys: readonly ProvenKey[]): Promise<readonly IssuedCopy[]>
  /**
   * Refuses a token for which nothing may be issued now; to be asked before the record is opened.
   *
   * @throws {CtidError} `ERR_REGISTRY_TOKEN`, `ERR_REGISTRY_LOG`, `ERR_ISSUER_REVOKED` (frozen ones too)
   */
  requireValid(token: Uint8Array): Promise<void>
  /** Carries a change of state in the registry over to the copies. */
  followState(token: Uint8Array): Promise<void>
  /**
   * What `verifyCode` needs to verify this deployment's codes; default policy {@link ENTRANCE_POLICY}. With a log the hash
   * of the policy is logged under its name first.
   */
  verifier(policy?: VerifierPolicy): Promise<VerifyContext>
  /** The signed trust list: this deployment's issuer, for identity, organisations and health. */
  trustList(): Promise<string>
  close(): Promise<void>
}

/** Opens all parties. Keys and tables that are missing are made. */
export async function openDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { clock, random, baseUrl = 'http://localhost:8080' } = options
  const group = await loadSodiumGroup()
  const plainKeyring = await openKeyring(options.keysFolder, { group, random, now: clock(), baseUrl })
  const log = options.log && (await openDeploymentLog(options.log, plainKeyring.log, { clock, random }))
  const keyring = log ? loggedKeyring(plainKeyring, log) : plainKeyring
  if (log) await logCeremony(keyring, log)
  const store = await openStore(options.storeUrl)
  await migrate(store, [issuerMigrations])
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
  const statusListBase = `${baseUrl}/status/`
  const { signer, kid, x5c } = keyring.pki.parties.issuer
  const key = { signer, kid, x5c }
  const issuer: IssuerDeps = {
    key,
    issuerId: baseUrl,
    statusListBase,
    ledger: storeLedger(store, { random }),
    linkKey: keyring.linkKey,
    clock,
    random,
    ...(log ? { logCopies: log.copies } : {}),
  }
  const statusPublisher = createStatusPublisher({ ledger: issuer.ledger, key, statusListBase, clock })
  const evaluators = () => evaluatorsOf(keyring, group, options)
  const locally = ({ keySet, shares }: KeyRotation['next']) => ({
    keySet,
    evaluators: shares.map((share) => localEvaluator(share, { group, random })),
  })
  const signList = () =>
    signTrustList(trustListOf(keyring, baseUrl, clock()), keyring.pki.parties.rules.signer)
  const trustList = log ? loggedList(signList, log, clock) : signList
  return {
    group,
    keyring,
    store,
    registry,
    issuer,
    statusPublisher,
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
    async issue(token, record, keys) {
      const { profile, subject, kind } = credentialSubject(record, { now: clock() })
      const { id: subjectId, expiresAt } = await validEntry(registry, token)
      const attestation = { kind, assurance: 'substantial' } as const
      return issueCopies(
        {
          subjectId,
          profile,
          subject,
          attestation,
          ...(expiresAt === undefined ? {} : { documentExpiresAt: expiresAt }),
        },
        keys,
        issuer,
      )
    },
    async requireValid(token) {
      await validEntry(registry, token)
    },
    async followState(token) {
      const entry = await registry.lookup(token)
      if (!entry) throw new CtidError('ERR_REGISTRY_TOKEN')
      await setCopyState(entry.id, COPY_STATES[entry.state], issuer)
      statusPublisher.changed()
    },
    async verifier(policy = ENTRANCE_POLICY) {
      // What is asked of people here is public before anybody is asked.
      const hash = documentHash(canonicalJson(policy as unknown as JsonObject))
      await log?.announce('policy', { name: policy.name, hash })
      return localVerifier({ keyring, statusPublisher, statusListBase, trustList, clock }, policy)
    },
    trustList,
    close: async () => {
      await store.close()
      await log?.close()
    },
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
const COPY_STATES: Readonly<Record<State, 'valid' | 'suspended' | 'revoked'>> = {
  active: 'valid',
  expired: 'valid',
  frozen: 'suspended',
  revoked: 'revoked',
  superseded: 'revoked',
}

// With a log a list is signed once an hour, and its hash is public before anybody gets it.
function loggedList(sign: () => Promise<string>, log: DeploymentLog, clock: Clock): () => Promise<string> {
  let current: { readonly text: string; readonly at: number } | undefined
  return async () => {
    if (!current || clock() >= current.at + HOUR || clock() < current.at) {
      const next = { text: await sign(), at: clock() }
      await log.announce('trust-list', { hash: documentHash(next.text) })
      current = next
    }
    return current.text
  }
}

async function evaluatorsOf(
  keyring: Keyring,
  group: Group,
  options: DeploymentOptions,
): Promise<readonly Evaluator[]> {
  const { clock, random, evaluatorUrls } = options
  if (!evaluatorUrls) return (await keyring.shares()).map((share) => localEvaluator(share, { group, random }))
  const secrets = keyring.registrar()
  return [...evaluatorUrls].flatMap(([id, url]) => {
    const secret = secrets.get(id)
    if (!secret) return []
    const credential = { caller: REGISTRAR, secret }
    return [httpEvaluator({ id, url, keySet: keyring.keySet(), credential, group, now: clock, random })]
  })
}

function trustListOf({ pki }: Keyring, baseUrl: string, now: number): TrustList {
  const key = ({ signer, kid, x5c }: typeof pki.parties.issuer) => ({
    kid,
    jwk: signer.publicJwk,
    x5c,
    notBefore: 0,
    notAfter: now + 365 * DAY,
  })
  return {
    // Editions are numbered by time: a later list has a greater number, whoever makes it.
    version: now,
    issuedAt: now,
    expiresAt: now + 7 * DAY,
    issuers: [
      {
        id: baseUrl,
        name: { en: 'Development registry', zh: '开发环境登记处' },
        region: 'CN',
        purposes: ['identity', 'organisation', 'health'],
        keys: [key(pki.parties.issuer)],
        statusListBase: `${baseUrl}/status/`,
      },
    ],
    recognition: [],
  }
}
