// Lab 12: the attacker is the design itself. Who is refused or doubled for having no phone, a rare name, an old card?
import { toHex } from '#ctid/base'
import { canonicalIdentity, parseLegalRecord, syntheticDocuments, type TypedDocument } from '#ctid/identity'
import { makeAttestation, makeCode, makePaperCode } from '#ctid/qr'
import { type VerifierPolicy, verifyCode } from '#ctid/verifier'
import { breathe, type Figure, isWord, type Lab, type LabContext, percent, timed } from './lab.ts'
import { phoneOnlyGate, rawKey } from './naive/phone-only.ts'
import { attest, gatePolicy, NOON, openGate } from './scene.ts'
import { below, seeded, seededSigner } from './seed.ts'

export const lab: Lab = {
  id: '12',
  name: 'left-out',
  title: { en: 'Left out', zh: '被落下的人' },
  question: {
    en: 'The system works for everybody in the meeting room. For whom in town does it not?',
    zh: '系统对会议室里的每个人都好用。对镇上的哪些人不好用？',
  },
  incident: {
    en: 'Elderly people without phones were turned away from buses in Harbin and Dalian; a rare character in a name still keeps people from opening bank accounts.',
    zh: '哈尔滨、大连有无手机的老人被拒乘公交；名字里的一个生僻字，至今仍让人开不了银行账户。',
  },
  mechanism: {
    naive: [
      { en: 'number as typed, common name', zh: '照输入的号码、常见姓名' },
      { en: 'app', zh: '应用' },
      { en: 'gate', zh: '闸机' },
    ],
    ours: [
      { en: 'every spelling, one identity', zh: '各种写法，同一身份' },
      { en: 'phone or paper', zh: '手机或纸' },
      { en: 'same checks, same answer', zh: '同样核验，同样答案' },
    ],
    attack: {
      en: 'a whole town comes twice, each person in his own way',
      zh: '全镇的人各以自己的方式来两次',
    },
  },
  run,
  lesson: {
    en: 'Exclusion needs no attacker: a regular expression does it. Write down every form in which a document is real, bring all to one spelling, and let a person without a phone bring the same evidence on paper to the same checks. Then test with the town, not with yourself.',
    zh: '排斥不需要攻击者，一条正则表达式就够了。写下证件的每一种真实形式，归为同一写法；让没有手机的人用纸带来同样的证据，接受同样的核验。然后用全镇来测试，而不是用自己。',
  },
  limits: {
    en: 'One person with two documents, a passport and a card, has two tokens: the design ties a token to a record, and joining records needs an officer and a reason. Paper is static: a copy of it passes like the original, so it is marked low and a person compares the bearer.',
    zh: '一人持护照与身份证两种证件，就有两枚标识：设计把标识系于记录，合并记录须有经办人和事由。纸质码是静态的：复印件与原件一样能通过，所以标为低等级，并由人核对持有人。',
  },
  exercises: [
    {
      question: {
        en: 'The 15-digit number 110105491231002 of 1949: which 18-digit number is the same person?',
        zh: '15 位旧号 110105491231002（1949 年）对应的 18 位号码是？',
      },
      hint: {
        en: 'Insert 19 after the sixth digit, then the check character (it is X).',
        zh: '第六位后插入 19，再加校验位（是 X）。',
      },
      check: (answer) => isWord(answer, '11010519491231002x'),
    },
    {
      question: {
        en: 'Same evidence, once by phone, once on paper: may the answer differ, yes or no?',
        zh: '同样的证据，一次用手机、一次用纸，答案可以不同吗？',
      },
      hint: {
        en: 'What would the person without a phone be punished for?',
        zh: '没有手机的人凭什么要受罚？',
      },
      check: (answer) => isWord(answer, 'no', '不可以', '不能', '否'),
    },
  ],
  references: [
    'GB 11643-1999; GB 18030-2022 (characters)',
    'State Council, 2020-11: plan for the elderly and intelligent technology',
    'EN 301 549',
  ],
}

