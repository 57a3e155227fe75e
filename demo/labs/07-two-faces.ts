// Lab 07: the operator of a log shows one history to the citizen and another to the auditor, or forgets something later.
import { utf8 } from '#ctid/base'
import {
  COSIGNATURE,
  createWitness,
  formatAddCheckpoint,
  LOG_SIGNATURE,
  memoryLog,
  memoryWitnessStore,
  type NoteSigner,
  noteSigner,
  openCheckpoint,
  parseNote,
  proveConsistency,
  signatureLines,
  type TileSource,
  type Witness,
} from '#ctid/transparency'
import { breathe, type Figure, isNumber, isWord, type Lab, type LabContext, plain, timed } from './lab.ts'
import { acceptsChain, makeChain } from './naive/hash-chain.ts'
import { below, seeded } from './seed.ts'

const ORIGIN = 'log.example/lab'
const WITNESSES = 5
const THRESHOLD = 4
const TIME = 1_795_514_400

export const lab: Lab = {
  id: '07',
  name: 'two-faces',
  title: { en: 'Two faces of the log', zh: '日志的两副面孔' },
  question: {
    en: '"It is on the chain, so it cannot be changed." Who looked at the same chain as you did?',
    zh: '“已上链，不可篡改。”有谁看到的链和你看到的是同一条？',
  },
  incident: {
    en: 'In 2011 certificates of DigiNotar were forged and its own logs had been edited; Certificate Transparency came of it.',
    zh: '2011 年 DigiNotar 的证书被伪造，其自家日志也遭篡改；证书透明由此而生。',
  },
  mechanism: {
    naive: [
      { en: 'operator', zh: '运营者' },
      { en: 'chain A → citizen', zh: '链 A → 居民' },
      { en: 'chain B → auditor', zh: '链 B → 审计者' },
    ],
    ours: [
      { en: 'operator', zh: '运营者' },
      { en: 'checkpoint', zh: '检查点' },
      {
        en: `${THRESHOLD} of ${WITNESSES} witnesses cosign growth only`,
        zh: `${WITNESSES} 个见证方中 ${THRESHOLD} 个只对增长联署`,
      },
      { en: 'citizen, auditor', zh: '居民、审计者' },
    ],
    attack: {
      en: 'fork, deletion, other order, rollback; and splitting the witnesses',
      zh: '分叉、删除、换序、回滚；以及分裂见证方',
    },
  },
  run,
  lesson: {
    en: 'A chain proves that its parts fit, not that it is the only one. That takes others who remember: a witness cosigns a checkpoint only with a proof that it continues the last one it saw, and a reader believes only what enough witnesses cosigned.',
    zh: '链只能证明各段相接，不能证明世上只有这一条。那需要别人也记得：见证方只有在证明新检查点延续上次所见时才联署，读者只相信足够多见证方联署过的。',
  },
  limits: {
    en: 'Enough colluding witnesses undo it: two faces need 2k − n of them, so k of n must be chosen above (n + c)/2 for c traitors. Detection says that the operator lied, not which of the two faces was true.',
    zh: '足够多的见证方合谋便可破坏：两副面孔需要 2k − n 个叛徒，所以要防 c 个叛徒，k 必须大于 (n + c)/2。发现说谎，不等于知道哪副面孔是真的。',
  },
  exercises: [
    {
      question: {
        en: 'Five witnesses, one may betray. What is the smallest k of five that still admits only one history?',
        zh: '五个见证方，可能有一个背叛。五取几才能保证只有一种历史？',
      },
      hint: { en: 'k above (5 + 1)/2.', zh: 'k 大于 (5+1)/2。' },
      check: (answer) => isNumber(answer, 4),
    },
    {
      question: {
        en: 'A hash chain from which entry 7 was removed before it was built: does it verify, yes or no?',
        zh: '建链之前就抽走第 7 条，这条哈希链能通过验证吗？',
      },
      hint: { en: 'What would it be compared with?', zh: '它拿什么来比？' },
      check: (answer) => isWord(answer, 'yes', '能', '可以'),
    },
  ],
  references: [
    'RFC 6962 (Merkle trees, consistency proofs)',
    'C2SP tlog-checkpoint, tlog-witness, tlog-cosignature',
  ],
}

