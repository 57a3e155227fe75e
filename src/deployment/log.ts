// The log of a deployment: where every room's events become entries, durable and witnessed before anything is
// acknowledged; labels by VRF; epochs; and what a holder takes home.
import { setImmediate } from 'node:timers/promises'
import {
  type Clock,
  CtidError,
  canonicalJson,
  concatBytes,
  fromBase64url,
  HOUR,
  type JsonObject,
  type RandomBytes,
  toBase64url,
  uintBytes,
  utf8,
} from '../base/index.ts'
import { sha256 } from '../crypto/index.ts'
import type { AuthorityDeps } from '../health/index.ts'
import type { RegistryLog as EventPort } from '../registry/index.ts'
import {
  type AppendableLog,
  COSIGNATURE,
  copyReceipt,
  cosignWith,
  createWitness,
  type Directory,
  type EventLabels,
  encodeEntry,
  eventLog,
  formatReceipt,
  type HolderClaim,
  type HolderReceipt,
  keyEpoch,
  LOG_SIGNATURE,
  type LogPolicy,
  makeCopyEntries,
  makeHolderReceipt,
  makeLabel,
  NO_TAG,
  type NoteKey,
  noteSigner,
  openHttpLog,
  type PublicType,
  type RegistryLog,
  readEntries,
  recordInput,
  registryLog,
  type TileSource,
  tokenInput,
  vrfKey,
  type WitnessClient,
} from '../transparency/index.ts'
import { fileWitnessStore, openFileLog } from '../transparency/node.ts'
import { type Epoch, openEpochs } from './epochs.ts'
import type { LogKeys } from './keyring.ts'
import { mixedAppend } from './mixed-append.ts'

export type LogOptions = OwnLog | LogElsewhere

type CopyMix = {
  /**
   * How many seconds a holder's copies wait for those of others, to be logged with them in random order. Two verifiers that both
   * ask for receipts learn that two copies were logged in one round; the more holders it has, the less that says. Default 0.
   */
  readonly mixSeconds?: number
}

/** A log that this process keeps. */
export type OwnLog = CopyMix & {
  /** Folder of the log: journal, tiles, checkpoint. One process writes it. */
  readonly directory: string
  /** Witnesses elsewhere. */
  readonly witnesses?: readonly WitnessClient[]
  /** Witnesses in this process, each with a key and a memory of its own: for demonstrations. Default 0, at most 3. */
  readonly localWitnesses?: number
  /** How many must cosign before a checkpoint counts. Default: more than half. */
  readonly threshold?: number
}

/** A log that a process of its own keeps (`ctid log serve`): its signing key is not among this deployment's. */
export type LogElsewhere = CopyMix & {
  readonly url: string
  readonly key: NoteKey
  /** What its operator gave this deployment, so that it may append. */
  readonly token: string
  /** Whose cosignatures an answer needs; the log asks them, this side checks them. */
  readonly witnessKeys?: readonly NoteKey[]
  /** How many. Default: more than half. */
  readonly threshold?: number
}

/** What somebody holds who was enrolled: R, T and version as the log's labels were made from them, and the proofs. */
export type HolderProof = { readonly claim: HolderClaim; readonly receipt: HolderReceipt }

/** The part of the log that an issuer writes. */
export type IssuerLog = {
  /** Logs a public fact before it is acted on. */
  announce(type: PublicType, body: JsonObject): Promise<void>
  /** Logs copies before they are issued, an entry each; returns the claims `log_receipt` in the same order. */
  copies(subjectId: Uint8Array, thumbprints: readonly string[]): Promise<readonly JsonObject[]>
}

export type DeploymentLog = IssuerLog & {
  readonly policy: LogPolicy
  readonly vrfPublicKey: Uint8Array
  readonly source: TileSource
  /** The directory at the last epoch. */
  readonly directory: Directory
  /** The witnesses as the log asks them. */
  readonly witnesses: readonly WitnessClient[]
  /** For rooms that make their own entries, such as conversions. */
  readonly entries: RegistryLog
  /** For the registry. */
  readonly events: EventPort
  /** For the health authority. */
  readonly health: NonNullable<AuthorityDeps['log']>
  /** Logs a public fact once: the same content again, with no other of its type after it, is not logged again. */
  announce(type: PublicType, body: JsonObject): Promise<void>
  /** Publishes the directory's roots if bindings were added since the last epoch. */
  epoch(): Promise<Epoch | undefined>
  /** The proofs for a binding by the registry's labels; `undefined` before the first epoch that has it. About 15 ms. */
  holderProof(labels: EventLabels): Promise<HolderProof | undefined>
  close(): Promise<void>
}