type Kind = 'usual' | 'old-card' | 'dotted' | 'rare' | 'other-document' | 'no-phone'
const KINDS: Readonly<Record<Kind, Figure['title']>> = {
  usual: { en: 'usual', zh: '普通' },
  'old-card': { en: '15-digit number', zh: '15 位旧号' },
  dotted: { en: 'name with a dot', zh: '带间隔点的姓名' },
  rare: { en: 'rare character', zh: '生僻字' },
  'other-document': { en: 'permit, passport', zh: '居留证、护照' },
  'no-phone': { en: 'no phone', zh: '没有手机' },
}

type Visitor = {
  readonly first: TypedDocument
  readonly again: TypedDocument
  readonly channel: 'phone' | 'paper'
  readonly kind: Kind
}
/** A system as people meet it: the key it files them under, and whether its gate opens. */
type System = {
  keyOf(document: TypedDocument): string | undefined
  admits(channel: 'phone' | 'paper', at: number): Promise<boolean>
}
type Fate = 'served' | 'refused' | 'doubled' | 'shut out'

async function run({ seed, scale, log, signal }: LabContext) {
  const count = scale === 'full' ? 1000 : 60
  const random = seeded(`lab12/${seed}`)
  const town = syntheticDocuments({ seed: `lab12/${seed}`, count }).map((document, at): Visitor => {
    // Every tenth has no phone, whatever else.
    const channel = at % 10 === 4 ? 'paper' : 'phone'
    return {
      first: document,
      again: respell(document, random),
      channel,
      kind: channel === 'paper' ? 'no-phone' : kindOf(document),
    }
  })
  const systems: Readonly<Record<'naive' | 'ours', System>> = {
    naive: { keyOf: rawKey, admits: async (channel) => phoneOnlyGate(channel) },
    ours: ourSystem(seed, random),
  }
  const kinds = Object.keys(KINDS) as Kind[]
  const failed = { naive: new Map<Kind, number>(), ours: new Map<Kind, number>() }
  const fates = { naive: new Map<Fate, number>(), ours: new Map<Fate, number>() }
  const seconds = { naive: 0, ours: 0 }
  for (const side of ['naive', 'ours'] as const) {
    const { seconds: spent } = await timed(async () => {
      for (const [at, visitor] of town.entries()) {
        if (at % 20 === 0) await breathe(signal)
        const fate = await meet(systems[side], visitor, at)
        fates[side].set(fate, (fates[side].get(fate) ?? 0) + 1)
        if (fate !== 'served') failed[side].set(visitor.kind, (failed[side].get(visitor.kind) ?? 0) + 1)
      }
    })
    seconds[side] = spent
    const told = (fate: Fate) => fates[side].get(fate) ?? 0
    log({
      en: `${side}: ${told('served')} of ${count} served, ${told('refused')} refused at the desk, ${told('doubled')} doubled, ${told('shut out')} shut out at the gate`,
      zh: `${side === 'naive' ? '朴素设计' : '本设计'}：${count} 人中服务 ${told('served')}，窗口拒绝 ${told('refused')}，重复建档 ${told('doubled')}，闸机拒入 ${told('shut out')}`,
    })
  }
  const limits = await whatRemains(seed, random)
  const sizes = new Map<Kind, number>()
  for (const { kind } of town) sizes.set(kind, (sizes.get(kind) ?? 0) + 1)
  const present = kinds.filter((kind) => sizes.has(kind))
  const figures: Figure[] = [
    {
      id: 'lab12-left-out',
      type: 'bar',
      title: { en: 'Refused, doubled or shut out', zh: '被拒、重复建档或拒入的比例' },
      xTitle: { en: 'people', zh: '人群' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: present.map((kind) => KINDS[kind]),
      series: (['naive', 'ours'] as const).map((side) => ({
        name: side === 'naive' ? { en: 'naive', zh: '朴素设计' } : { en: 'ours', zh: '本设计' },
        values: present.map((kind) => percent(failed[side].get(kind) ?? 0, sizes.get(kind) ?? 0)),
      })),
    },
  ]
  const notServed = (side: 'naive' | 'ours') => count - (fates[side].get('served') ?? 0)
  return {
    naive: {
      successes: notServed('naive'),
      trials: count,
      seconds: seconds.naive,
      note: { en: 'people of the town not served, or twice', zh: '镇上未获服务或重复建档的人' },
    },
    ours: {
      successes: notServed('ours'),
      trials: count,
      seconds: seconds.ours,
      note: { en: 'the same town', zh: '同一个镇' },
    },
    figures,
    stillWorks: [
      {
        en: `one person with two documents has ${limits.identities} identities until an officer ties them`,
        zh: `一人持两种证件，在经办人关联之前有 ${limits.identities} 个身份`,
      },
      {
        en: `a photocopy of a paper code passes as often as the paper: ${limits.copies} of 2 times`,
        zh: `纸质码的复印件与原件一样通过：2 次中 ${limits.copies} 次`,
      },
    ],
  }
}

/** The same encounter with either system: enrol, come again with another spelling, go to a gate. */
async function meet(system: System, visitor: Visitor, at: number): Promise<Fate> {
  const key = system.keyOf(visitor.first)
  if (key === undefined) return 'refused'
  const again = system.keyOf(visitor.again)
  if (again === undefined) return 'refused'
  if (again !== key) return 'doubled'
  return (await system.admits(visitor.channel, at)) ? 'served' : 'shut out'
}

const HEALTH_POLICY: VerifierPolicy = {
  ...gatePolicy,
  kinds: ['health'],
  purpose: 'health',
  healthOutcomes: ['green', 'pass'],
}

function ourSystem(seed: string, random: (length: number) => Uint8Array): System {
  const issuer = seededSigner(`lab12/issuer/${seed}`)
  const gate = openGate(issuer, () => NOON, { policy: HEALTH_POLICY })
  // The same evidence for both channels; only the form differs.
  const health = { outcome: 'pass', ruleSet: random(8), until: NOON + 86_400 } as const
  return {
    keyOf: (document) => {
      try {
        return toHex(canonicalIdentity(parseLegalRecord(document)))
      } catch {
        return undefined
      }
    },
    admits: async (channel, at) => {
      const holder = seededSigner(`lab12/${seed}/${at}`)
      const claims = { handle: random(16), kind: 'health', health } as const
      const code =
        channel === 'phone'
          ? await makeCode(await attest(issuer, holder, claims), holder, { now: NOON })
          : makePaperCode(await paper(issuer, claims))
      return (await verifyCode(code, gate)).ok
    },
  }
}

function paper(issuer: Parameters<typeof attest>[0], claims: NonNullable<Parameters<typeof attest>[2]>) {
  return makeAttestation(
    {
      handle: new Uint8Array(16),
      issuedAt: NOON - 3600,
      expiresAt: NOON + 86_400,
      status: { list: 7, index: 1 },
      kind: 'person',
      ...claims,
      assurance: 'low',
    },
    issuer,
  )
}

function kindOf({ documentType, documentNumber, name }: TypedDocument): Kind {
  if (documentType !== 'resident-id') return 'other-document'
  if (documentNumber.length === 15) return 'old-card'
  if (/[·•・‧]/.test(name)) return 'dotted'
  return /[^\u4e00-\u9fff]/.test(name) ? 'rare' : 'usual'
}

// As a Chinese keyboard writes it: the space has a place of its own.
function fullWidth(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))
    .replaceAll(' ', '\u3000')
}

// The same document as another clerk types it.
function respell(document: TypedDocument, random: (length: number) => Uint8Array): TypedDocument {
  const ways: readonly ((text: string) => string)[] = [
    (text) => text,
    (text) => text,
    (text) => text,
    (text) => text.toLowerCase(),
    fullWidth,
    (text) => ` ${text} `,
  ]
  const way = ways[below(ways.length, random)] ?? ((text: string) => text)
  return { ...document, documentNumber: way(document.documentNumber) }
}

async function whatRemains(seed: string, random: (length: number) => Uint8Array) {
  const card = {
    documentType: 'resident-id',
    issuingState: 'CHN',
    documentNumber: '11010519491231002X',
  } as const
  const passport = { documentType: 'passport', issuingState: 'CHN', documentNumber: 'E12345678' } as const
  const identities = new Set([card, passport].map((document) => toHex(canonicalIdentity(document)))).size
  const issuer = seededSigner(`lab12/issuer/${seed}`)
  const code = makePaperCode(await paper(issuer, { handle: random(16) }))
  let copies = 0
  for (let time = 0; time < 2; time++)
    if (
      (
        await verifyCode(
          code,
          openGate(issuer, () => NOON),
        )
      ).ok
    )
      copies++
  return { identities, copies }
}
