// Conversions between departments: against the raw multiplications that they need, and against libpep (Dutch PEP) on
// the same work in the same run. libpep has no proofs, no threshold and no audit; rows say what each side does.
import { readFileSync } from 'node:fs'
import {
  ElGamal,
  GroupElement,
  initSync,
  rerandomize,
  reshuffle,
  rrsk,
  ScalarNonZero,
} from '../../node_modules/@nolai/libpep-wasm/pkg-web/libpep.js'
import { systemClock, systemRandom, utf8 } from '../../src/base/index.ts'
import { type Group, loadSodiumGroup, type Point } from '../../src/crypto/index.ts'
import {
  ANCHOR,
  type Ciphertext,
  type ConversionBatch,
  combineParts,
  convertBatch,
  convertRows,
  convertTable,
  createTrustee,
  decryptPoint,
  encryptPoint,
  enrolInAudit,
  type FactorShare,
  type GatewayOptions,
  makeRequest,
  memoryJournal,
  openConversionLog,
  type Parties,
  publicFactorShare,
  receiverKey,
  secretKeyOf,
  setUpParties,
  signerOf,
  signGrant,
  verifyPart,
} from '../../src/pseudonym/index.ts'
import { type Bench, type BenchContext, type BenchRow, compare } from './harness.ts'

const BATCH = 64
const WHOLE = 192
const THRESHOLD = 2
const TARGET = 1.3
const FROM = 'health'
const TO = 'transport'
const PAIR = `${FROM}>${TO}`
const context = utf8('bench')

/** Multiplications by any point, and by the generator. */
type Needed = { readonly variable: number; readonly base: number }

export const bench: Bench = { name: 'conversions between departments', run }

async function run(bench: BenchContext): Promise<BenchRow[]> {
  const group = await loadSodiumGroup()
  const parties = await setUpParties(group, { threshold: THRESHOLD, count: 3, random: systemRandom })
  const rows = [...(await oneTrustee(group, parties)), await wholeBatch(group, parties)]
  bench.log('against the raw multiplications: done')
  rows.push(...(await againstLibpep(group, parties)))
  const full = bench.full || process.env['CTID_BENCH_FULL'] !== undefined
  await longTable(group, parties, { rows: full ? 100_000 : 512, bench })
  return rows
}

async function oneTrustee(group: Group, parties: Parties): Promise<BenchRow[]> {
  const inputs = encryptedRows(group, parties, BATCH)
  const statement = statementOf(parties, 1, inputs)
  const share = shareOf(parties, 1)
  const part = convertRows(group, share, { ...statement, random: systemRandom })
  const common = {
    unit: 'row',
    kind: 'limit',
    target: TARGET,
    oursPerCall: BATCH,
    theirsPerCall: BATCH,
  } as const
  return [
    await compare(
      () => convertRows(group, share, { ...statement, random: systemRandom }),
      rawWork(group, { variable: 6 * BATCH, base: BATCH }),
      { ...common, name: 'one trustee, one half, proved', reference: '6 multiplications + 1 of G a row' },
    ),
    await compare(
      () => mustHold(verifyPart(group, part, statement)),
      rawWork(group, { variable: 4 * BATCH, base: 0 }),
      { ...common, name: 'checking one part', reference: '4 multiplications a row' },
    ),
  ]
}

/** Everything that every party does for a batch, one after the other on one core. */
async function wholeBatch(group: Group, parties: Parties): Promise<BenchRow> {
  const state = await livingState(group, parties)
  const points = await enrolledPoints(group, state, WHOLE)
  // Asker 2, trustees' checks 2t, two halves of 6t, checks of both halves 4t + 4t, combinations 2t + 2t, readings 1 + 1.
  const needed = { variable: WHOLE * (2 + 26 * THRESHOLD + 2), base: WHOLE * (1 + 2 * THRESHOLD) }
  return compare(
    async () => convertBatch(group, await state.request(FROM, TO, points), state.gateway()),
    rawWork(group, needed),
    {
      name: 'all parties, both halves, entries and receipt',
      unit: 'conversion',
      reference: `${needed.variable / WHOLE} multiplications + ${needed.base / WHOLE} of G`,
      kind: 'limit',
      target: TARGET,
      oursPerCall: WHOLE,
      theirsPerCall: WHOLE,
      rounds: 3,
      seconds: 0.5,
    },
  )
}

