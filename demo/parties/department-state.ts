// The small state behind the departments' page: the trustees' ceremony, three trustees, the audit log with its transparency
// log, four departments with tables of their own. All in this process, each reached through its own port only.
import { type Clock, CtidError, type RandomBytes, utf8 } from '#ctid/base'
import { type Group, generateSigner, type Point, type Scalar, type Signer } from '#ctid/crypto'
import { publishConversions } from '#ctid/http'
import {
  ANCHOR,
  type Ceremony,
  type ConversionBatch,
  type ConversionLog,
  convertBatch,
  createTrustee,
  type DepartmentKeys,
  type DepartmentTable,
  type Directory,
  departmentTable,
  enrolInAudit,
  extendCeremony,
  type FactorShare,
  type GatewayOptions,
  type Grant,
  holdCeremony,
  type Journal,
  makeDirectory,
  makeRequest,
  memoryJournal,
  openConversionLog,
  pairId,
  publishReceiverKey,
  receive,
  signGrant,
  type Trustee,
  trusteeShares,
} from '#ctid/pseudonym'
import type { LogPolicy, RegistryLog } from '#ctid/transparency'
import { DEPARTMENTS, type DepartmentId } from './department-fields.ts'
import { type Row, rowOf } from './department-people.ts'

const AUDIT = 'audit'
const EPOCH_SECONDS = 2_592_000
const THRESHOLD = 2
const TRUSTEES = 3
const YEAR = 31_536_000

export type Department = { readonly keys: DepartmentKeys; readonly table: DepartmentTable<Row> }

/** What is asked for in a request. */
export type Asked = {
  readonly grant: string
  readonly from: string
  readonly points: readonly Point[]
  readonly payloads: readonly Uint8Array[]
  readonly fields?: readonly string[]
}

export type DepartmentState = {
  readonly group: Group
  readonly clock: Clock
  readonly random: RandomBytes
  readonly anchors: readonly Point[]
  readonly directory: Directory
  readonly departments: ReadonlyMap<DepartmentId, Department>
  readonly trustees: readonly Trustee[]
  readonly log: ConversionLog
  /** What the audit log keeps. */
  readonly logJournal: Journal
  /** How everybody verifies what the transparency log says. */
  readonly logPolicy: LogPolicy
  gateway(trustees?: readonly Trustee[]): GatewayOptions
  signerOf(party: string): Signer
  grant(grant: Omit<Grant, 'serial'>): Promise<string>
  request(asked: Asked): Promise<ConversionBatch>
  /** A ceremony for a pseudonym space of one purpose; returns its name and receiving key. */
  openPurpose(from: readonly string[]): Promise<{ readonly id: string; readonly secretKey: Scalar }>
  /** The trustees delete their shares of a purpose: nothing can be converted there any more. */
  closePurpose(id: string): void
  /** Puts one subject's record into a wallet: what it gets is sealed to its key. */
  openWallet(subject: number, key: Point): Promise<Uint8Array>
}

export type StateOptions = {
  /** Everybody's anchors: what the registrar knows them by. */
  readonly anchors: readonly Point[]
  /** The transparency log in which every conversion gets an entry for each person. */
  readonly transparency: { readonly entries: RegistryLog; readonly policy: LogPolicy }
  readonly clock: Clock
  readonly random: RandomBytes
}

