// The issuer's part of a deployment: signs copies, keeps their status, publishes lists. Alone in a process it holds neither
// vault nor registry nor any secret for the evaluators.
import { type Clock, DAY, HOUR, type RandomBytes } from '../base/index.ts'
import {
  createStatusPublisher,
  type IssuerDeps,
  type IssuerPort,
  issuerMigrations,
  localIssuer,
  type StatusPublisher,
  storeLedger,
} from '../issuer/index.ts'
import { migrate, openStore, type Store } from '../store/index.ts'
import { signTrustList, type TrustList } from '../trust/index.ts'
import { type IssuerKeys, openIssuerKeys } from './issuer-keys.ts'
import { documentHash, type IssuerLog, type LogElsewhere, openIssuerLog } from './log.ts'
import { orClose } from './or-close.ts'

export type IssuerParty = {
  readonly issuer: IssuerDeps
  readonly statusPublisher: StatusPublisher
  /** The same as registrars see it. */
  readonly issuing: IssuerPort
  /** The signed trust list: this deployment's issuer, for identity, organisations and health. */
  trustList(): Promise<string>
}

export type IssuerPartyOptions = {
  /** Where the issuer's keys are, or are made. */
  readonly keysFolder: string
  /** File name or `postgres://` address of the issuer's own database. */
  readonly storeUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
  /** Where the issuer's public files are served. */
  readonly baseUrl: string
  /** When given, no copy and no trust list leaves before the log has accepted it. */
  readonly log?: LogElsewhere
}

/** The issuer as a party of its own. Keys and tables that are missing are made. */
export async function openIssuerParty(
  options: IssuerPartyOptions,
): Promise<IssuerParty & { readonly keys: IssuerKeys; close(): Promise<void> }> {
  const { clock, random, baseUrl } = options
  const keys = await openIssuerKeys(options.keysFolder, { random, now: clock(), baseUrl })
  const log = options.log && (await openIssuerLog(options.log, { clock, random }))
  const store = await openStore(options.storeUrl)
  const close = () => store.close()
  const party = await orClose(close, () => assembleIssuer({ keys, store, log, clock, random, baseUrl }))
  return { ...party, keys, close }
}

/** From open keys, an open store and an open log to an issuer. */
export async function assembleIssuer(parts: {
  readonly keys: IssuerKeys
  readonly store: Store
  readonly log: IssuerLog | undefined
  readonly clock: Clock
  readonly random: RandomBytes
  readonly baseUrl: string
}): Promise<IssuerParty> {
  const { keys, store, log, clock, random, baseUrl } = parts
  await migrate(store, [issuerMigrations])
  const statusListBase = `${baseUrl}/status/`
  const { signer, kid, x5c } = keys.pki.parties.issuer
  const key = { signer, kid, x5c }
  const issuer: IssuerDeps = {
    key,
    issuerId: baseUrl,
    statusListBase,
    ledger: storeLedger(store, { random }),
    linkKey: keys.linkKey,
    clock,
    random,
    ...(log ? { logCopies: log.copies } : {}),
  }
  const statusPublisher = createStatusPublisher({ ledger: issuer.ledger, key, statusListBase, clock })
  const signList = () => signTrustList(trustListOf(keys, baseUrl, clock()), keys.pki.parties.rules.signer)
  return {
    issuer,
    statusPublisher,
    issuing: localIssuer(issuer, statusPublisher),
    trustList: log ? loggedList(signList, log, clock) : signList,
  }
}

// With a log a list is signed once an hour, and its hash is public before anybody gets it.
function loggedList(sign: () => Promise<string>, log: IssuerLog, clock: Clock): () => Promise<string> {
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

function trustListOf({ pki }: IssuerKeys, baseUrl: string, now: number): TrustList {
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