async function againstLibpep(group: Group, parties: Parties): Promise<BenchRow[]> {
  const wasm = new URL('../../node_modules/@nolai/libpep-wasm/pkg-web/libpep_bg.wasm', import.meta.url)
  initSync({ module: readFileSync(wasm) })
  const inputs = encryptedRows(group, parties, BATCH)
  const key = receiverKey(parties.directory, TO)
  const factor = group.randomScalar(systemRandom)
  const theirInputs = inputs.map(({ c1, c2 }) => known(ElGamal.fromBytes(joined(c1, c2))))
  const theirKey = known(GroupElement.fromBytes(key))
  const theirFactor = known(ScalarNonZero.fromBytes(factor))
  const statements = [1, 2].map((id) => statementOf(parties, id, inputs))
  const common = { unit: 'row', kind: 'peer', oursPerCall: BATCH, theirsPerCall: BATCH } as const
  return [
    await compare(
      () =>
        inputs.map(({ c1, c2 }) => {
          const s = group.randomScalar(systemRandom)
          return {
            c1: group.add(group.multiply(factor, c1), group.multiplyBase(s)),
            c2: group.add(group.multiply(factor, c2), group.multiply(s, key)),
          }
        }),
      () =>
        theirInputs.map((input) =>
          rerandomize(reshuffle(input, theirFactor), theirKey, ScalarNonZero.random()),
        ),
      {
        ...common,
        name: 'same work: convert and re-randomise, no proof',
        reference: 'libpep reshuffle + rerandomize',
        target: 0.9,
      },
    ),
    await compare(
      () =>
        combineParts(
          group,
          statements.map((statement, i) => {
            const part = convertRows(group, shareOf(parties, i + 1), { ...statement, random: systemRandom })
            mustHold(verifyPart(group, part, statement))
            return part
          }),
        ),
      () =>
        theirInputs.map((input) => {
          const r = ScalarNonZero.random()
          const once = rrsk(input, theirKey, r, theirFactor, theirFactor)
          return rrsk(once, theirKey, r, theirFactor, theirFactor)
        }),
      {
        ...common,
        name: 'two parties: ours proved, checked, any 2 of 3',
        reference: 'libpep rrsk twice: no proof, 2 of 2',
      },
    ),
  ]
}

async function longTable(
  group: Group,
  parties: Parties,
  { rows, bench }: { readonly rows: number; readonly bench: BenchContext },
): Promise<void> {
  const state = await livingState(group, parties)
  const chunk = 1000
  const points = await enrolledPoints(group, state, Math.min(rows, chunk))
  async function* batches(): AsyncGenerator<ConversionBatch> {
    for (let done = 0; done < rows; done += chunk) {
      yield state.request(FROM, TO, points.slice(0, Math.min(chunk, rows - done)))
    }
  }
  const start = performance.now()
  let shown = 0
  const { deliveries } = await convertTable(group, batches(), {
    ...state.gateway(),
    clock: systemClock,
    onProgress: (done) => {
      if (done - shown < rows / 10 && done < rows) return
      shown = done
      bench.log(
        `table: ${done} of ${rows} rows, ${Math.round((1000 * done) / (performance.now() - start))} a second`,
      )
    },
  })
  mustHold(deliveries.length === rows)
}

type Living = {
  readonly group: Group
  readonly parties: Parties
  gateway(): GatewayOptions
  request(
    from: string,
    to: string,
    points: readonly Point[],
    payloads?: Uint8Array[],
  ): Promise<ConversionBatch>
}