type Cheat = {
  readonly name: Figure['title']
  readonly bend: (entries: readonly Uint8Array[]) => Uint8Array[]
}
const CHEATS: readonly Cheat[] = [
  { name: { en: 'fork', zh: '分叉' }, bend: (all) => [...all.slice(0, -1), utf8('something else')] },
  {
    name: { en: 'deletion', zh: '删除' },
    bend: (all) => [...all.slice(0, 7), ...all.slice(8), utf8('more'), utf8('and more')],
  },
  {
    name: { en: 'other order', zh: '换序' },
    bend: ([a, b, ...rest]) => [b, a, ...rest, utf8('more')] as Uint8Array[],
  },
  { name: { en: 'rollback', zh: '回滚' }, bend: (all) => all.slice(0, -3) },
]

async function run({ seed, scale, log, signal }: LabContext) {
  const turns = scale === 'full' ? 20 : 2
  const random = seeded(`lab07/${seed}`)
  const operator = noteSigner(ORIGIN, LOG_SIGNATURE, random(32))
  const signers = Array.from({ length: WITNESSES }, (_, i) =>
    noteSigner(`witness-${i}.example`, COSIGNATURE, random(32)),
  )
  const policyOf = (threshold: number) => ({
    origin: ORIGIN,
    logKey: operator.key,
    witnesses: signers.map(({ key }) => key),
    threshold,
  })

  const rows = { naive: [] as number[], ours: [] as number[] }
  const seconds = { naive: 0, ours: 0 }
  for (const { name, bend } of CHEATS) {
    await breathe(signal)
    const count = { naive: 0, ours: 0 }
    for (let turn = 0; turn < turns; turn++) {
      const shown = Array.from({ length: 20 + below(60, random) }, (_, i) => utf8(`entry ${turn} ${i}`))
      const other = bend(shown)
      const naive = await timed(() => [shown, other].every((entries) => acceptsChain(makeChain(entries))))
      if (naive.value) count.naive++
      const ours = await timed(async () => {
        const [one, two] = [await publish(operator, shown), await publish(operator, other)]
        const witnesses = signers.map((signer) => honestWitness(signer, operator))
        const first = await collect(one, witnesses)
        if (!(await accepted(first, policyOf(THRESHOLD)))) throw new Error('honest history must be accepted')
        return accepted(await collect(two, witnesses), policyOf(THRESHOLD))
      })
      if (ours.value) count.ours++
      seconds.naive += naive.seconds
      seconds.ours += ours.seconds
    }
    rows.naive.push(count.naive)
    rows.ours.push(count.ours)
    log({
      en: `${name.en}: both faces believed in ${count.naive}/${turns} naive chains, ${count.ours}/${turns} of our logs`,
      zh: `${name.zh}：两副面孔均被采信：朴素链 ${count.naive}/${turns}，本设计 ${count.ours}/${turns}`,
    })
  }
  if (!(await grows(operator, signers, policyOf(THRESHOLD))))
    throw new Error('honest growth must be accepted')

  // The operator's best: some witnesses are his, the honest ones are split between the two faces.
  const traitors = [0, 1, 2, 3]
  const split: number[][] = []
  for (let threshold = 1; threshold <= WITNESSES; threshold++) {
    await breathe(signal)
    const row: number[] = []
    for (const bought of traitors)
      row.push((await splitView(operator, signers, { bought, policy: policyOf(threshold) })) ? 1 : 0)
    split.push(row)
  }
  const atThreshold = split[THRESHOLD - 1] ?? []
  const figures: Figure[] = [
    {
      id: 'lab07-believed',
      type: 'bar',
      title: { en: `Second face believed, of ${turns}`, zh: `${turns} 次中第二副面孔被采信` },
      xTitle: { en: 'cheat', zh: '手法' },
      yTitle: { en: 'times', zh: '次数' },
      x: CHEATS.map(({ name }) => name),
      series: [
        { name: { en: 'hash chain', zh: '哈希链' }, values: rows.naive },
        { name: { en: 'ours', zh: '本设计' }, values: rows.ours },
      ],
    },
    {
      id: 'lab07-split',
      type: 'heat',
      title: {
        en: 'Two faces possible (1) or not (0), five witnesses',
        zh: '五个见证方：能否有两副面孔（1 能，0 不能）',
      },
      xTitle: { en: 'witnesses that betray', zh: '背叛的见证方数' },
      yTitle: { en: 'cosignatures asked for', zh: '要求的联署数' },
      x: traitors.map(plain),
      series: split.map((values, at) => ({
        name: { en: `${at + 1} of ${WITNESSES}`, zh: `${WITNESSES} 取 ${at + 1}` },
        values,
      })),
    },
  ]
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  return {
    naive: {
      successes: sum(rows.naive),
      trials: turns * CHEATS.length,
      seconds: seconds.naive,
      note: { en: 'two histories, both accepted', zh: '两种历史，均被接受' },
    },
    ours: {
      successes: sum(rows.ours) + sum(atThreshold.slice(0, 2)),
      trials: turns * CHEATS.length + 2,
      seconds: seconds.ours,
      note: {
        en: `${THRESHOLD} of ${WITNESSES} witnesses, up to one of them bought and the rest split`,
        zh: `${WITNESSES} 个见证方取 ${THRESHOLD}，至多一个被收买，其余被分裂`,
      },
    },
    figures,
    stillWorks: [
      {
        en: `with ${atThreshold.indexOf(1)} of ${WITNESSES} witnesses bought, two faces pass at ${THRESHOLD} of ${WITNESSES}`,
        zh: `收买 ${WITNESSES} 个见证方中的 ${atThreshold.indexOf(1)} 个，在 ${WITNESSES} 取 ${THRESHOLD} 下两副面孔可行`,
      },
    ],
  }
}