/** Holds the ceremony and enrols everybody, first in the audit log, then in the departments. Some two seconds. */
export async function openDepartmentState(group: Group, options: StateOptions): Promise<DepartmentState> {
  const { anchors, transparency, clock, random } = options
  const receivers = [AUDIT, ...DEPARTMENTS]
  const pairs = [
    ...receivers.map((to) => [ANCHOR, to] as const),
    ...DEPARTMENTS.map((from) => [from, AUDIT] as const),
  ]
  let ceremony = holdCeremony(group, {
    threshold: THRESHOLD,
    count: TRUSTEES,
    sectors: receivers,
    pairs,
    random,
  })
  const signers = new Map<string, Signer>()
  for (const name of [ANCHOR, ...receivers, 'log', 'authority']) signers.set(name, await generateSigner())
  const signerOf = (party: string): Signer => {
    const signer = signers.get(party)
    if (!signer) throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'no such party' })
    return signer
  }
  const secretKeys = new Map(receivers.map((id) => [id, group.randomScalar(random)]))
  const published = makeDirectory(group, ceremony, {
    audit: AUDIT,
    log: signerOf('log').publicJwk,
    epochSeconds: EPOCH_SECONDS,
    authorities: [signerOf('authority').publicJwk],
    parties: new Map(
      [ANCHOR, ...receivers].map((id) => {
        const secret = secretKeys.get(id)
        return [
          id,
          {
            signer: signerOf(id).publicJwk,
            ...(secret && publishReceiverKey(group, id, secret, { random })),
          },
        ]
      }),
    ),
  })
  // One directory for all, to which a purpose adds its lines and from which it takes them away.
  const sectors = new Map(published.sectors)
  const factors = new Map(published.factors)
  const directory: Directory = { ...published, sectors, factors }
  const shares = Array.from({ length: TRUSTEES }, (_, i) => trusteeShares(ceremony, i + 1))
  const trustees = shares.map((own: ReadonlyMap<string, FactorShare>, i) =>
    createTrustee(group, { id: i + 1, directory, shares: own, journal: memoryJournal(), clock, random }),
  )
  const logJournal = memoryJournal()
  const log = openConversionLog(group, {
    directory,
    secretKey: secretKeyOf(secretKeys, AUDIT),
    indexKey: random(32),
    signer: signerOf('log'),
    journal: logJournal,
    publish: publishConversions(transparency.entries),
    clock,
    random,
  })
  const gateway = (some: readonly Trustee[] = trustees): GatewayOptions => ({
    directory,
    trustees: some,
    log,
    nowSeconds: clock(),
    random,
  })
  let serial = 0
  const grant = (content: Omit<Grant, 'serial'>): Promise<string> =>
    signGrant({ ...content, serial: `G-${++serial}` }, signerOf('authority'))
  const request = ({ from, ...rest }: Asked): Promise<ConversionBatch> =>
    makeRequest(group, rest.points, {
      ...rest,
      directory,
      signer: signerOf(from),
      nowSeconds: clock(),
      random,
    })
  const enrolment = (to: string, count: number): Promise<string> =>
    grant({
      requester: 'Registrar',
      purpose: { code: 'enrolment', text: ENROLMENT_TEXT[to] ?? { en: `Enrolment: ${to}` } },
      from: ANCHOR,
      to,
      fields: [],
      count,
      notBefore: clock() - 60,
      notAfter: clock() + YEAR,
    })
  const enrolWallets = async (
    points: readonly Point[],
    keys: readonly Point[],
  ): Promise<readonly Uint8Array[]> => {
    const granted = await enrolment(AUDIT, points.length)
    const batch = await request({ grant: granted, from: ANCHOR, points, payloads: keys })
    return (await enrolInAudit(batch, gateway())).walletBoxes
  }

  // Everybody gets a wallet's key at the registrar's desk; the page's citizen asks for the record with another wallet later.
  await enrolWallets(
    anchors,
    anchors.map(() => group.multiplyBase(group.randomScalar(random))),
  )
  const departments = new Map<DepartmentId, Department>()
  for (const id of DEPARTMENTS) departments.set(id, await settle(id))

  async function settle(id: DepartmentId): Promise<Department> {
    const known = anchors.flatMap((point, subject) => {
      const row = rowOf(id, subject)
      return row ? [{ point, subject, row }] : []
    })
    const granted = await enrolment(id, known.length)
    const batch = await request({
      grant: granted,
      from: ANCHOR,
      points: known.map(({ point }) => point),
      // The number of the visit at the department's own desk, where the row was written.
      payloads: known.map((_, visit) => utf8(String(visit))),
    })
    const { deliveries } = await convertBatch(group, batch, gateway())
    const keys = { sector: id, version: 1, index: random(32), seal: random(32) }
    const table = departmentTable<Row>(keys, { random })
    for (const { point, payload } of await receive(group, secretKeyOf(secretKeys, id), deliveries, {
      to: id,
    })) {
      const visit = known[Number(new TextDecoder().decode(payload))]
      if (visit) await table.add(point, visit.row)
    }
    return { keys, table }
  }

  let purposes = 0
  return {
    group,
    clock,
    random,
    anchors,
    directory,
    departments,
    trustees,
    log,
    logJournal,
    logPolicy: transparency.policy,
    gateway,
    signerOf,
    grant,
    request,
    openPurpose: async (from) => {
      const id = `purpose.${++purposes}`
      ceremony = extendCeremony(group, ceremony, {
        sectors: [id],
        pairs: from.map((one) => [one, id]),
        random,
      })
      const secretKey = group.randomScalar(random)
      const signer = await generateSigner()
      sectors.set(id, {
        commitment: commitmentOf(ceremony, id),
        signer: signer.publicJwk,
        ...publishReceiverKey(group, id, secretKey, { random }),
      })
      for (const pair of from.map((one) => pairId(one, id))) {
        const made = ceremony.factors.get(pair)
        if (made) factors.set(pair, { factor: made.factor.key, strip: made.strip.key })
        for (const [i, own] of shares.entries()) {
          const share = trusteeShares(ceremony, i + 1).get(pair)
          if (share) own.set(pair, share)
        }
      }
      return { id, secretKey }
    },
    closePurpose: (id) => {
      const keptFactors = new Map(ceremony.factors)
      const keptSectors = new Map(ceremony.sectors)
      for (const from of DEPARTMENTS) {
        const pair = pairId(from, id)
        factors.delete(pair)
        keptFactors.delete(pair)
        for (const own of shares) own.delete(pair)
      }
      sectors.delete(id)
      keptSectors.delete(id)
      ceremony = { ...ceremony, factors: keptFactors, sectors: keptSectors }
    },
    openWallet: async (subject, key) => {
      const anchor = anchors[subject]
      if (!anchor) throw new CtidError('ERR_HTTP_BAD_REQUEST')
      const [box] = await enrolWallets([anchor], [key])
      if (!box) throw new CtidError('ERR_PSEUDONYM_ROWS')
      return box
    },
  }
}

const ENROLMENT_TEXT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  audit: {
    en: 'The key to this record was given to a wallet',
    zh: '本记录的钥匙已交给一个钱包',
  },
  health: { en: 'First visit to the health department', zh: '首次到卫生健康部门办事' },
  transport: { en: 'First visit to the transport department', zh: '首次到交通运输部门办事' },
  civil: { en: 'First visit to the civil affairs department', zh: '首次到民政部门办事' },
  market: { en: 'Business licence applied for', zh: '申领营业执照' },
}

function secretKeyOf(keys: ReadonlyMap<string, Scalar>, id: string): Scalar {
  const key = keys.get(id)
  if (!key) throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'no such sector' })
  return key
}

function commitmentOf({ sectors }: Ceremony, id: string): Point {
  const secret = sectors.get(id)
  if (!secret) throw new CtidError('ERR_PSEUDONYM_PAIR', { detail: 'unknown sector' })
  return secret.key.groupKey
}