/**
 * Opens the log of a deployment, reading it to its end.
 *
 * @throws {CtidError} `ERR_LOG_LOCKED`, `ERR_LOG_CORRUPT`
 */
export async function openDeploymentLog(
  options: LogOptions,
  keys: LogKeys,
  { clock, random }: Times,
): Promise<DeploymentLog> {
  const { log, policy, witnesses } =
    'url' in options ? await openElsewhere(options) : await openOwn(options, keys, clock)
  const newest = new Map<string, string>()
  const epochs = await openEpochs(log, (entry) => {
    if (entry.form === 'public') newest.set(subjectOf(entry.type, entry.body), canonicalJson(entry.body))
  })
  const vrf = vrfKey(keys.vrf.reveal())
  const entries = registryLog({ ...log, append: epochs.append })
  const appendCopies = mixedAppend(entries, { seconds: options.mixSeconds ?? 0, random })

  const personal = (type: 'status-derivation' | 'appeal', commitment: string) =>
    encodeEntry({
      form: 'personal',
      type,
      time: hourOf(clock()),
      tag: NO_TAG,
      commitment: fromBase64url(commitment),
    })
  const announce: DeploymentLog['announce'] = async (type, body) => {
    const text = canonicalJson(body)
    if (newest.get(subjectOf(type, body)) === text) return
    await entries.append([encodeEntry({ form: 'public', type, time: clock(), body })])
    newest.set(subjectOf(type, body), text)
  }

  return {
    policy,
    vrfPublicKey: vrf.publicKey,
    source: log.source,
    directory: epochs.directory,
    witnesses,
    entries,
    events: eventLog(entries, async (labels) => {
      // Two evaluations are some 10 ms of arithmetic: let others have their turn between bindings of a bulk enrolment.
      await setImmediate()
      const { record, token } = vrfInputs(labels)
      return { record: makeLabel(vrf, record).label, token: makeLabel(vrf, token).label }
    }),
    health: {
      published: (type, hash) =>
        announce(type, type === 'rule-set' ? { hash } : { source: 'register', hash }),
      counted: (source, count) => announce('evidence-count', { source, count }),
      personal: async (type, _subject, commitment) => {
        await entries.append([personal(type, commitment)])
      },
    },
    announce,
    copies: (_subjectId, thumbprints) => logCopies(appendCopies, thumbprints, { clock, random }),
    epoch: () => epochs.publish(),
    async holderProof(labels) {
      const { claim, record, token, next } = vrfInputs(labels)
      const mine = makeLabel(vrf, record)
      const index = epochs.indexOf(mine.label)
      const epoch = epochs.last()
      if (index === undefined || epoch === undefined || index > epoch.index) return undefined
      const size = log.published().size
      const found = await readEntries(log.source, { start: index, end: index + 1 }, size).next()
      if (found.done) throw new CtidError('ERR_LOG_TILE')
      const [entryReceipt, epochReceipt] = await Promise.all([
        entries.receipt(index),
        entries.receipt(epoch.index),
      ])
      const receipt = makeHolderReceipt(epochs.directory, {
        entry: found.value.entry,
        entryReceipt: formatReceipt(entryReceipt),
        epoch: epoch.entry,
        epochReceipt: formatReceipt(epochReceipt),
        recordVrf: mine.proof,
        tokenVrf: makeLabel(vrf, token).proof,
        next: makeLabel(vrf, next),
      })
      return { claim, receipt }
    },
    close: () => log.close(),
  }
}