type View = { readonly note: string; readonly size: number; readonly source: TileSource }
type Policy = Parameters<typeof openCheckpoint>[1]

async function publish(operator: NoteSigner, entries: readonly Uint8Array[]): Promise<View> {
  const log = await memoryLog({ origin: ORIGIN, signer: operator })
  const { note, size } = await log.append([...entries])
  return { note, size, source: log.source }
}

type Cosigner = (view: View) => Promise<string>

// An honest witness, asked as well as the operator can: with the old size that it remembers and a proof from the new tree.
function honestWitness(signer: NoteSigner, operator: NoteSigner): Cosigner {
  const witness: Witness = createWitness({
    signer,
    logs: [{ origin: ORIGIN, keys: [operator.key] }],
    store: memoryWitnessStore(),
    clock: () => TIME,
  })
  let seen = 0
  return async (view) => {
    const proof = seen > 0 && view.size > seen ? await proveConsistency(view.source, seen, view.size) : []
    const answer = await witness.addCheckpoint(formatAddCheckpoint(seen, proof, view.note))
    if (answer.status !== 200) return ''
    seen = view.size
    return answer.body
  }
}

function traitor(signer: NoteSigner): Cosigner {
  return async (view) => signatureLines(parseNote(view.note).text, [signer], TIME)
}

async function collect(view: View, cosigners: readonly Cosigner[]): Promise<string> {
  let { note } = view
  for (const cosign of cosigners) note += await cosign(view)
  return note
}

async function accepted(note: string, policy: Policy): Promise<boolean> {
  return openCheckpoint(note, policy).then(
    () => true,
    () => false,
  )
}

async function splitView(
  operator: NoteSigner,
  signers: readonly NoteSigner[],
  options: { readonly bought: number; readonly policy: Policy },
): Promise<boolean> {
  const entries = Array.from({ length: 12 }, (_, i) => utf8(`entry ${i}`))
  const views = [
    await publish(operator, entries),
    await publish(operator, [...entries.slice(0, 11), utf8('other')]),
  ]
  const theirs = signers.slice(0, options.bought).map(traitor)
  const honest = signers.slice(options.bought).map((signer) => honestWitness(signer, operator))
  const half = Math.ceil(honest.length / 2)
  const camps = [honest.slice(0, half), honest.slice(half)]
  for (const [at, view] of views.entries()) {
    if (!(await accepted(await collect(view, [...theirs, ...(camps[at] ?? [])]), options.policy)))
      return false
  }
  return true
}

// What must stay possible: a log that grows.
async function grows(operator: NoteSigner, signers: readonly NoteSigner[], policy: Policy): Promise<boolean> {
  const entries = Array.from({ length: 30 }, (_, i) => utf8(`entry ${i}`))
  const witnesses = signers.map((signer) => honestWitness(signer, operator))
  await collect(await publish(operator, entries.slice(0, 20)), witnesses)
  return accepted(await collect(await publish(operator, entries), witnesses), policy)
}
