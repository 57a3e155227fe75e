// `ctid fusion`: a join of two departments from end to end on synthetic people, through trustees in this process or behind URLs.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  CtidError,
  fromUtf8,
  isoTime,
  type JsonObject,
  parseJsonObject,
  systemClock,
  systemRandom,
  utf8,
} from '../../base/index.ts'
import { type Group, loadSodiumGroup, type Point } from '../../crypto/index.ts'
import {
  ANCHOR,
  convertBatch,
  createTrustee,
  DEVELOPMENT_GATEWAY,
  DEVELOPMENT_PURPOSE,
  type Delivery,
  type Directory,
  enrolInAudit,
  type GatewayOptions,
  httpTrustee,
  type Journal,
  makeRequest,
  memoryJournal,
  type OpenedGrant,
  openConversionLog,
  openFusion,
  openGrant,
  openRecordSecret,
  type PartySecrets,
  parseDirectory,
  parseParties,
  parseTrusteeKeys,
  privacyBudget,
  type Query,
  type RecordEntry,
  readOwnRecord,
  receive,
  secretKeyOf,
  signerOf,
  signGrant,
  type Trustee,
} from '../../pseudonym/index.ts'
import { openJournalFile } from '../../pseudonym/node.ts'
import { type Command, EXIT, type Io, table } from '../command.ts'

export const command: Command = {
  name: 'fusion',
  summary:
    'join two departments on synthetic people: grants, trustees, receipts, an aggregate, a citizen’s record',
  usage: `ctid fusion --keys FOLDER [--trustee URL …] [--people 60] [--minimum-cell 5] [--epsilon NUMBER]
            [--budget FILE] [--json]

  --keys FOLDER         what "ctid trustee set-up" wrote
  --trustee URL         trustees 1, 2, … as processes, in order; without: all in this process
  --people NUMBER       synthetic people, 2 to 2000
  --minimum-cell NUMBER cells with fewer people are withheld, and such as would give them away; at least 2
  --epsilon NUMBER      adds differential-privacy noise, in thousandths resolution, such as 0.5
  --budget FILE         journal of what the noise has cost so far, 3 in all, and of fields told without noise, once each`,
  run,
}

const BUDGET_MILLI = 3000
const MODES = ['bus', 'bicycle', 'car'] as const

type Run = {
  readonly group: Group
  readonly directory: Directory
  readonly secrets: PartySecrets
  readonly gateway: Omit<GatewayOptions, 'nowSeconds'>
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keys: { type: 'string' },
      trustee: { type: 'string', multiple: true, default: [] },
      people: { type: 'string', default: '60' },
      'minimum-cell': { type: 'string', default: '5' },
      epsilon: { type: 'string' },
      budget: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const people = Number(values.people)
  const minimumCell = Number(values['minimum-cell'])
  const epsilonMilli = values.epsilon === undefined ? undefined : Math.round(Number(values.epsilon) * 1000)
  const sound =
    values.keys !== undefined &&
    Number.isInteger(people) &&
    people >= 2 &&
    people <= 2000 &&
    Number.isInteger(minimumCell) &&
    (epsilonMilli === undefined || epsilonMilli >= 2)
  if (!sound || values.keys === undefined) throw new CtidError('ERR_CLI_USAGE')
  const context = await open(await loadSodiumGroup(), values.keys, values.trustee)
  const asked: Asked = { people, minimumCell, epsilonMilli, json: values.json }
  if (values.budget === undefined) return fuse({ ...context, ...asked, journal: memoryJournal() }, io)
  const journal = openJournalFile(values.budget)
  try {
    return await fuse({ ...context, ...asked, journal }, io)
  } finally {
    journal.close()
  }
}

type Asked = {
  readonly people: number
  readonly minimumCell: number
  readonly epsilonMilli: number | undefined
  readonly json: boolean
}

