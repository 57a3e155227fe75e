// FOR DEVELOPMENT: all parties of a small state with all their secrets in one hand, for demo, tests and the command line.
// A deployment has no such object: every party makes its own keys and publishes its line of the directory.
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import {
  type Group,
  generateSigner,
  type P256PrivateJwk,
  type Scalar,
  type Signer,
  signerFromJwk,
} from '../crypto/index.ts'
import { ANCHOR, type Directory } from './directory.ts'
import { publishReceiverKey } from './possession.ts'
import { holdCeremony, makeDirectory, trusteeShares } from './setup.ts'
import type { TrusteeKeys } from './trustee-keys.ts'

/** Departments of the development set-up; `market` registers legal persons. */
export const DEVELOPMENT_SECTORS = ['health', 'transport', 'civil', 'market'] as const
/** The purpose sector of the development set-up. */
export const DEVELOPMENT_PURPOSE = 'purpose.1'
/** The caller's name under which the development gateway addresses trustees. */
export const DEVELOPMENT_GATEWAY = 'gateway'
const AUDIT = 'audit'
const EPOCH_SECONDS = 2_592_000

export type DevelopmentSigner = Signer & { readonly privateJwk: P256PrivateJwk }

/** What is not a trustee's. */
export type PartySecrets = {
  /** y by sector. */
  readonly receiverKeys: ReadonlyMap<string, Scalar>
  /** By sector, the anchor's is the registrar's; and `log` and `authority`. */
  readonly signers: ReadonlyMap<string, DevelopmentSigner>
  /** The audit log's index key. */
  readonly indexKey: Uint8Array
  /** The gateway's secret for each trustee. */
  readonly gatewaySecrets: ReadonlyMap<number, Uint8Array>
}

export type Parties = PartySecrets & {
  readonly directory: Directory
  readonly trustees: readonly TrusteeKeys[]
}

/** Makes everything: the ceremony for four departments, the audit log and one purpose, and all keys. Some 0.5 s. */
export async function setUpParties(
  group: Group,
  options: { readonly threshold: number; readonly count: number; readonly random: RandomBytes },
): Promise<Parties> {
  const { threshold, count, random } = options
  const receivers = [AUDIT, DEVELOPMENT_PURPOSE, ...DEVELOPMENT_SECTORS]
  const pairs = [
    ...[AUDIT, ...DEVELOPMENT_SECTORS].map((to) => [ANCHOR, to] as const),
    ...DEVELOPMENT_SECTORS.flatMap((from) => [
      [from, AUDIT] as const,
      [from, DEVELOPMENT_PURPOSE] as const,
      ...DEVELOPMENT_SECTORS.filter((to) => to !== from).map((to) => [from, to] as const),
    ]),
  ]
  const ceremony = holdCeremony(group, { threshold, count, sectors: receivers, pairs, random })
  const receiverKeys = new Map(receivers.map((id) => [id, group.randomScalar(random)]))
  const signers = new Map<string, DevelopmentSigner>()
  for (const name of [ANCHOR, ...receivers, 'log', 'authority']) signers.set(name, await generateSigner())
  const publicJwk = (name: string) => signerOf({ signers }, name).publicJwk
  const directory = makeDirectory(group, ceremony, {
    audit: AUDIT,
    log: publicJwk('log'),
    epochSeconds: EPOCH_SECONDS,
    authorities: [publicJwk('authority')],
    parties: new Map(
      [ANCHOR, ...receivers].map((id) => {
        const secret = receiverKeys.get(id)
        return [
          id,
          { signer: publicJwk(id), ...(secret && publishReceiverKey(group, id, secret, { random })) },
        ]
      }),
    ),
  })
  const gatewaySecrets = new Map(Array.from({ length: count }, (_, i) => [i + 1, random(32)]))
  const trustees = [...gatewaySecrets].map(
    ([id, secret]): TrusteeKeys => ({
      id,
      shares: trusteeShares(ceremony, id),
      callers: new Map([[DEVELOPMENT_GATEWAY, secret]]),
    }),
  )
  return { directory, trustees, receiverKeys, signers, indexKey: random(32), gatewaySecrets }
}

/** A party's signer; throws `ERR_PSEUDONYM_KEYS` for an unknown name. */
export function signerOf(secrets: Pick<PartySecrets, 'signers'>, name: string): DevelopmentSigner {
  const signer = secrets.signers.get(name)
  if (!signer) throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'no such party' })
  return signer
}

/** A sector's receiving key; throws `ERR_PSEUDONYM_KEYS` for an unknown sector. */
export function secretKeyOf(secrets: Pick<PartySecrets, 'receiverKeys'>, sector: string): Scalar {
  const key = secrets.receiverKeys.get(sector)
  if (!key) throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'no such sector' })
  return key
}

/** The secrets as JSON, for a file of mode 0600. */
export function formatParties({ receiverKeys, signers, indexKey, gatewaySecrets }: PartySecrets): JsonObject {
  const texts = (map: ReadonlyMap<string | number, Uint8Array>): JsonObject =>
    Object.fromEntries([...map].map(([name, bytes]) => [String(name), toBase64url(bytes)]))
  return {
    version: 1,
    receiverKeys: texts(receiverKeys),
    signers: Object.fromEntries([...signers].map(([name, { privateJwk }]) => [name, privateJwk])),
    indexKey: toBase64url(indexKey),
    gatewaySecrets: texts(gatewaySecrets),
  }
}

/** Reads what {@link formatParties} wrote; throws `ERR_PSEUDONYM_KEYS`. */
export async function parseParties(group: Group, value: JsonObject): Promise<PartySecrets> {
  try {
    const signers = new Map<string, DevelopmentSigner>()
    for (const [name, jwk] of entries(value['signers'])) {
      const privateJwk = jwk as unknown as P256PrivateJwk
      signers.set(name, { ...(await signerFromJwk(privateJwk)), privateJwk })
    }
    const bytes = (text: Json | undefined): Uint8Array => fromBase64url(text as string)
    return {
      receiverKeys: new Map(
        entries(value['receiverKeys']).map(([id, text]) => [id, group.parseScalar(bytes(text))]),
      ),
      signers,
      indexKey: bytes(value['indexKey']),
      gatewaySecrets: new Map(
        entries(value['gatewaySecrets']).map(([id, text]) => [Number(id), bytes(text)]),
      ),
    }
  } catch {
    throw new CtidError('ERR_PSEUDONYM_KEYS')
  }
}

function entries(value: Json | undefined): [string, Json][] {
  if (!isJsonObject(value)) throw new CtidError('ERR_PSEUDONYM_KEYS')
  return Object.entries(value)
}