async function livingState(group: Group, parties: Parties): Promise<Living> {
  const { directory } = parties
  const shared = { clock: systemClock, random: systemRandom }
  const trustees = parties.trustees.map((keys) =>
    createTrustee(group, { ...keys, directory, journal: memoryJournal(), ...shared }),
  )
  const log = openConversionLog(group, {
    directory,
    secretKey: secretKeyOf(parties, directory.audit),
    indexKey: parties.indexKey,
    signer: signerOf(parties, 'log'),
    journal: memoryJournal(),
    ...shared,
  })
  const grants = new Map<string, string>()
  const grantFor = async (from: string, to: string): Promise<string> => {
    const now = systemClock()
    const known = grants.get(to)
    if (known !== undefined) return known
    const purpose = { code: 'bench', text: { en: 'Measurement' } }
    const dates = { notBefore: now - 60, notAfter: now + 86_400 }
    const grant = {
      requester: 'bench',
      purpose,
      from,
      to,
      fields: [],
      count: 10_000_000,
      serial: to,
      ...dates,
    }
    const signed = await signGrant(grant, signerOf(parties, 'authority'))
    grants.set(to, signed)
    return signed
  }
  return {
    group,
    parties,
    gateway: () => ({ directory, trustees, log, nowSeconds: systemClock(), random: systemRandom }),
    request: async (from, to, points, payloads) =>
      makeRequest(group, points, {
        directory,
        grant: await grantFor(from, to),
        signer: signerOf(parties, from),
        nowSeconds: systemClock(),
        random: systemRandom,
        ...(payloads && { payloads }),
      }),
  }
}

/** Points of `FROM` for people whom the audit log knows. */
async function enrolledPoints(group: Group, state: Living, count: number): Promise<Point[]> {
  const anchors = Array.from({ length: count }, (_, i) =>
    group.hashToGroup(utf8(`bench ${i}`), utf8('bench')),
  )
  const wallet = group.multiplyBase(group.randomScalar(systemRandom))
  const audit = state.parties.directory.audit
  const payloads = anchors.map(() => wallet)
  await enrolInAudit(await state.request(ANCHOR, audit, anchors, payloads), state.gateway())
  const batch = await state.request(ANCHOR, FROM, anchors)
  const { deliveries } = await convertBatch(group, batch, state.gateway())
  const secretKey = secretKeyOf(state.parties, FROM)
  return deliveries.map(({ ciphertext }) => decryptPoint(group, secretKey, ciphertext))
}

function encryptedRows(group: Group, { directory }: Parties, count: number): Ciphertext[] {
  const key = group.add(receiverKey(directory, TO), directory.envelope)
  return Array.from({ length: count }, (_, i) => {
    const point = group.hashToGroup(utf8(String(i)), utf8('bench'))
    return encryptPoint(group, key, point, group.randomScalar(systemRandom))
  })
}

function statementOf({ directory }: Parties, id: number, inputs: readonly Ciphertext[]) {
  const publicShare = publicFactorShare(directory, PAIR, id)
  return { publicShare, inputs, recipient: receiverKey(directory, TO), context }
}

function shareOf({ trustees }: Parties, id: number): FactorShare {
  return known(trustees.find((trustee) => trustee.id === id)?.shares.get(PAIR))
}

/** Nothing but the multiplications, with the same backend. */
function rawWork(group: Group, { variable, base }: Needed): () => void {
  const scalar = group.randomScalar(systemRandom)
  const point = group.multiplyBase(scalar)
  return () => {
    for (let i = 0; i < variable; i++) group.multiply(scalar, point)
    for (let i = 0; i < base; i++) group.multiplyBase(scalar)
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(64)
  out.set(a)
  out.set(b, 32)
  return out
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('bench: a value is missing')
  return value
}

function mustHold(held: boolean): void {
  if (!held) throw new Error('bench: a check failed')
}