async function fuse(context: Run & Asked & { readonly journal: Journal }, io: Io): Promise<number> {
  const { group, people, minimumCell, epsilonMilli, journal } = context
  const anchors = Array.from({ length: people }, (_, i) =>
    group.hashToGroup(utf8(`synthetic person ${i}`), utf8('ctid fusion')),
  )
  const record = await enrolPeople(context, anchors)
  io.err(`${people} synthetic people enrolled in the audit log`)
  const health = await departmentOf(context, 'health', anchors)
  const transport = await departmentOf(context, 'transport', anchors)
  io.err('each department knows them under points of its own')
  const fusion = openFusion(group, {
    sector: DEVELOPMENT_PURPOSE,
    secretKey: secretKeyOf(context.secrets, DEVELOPMENT_PURPOSE),
    grants: [health.grant, transport.grant],
    minimumCell,
    budget: { ledger: privacyBudget(journal, { limitMilli: BUDGET_MILLI }), account: 'asthma and commuting' },
    clock: systemClock,
    random: systemRandom,
  })
  await fusion.add('health', await health.deliver((i) => ({ asthma: i % 4 === 0 ? 'yes' : 'no' })))
  await fusion.add('transport', await transport.deliver((i) => ({ mode: MODES[i % MODES.length] ?? 'bus' })))
  const query: Query = {
    groupBy: [
      { sector: 'health', field: 'asthma', values: ['yes', 'no'] },
      { sector: 'transport', field: 'mode', values: [...MODES] },
    ],
    measure: { type: 'count' },
    ...(epsilonMilli !== undefined && { epsilonMilli }),
  }
  const cells = fusion.aggregate(query)
  fusion.discard()
  print({ cells, record: await record(), json: context.json }, io)
  return EXIT.ok
}

function print(
  {
    cells,
    record,
    json,
  }: {
    readonly cells: ReturnType<ReturnType<typeof openFusion>['aggregate']>
    readonly record: readonly RecordEntry[]
    readonly json: boolean
  },
  io: Io,
): void {
  const entries = record.map(({ at, from, to, requester, text }) => ({ at, from, to, requester, text }))
  if (json) {
    io.out(JSON.stringify({ ok: true, cells, record: entries }))
    return
  }
  const rows = cells.map(({ key, count }) => [...key, count === null ? 'withheld' : String(count)])
  for (const line of table([['asthma', 'way to work', 'people'], ...rows])) io.out(line)
  io.out('')
  io.out('The first citizen reads:')
  const lines = entries.map(({ at, from, to, text }) => [isoTime(at), `${from} → ${to}`, text['en'] ?? ''])
  for (const line of table(lines)) io.out(line)
}

async function open(group: Group, folder: string, urls: readonly string[]): Promise<Run> {
  const directory = parseDirectory(group, await load(join(folder, 'directory.json')))
  const secrets = await parseParties(group, await load(join(folder, 'parties.json')))
  const shared = { clock: systemClock, random: systemRandom }
  const log = openConversionLog(group, {
    directory,
    secretKey: secretKeyOf(secrets, directory.audit),
    indexKey: secrets.indexKey,
    signer: signerOf(secrets, 'log'),
    journal: memoryJournal(),
    ...shared,
  })
  const trustees: Trustee[] = []
  for (const [id, secret] of secrets.gatewaySecrets) {
    if (urls.length === 0) {
      const keys = parseTrusteeKeys(group, await load(join(folder, `trustee-${id}.json`)))
      trustees.push(createTrustee(group, { ...keys, directory, journal: memoryJournal(), ...shared }))
      continue
    }
    const url = urls[id - 1]
    if (url === undefined) continue
    const credential = { caller: DEVELOPMENT_GATEWAY, secret }
    trustees.push(httpTrustee(group, { id, url, credential, now: systemClock, random: systemRandom }))
  }
  return { group, directory, secrets, gateway: { directory, trustees, log, random: systemRandom } }
}