/** The log as an issuer in a process of its own writes it: no VRF key, no directory, nothing to be read first. */
export async function openIssuerLog(options: LogElsewhere, times: Times): Promise<IssuerLog> {
  const { log } = await openElsewhere(options)
  const entries = registryLog(log)
  const appendCopies = mixedAppend(entries, { seconds: options.mixSeconds ?? 0, random: times.random })
  return {
    async announce(type, body) {
      await entries.append([encodeEntry({ form: 'public', type, time: times.clock(), body })])
    },
    copies: (_subjectId, thumbprints) => logCopies(appendCopies, thumbprints, times),
  }
}

type Times = { readonly clock: Clock; readonly random: RandomBytes }

async function logCopies(
  append: RegistryLog['append'],
  thumbprints: readonly string[],
  { clock, random }: Times,
): Promise<readonly JsonObject[]> {
  const made = makeCopyEntries(thumbprints, { time: hourOf(clock()), random })
  const receipts = await append(made.map(({ entry }) => entry))
  return made.map((copy, i) => copyReceipt(copy, receipts[i]))
}

type Opened = {
  readonly log: AppendableLog & { close(): Promise<void> }
  readonly policy: LogPolicy
  readonly witnesses: readonly WitnessClient[]
}

async function openOwn(options: OwnLog, keys: LogKeys, clock: Clock): Promise<Opened> {
  const { origin } = keys
  const signer = noteSigner(origin, LOG_SIGNATURE, keys.log.reveal())
  const local = await openWitnesses(options, keys, { origin, keys: [signer.key] }, clock)
  const witnesses = [...local, ...(options.witnesses ?? [])]
  const threshold = options.threshold ?? majority(witnesses)
  const log = await openFileLog({
    directory: options.directory,
    origin,
    signers: [signer],
    clock,
    ...(witnesses.length === 0 ? {} : { cosign: cosignWith({ witnesses, threshold }) }),
  })
  const policy = { origin, logKey: signer.key, witnesses: witnesses.map(({ key }) => key), threshold }
  return { log, policy, witnesses }
}

async function openElsewhere({ url, key, token, ...rest }: LogElsewhere): Promise<Opened> {
  const { witnessKeys = [], threshold = majority(witnessKeys) } = rest
  const policy = { origin: key.name, logKey: key, witnesses: witnessKeys, threshold }
  const log = await openHttpLog({ url, token, policy })
  return { log: { ...log, close: async () => {} }, policy, witnesses: [] }
}

function majority(witnesses: readonly unknown[]): number {
  return witnesses.length === 0 ? 0 : Math.floor(witnesses.length / 2) + 1
}

// What a public entry speaks of: of each source, and of each verifier, the newest entry is the one in force.
const subjectOf = (type: PublicType, { source, name }: JsonObject): string =>
  canonicalJson([type, source ?? name ?? null])

/**
 * The VRF inputs of a binding. R is the registry's record label under its present record key, at the version of the
 * token key: each rotation of that key replaces every token. T is the token label, with the version of the record key.
 */
function vrfInputs({ epoch, record, token }: EventLabels) {
  const number = keyEpoch(epoch)
  const version = Math.floor(number / 65_536) % 65_536
  const claim: HolderClaim = {
    record,
    token: concatBytes(token, uintBytes(number % 65_536, 4)),
    version,
  }
  return {
    claim,
    record: recordInput(claim.record, version),
    token: tokenInput(claim.token),
    next: recordInput(claim.record, version + 1),
  }
}

async function openWitnesses(
  { directory, localWitnesses = 0 }: OwnLog,
  keys: LogKeys,
  log: Parameters<typeof createWitness>[0]['logs'][number],
  clock: Clock,
): Promise<WitnessClient[]> {
  return Promise.all(
    keys.witnesses.slice(0, localWitnesses).map(async (seed, i) => {
      const name = `witness-${i + 1}.${log.origin}`
      const store = await fileWitnessStore(`${directory}-witness-${i + 1}`)
      return createWitness({
        signer: noteSigner(name, COSIGNATURE, seed.reveal()),
        logs: [log],
        store,
        clock,
      })
    }),
  )
}

/** SHA-256 of a text as base64url: what public entries carry of documents published elsewhere. */
export function documentHash(text: string): string {
  return toBase64url(sha256(utf8(text)))
}

const hourOf = (seconds: number): number => seconds - (seconds % HOUR)