/** Enrols everybody in the audit log; returns how the first citizen's wallet reads its record. */
async function enrolPeople(context: Run, anchors: readonly Point[]): Promise<() => Promise<RecordEntry[]>> {
  const { group, directory, gateway } = context
  const wallets = anchors.map(() => group.randomScalar(systemRandom))
  const payloads = wallets.map((wallet) => group.multiplyBase(wallet))
  const { batch } = await request(context, { from: ANCHOR, to: directory.audit, points: anchors, payloads })
  const { walletBoxes } = await enrolInAudit(batch, { ...gateway, nowSeconds: systemClock() })
  const [wallet] = wallets
  const [box] = walletBoxes
  if (!wallet || !box) throw new CtidError('ERR_PSEUDONYM_ROWS')
  const secret = await openRecordSecret(group, wallet, box)
  return () => {
    const epoch = Math.floor(systemClock() / directory.epochSeconds)
    return readOwnRecord(secret, gateway.log, { fromEpoch: epoch - 1, toEpoch: epoch })
  }
}

/** Enrols everybody in a department, whose table then sends rows to the purpose. */
async function departmentOf(
  context: Run,
  sector: string,
  anchors: readonly Point[],
): Promise<{ grant: OpenedGrant; deliver(rowOf: (i: number) => JsonObject): Promise<readonly Delivery[]> }> {
  const { group, directory, secrets, gateway } = context
  const convert = async (asked: Conversion): Promise<readonly Delivery[]> => {
    const { batch } = await request(context, asked)
    return (await convertBatch(group, batch, { ...gateway, nowSeconds: systemClock() })).deliveries
  }
  const payloads = anchors.map((_, i) => utf8(String(i)))
  const enrolled = await receive(
    group,
    secretKeyOf(secrets, sector),
    await convert({ from: ANCHOR, to: sector, points: anchors, payloads }),
    { to: sector },
  )
  const fields = sector === 'health' ? ['asthma'] : ['mode']
  const asked = { from: sector, to: DEVELOPMENT_PURPOSE, fields }
  const grant = await grantFor(context, asked)
  return {
    grant: await openGrant(grant, directory.authorities),
    deliver: (rowOf) =>
      convert({
        ...asked,
        grant,
        points: enrolled.map(({ point }) => point),
        payloads: enrolled.map(({ payload }) => utf8(JSON.stringify(rowOf(Number(fromUtf8(payload)))))),
      }),
  }
}

type Conversion = {
  readonly from: string
  readonly to: string
  readonly points: readonly Point[]
  readonly payloads: readonly Uint8Array[]
  readonly fields?: readonly string[]
  readonly grant?: string
}

async function request(context: Run, asked: Conversion) {
  const { group, directory, secrets } = context
  const grant = asked.grant ?? (await grantFor(context, asked))
  const batch = await makeRequest(group, asked.points, {
    directory,
    grant,
    payloads: asked.payloads,
    fields: asked.fields ?? [],
    signer: signerOf(secrets, asked.from),
    nowSeconds: systemClock(),
    random: systemRandom,
  })
  return { batch }
}

function grantFor(
  { secrets }: Run,
  {
    from,
    to,
    fields = [],
  }: { readonly from: string; readonly to: string; readonly fields?: readonly string[] },
): Promise<string> {
  const now = systemClock()
  const study = fields.length > 0
  return signGrant(
    {
      requester: study ? 'Institute of Public Health' : 'Registrar',
      purpose: study
        ? { code: 'study', text: { en: 'Asthma and the way to work', zh: '哮喘与通勤方式' } }
        : { code: 'enrolment', text: { en: `Enrolment: ${to}`, zh: `登记：${to}` } },
      from,
      to,
      fields,
      count: 2000,
      notBefore: now - 60,
      notAfter: now + 3600,
      serial: `${from}-${to}-${now}`,
    },
    signerOf(secrets, 'authority'),
  )
}

async function load(path: string): Promise<JsonObject> {
  try {
    return parseJsonObject(fromUtf8(await readFile(path)), { maxLength: 4_194_304 })
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}
