// Lab 03: a photograph of a code, shown from another phone, later and elsewhere; and a relay in real time.
import { toBase64url } from '#ctid/base'
import { makeCode } from '#ctid/qr'
import { newChallenge, type VerifyContext, verifyCode } from '#ctid/verifier'
import { breathe, type Figure, isNumber, isWord, type Lab, type LabContext, plain, timed } from './lab.ts'
import { makeStaticCode, verifyStaticCode } from './naive/static-code.ts'
import { attest, NOON, openGate } from './scene.ts'
import { seeded, seededSigner } from './seed.ts'

export const lab: Lab = {
  id: '03',
  name: 'screenshot',
  title: { en: 'The screenshot', zh: '截图' },
  question: {
    en: 'Somebody photographs your code over your shoulder and shows it at a gate. For how long is he you?',
    zh: '有人从你身后拍下你的码，拿到闸机前出示。他能冒充你多久？',
  },
  incident: {
    en: 'Static signed codes (Aadhaar, early health passes) can be copied; screenshots of codes were shared and sold.',
    zh: '静态签名码（如 Aadhaar、早期健康通行证）可被复制；截图曾被转发和出售。',
  },
  mechanism: {
    naive: [
      { en: 'issuer signs', zh: '机构签名' },
      { en: 'picture', zh: '图片' },
      { en: 'gate', zh: '闸机' },
    ],
    ours: [
      { en: 'issuer signs a key', zh: '机构签名公钥' },
      { en: 'phone signs the half minute', zh: '手机签名当前半分钟' },
      { en: 'and the gate’s challenge', zh: '和闸机的挑战值' },
      { en: 'gate, once', zh: '闸机，仅一次' },
    ],
    attack: { en: 'a photograph shown from another phone', zh: '用另一部手机出示拍下的照片' },
  },
  run,
  lesson: {
    en: 'A signature says who wrote a thing, not who holds it up. The half minute ends the picture’s life, the replay cache ends it at this gate, the challenge ends it at every other gate; and none of them works unless the holder’s key, which is not in the picture, must sign anew.',
    zh: '签名说明是谁写的，不说明是谁举着。半分钟结束图片的寿命，防重放缓存使它在本闸机失效，挑战值使它在其他闸机失效；而这一切都要靠图片里没有的持有人密钥重新签名。',
  },
  limits: {
    en: 'A live relay passes: an accomplice at the gate forwards its challenge to the phone of a willing or tricked holder. Only presence stops that: a face compared by a person, distance bounding, or a terminal that the holder sees.',
    zh: '实时中继仍能通过：同伙在闸机前把挑战值转给自愿或受骗的持有人手机。只有“在场”能阻止：人工比对面容、距离限定，或持有人看得见的终端。',
  },
  exercises: [
    {
      question: {
        en: 'A code says step 100, steps last 30 s, the gate tolerates 15 s of clock difference. At which second (since zero) is it refused first?',
        zh: '码内步号为 100，每步 30 秒，闸机容许 15 秒时钟误差。从零算起第几秒开始被拒？',
      },
      hint: {
        en: 'The step ends at 101 × 30; then add the tolerance.',
        zh: '该步在 101×30 秒结束，再加上容差。',
      },
      check: (answer) => isNumber(answer, 3045),
    },
    {
      question: {
        en: 'Which of the three stops a picture at another gate within the same half minute: step, challenge, or replay cache?',
        zh: '同一个半分钟内在另一台闸机出示照片，三者中谁能阻止：时间步、挑战值、防重放缓存？',
      },
      hint: { en: 'It must differ from gate to gate.', zh: '它必须因闸机而异。' },
      check: (answer) => isWord(answer, 'challenge', 'the challenge', '挑战值', '挑战'),
    },
  ],
  references: [
    'RFC 8392 (CWT); RFC 9711 (EAT nonce)',
    'Francillon, Danev, Capkun: Relay Attacks on Passive Keyless Entry, NDSS 2011',
  ],
}

const DELAYS = [2, 20, 40, 60, 300, 3600, 86_400]

async function run({ seed, scale, log, signal }: LabContext) {
  const people = scale === 'full' ? 20 : 4
  const random = seeded(`lab03/${seed}`)
  const issuer = seededSigner(`lab03/issuer/${seed}`)
  let now = NOON
  const clock = () => now
  const accepted = {
    static: [] as number[],
    same: [] as number[],
    other: [] as number[],
    challenged: [] as number[],
  }

  const holders = await Promise.all(
    Array.from({ length: people }, async (_, i) => {
      const holder = seededSigner(`lab03/${seed}/${i}`)
      return {
        holder,
        attestation: await attest(issuer, holder, { handle: random(16) }),
        picture: await makeStaticCode(issuer, { handle: toBase64url(random(16)), exp: NOON + 86_400 * 20 }),
      }
    }),
  )
  const passes = async (text: string, gate: VerifyContext) => ((await verifyCode(text, gate)).ok ? 1 : 0)

  const { seconds } = await timed(async () => {
    for (const delay of DELAYS) {
      await breathe(signal)
      const count = { static: 0, same: 0, other: 0, challenged: 0 }
      for (const { holder, attestation, picture } of holders) {
        now = NOON
        // The honest showing at the first gate, which the thief photographs.
        const first = openGate(issuer, clock)
        const shown = await makeCode(attestation, holder, { now })
        if (!(await passes(shown, first))) throw new Error('the honest showing must pass')
        const gateChallenge = newChallenge(random)
        const answered = await makeCode(attestation, holder, { now, challenge: newChallenge(random) })
        now = NOON + delay
        if (await verifyStaticCode(picture, issuer, now)) count.static++
        count.same += await passes(shown, first)
        count.other += await passes(shown, openGate(issuer, clock))
        count.challenged += await passes(
          answered,
          openGate(issuer, clock, { expectedChallenge: gateChallenge }),
        )
      }
      for (const which of Object.keys(count) as (keyof typeof count)[]) accepted[which].push(count[which])
      log({
        en: `after ${delay} s: static ${count.static}/${people}, dynamic ${count.other}/${people} at another gate, ${count.challenged}/${people} with challenge`,
        zh: `${delay} 秒后：静态码 ${count.static}/${people}，动态码在另一闸机 ${count.other}/${people}，有挑战值 ${count.challenged}/${people}`,
      })
    }
  })

  // Live relay: the accomplice forwards the gate's challenge, the holder's phone answers within the step.
  let relayed = 0
  for (const { holder, attestation } of holders) {
    now = NOON
    const challenge = newChallenge(random)
    const gate = openGate(issuer, clock, { expectedChallenge: challenge })
    const answer = await makeCode(attestation, holder, { now, challenge })
    now = NOON + 3
    relayed += await passes(answer, gate)
  }
  const stolen = await withoutKey({ issuer, seed, clock: () => NOON, random })

  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  const share = (counts: readonly number[]) => counts.map((count) => (100 * count) / people)
  const late = DELAYS.findIndex((delay) => delay >= 60)
  const figures: Figure[] = [
    {
      id: 'lab03-accepted',
      type: 'line',
      title: { en: 'Photographs accepted', zh: '照片被接受的比例' },
      xTitle: { en: 'seconds after the photograph', zh: '拍照后秒数' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: DELAYS.map(plain),
      series: [
        { name: { en: 'static code', zh: '静态码' }, values: share(accepted.static) },
        {
          name: { en: 'ours, another gate, no challenge', zh: '本设计，另一闸机，无挑战' },
          values: share(accepted.other),
        },
        { name: { en: 'ours, same gate', zh: '本设计，同一闸机' }, values: share(accepted.same) },
        { name: { en: 'ours, with challenge', zh: '本设计，有挑战' }, values: share(accepted.challenged) },
      ],
    },
    {
      id: 'lab03-stops',
      type: 'heat',
      title: { en: 'Accepted of 100, by what the gate asks for', zh: '每百次被接受次数，按闸机要求' },
      xTitle: { en: 'attack', zh: '攻击' },
      yTitle: { en: 'gate', zh: '闸机' },
      x: [
        { en: 'photo, a day', zh: '照片，次日' },
        { en: 'photo, 2 s, other gate', zh: '照片，2 秒，另一闸机' },
        { en: 'code made with own key', zh: '用自己的密钥造码' },
        { en: 'live relay', zh: '实时中继' },
      ],
      series: [
        {
          name: { en: 'static code', zh: '静态码' },
          values: [
            share(accepted.static).at(-1) ?? 0,
            share(accepted.static)[0] ?? 0,
            null,
            share(accepted.static)[0] ?? 0,
          ],
        },
        {
          name: { en: 'ours, time step', zh: '本设计，时间步' },
          values: [
            share(accepted.other).at(-1) ?? 0,
            share(accepted.other)[0] ?? 0,
            100 * stolen,
            share(accepted.other)[0] ?? 0,
          ],
        },
        {
          name: { en: 'ours, step + challenge', zh: '本设计，时间步+挑战' },
          values: [
            share(accepted.challenged).at(-1) ?? 0,
            share(accepted.challenged)[0] ?? 0,
            100 * stolen,
            (100 * relayed) / people,
          ],
        },
      ],
    },
  ]
  return {
    naive: {
      successes: sum(accepted.static),
      trials: people * DELAYS.length,
      seconds,
      note: { en: 'photograph of a static code, 2 seconds to a day old', zh: '静态码照片，2 秒至一天后' },
    },
    ours: {
      successes: sum(accepted.same) + sum(accepted.other.slice(late)) + sum(accepted.challenged),
      trials: people * (2 * DELAYS.length + DELAYS.length - late),
      seconds,
      note: {
        en: 'same gate at any time, any gate after a minute, any gate with a challenge',
        zh: '同一闸机任何时刻、任何闸机一分钟后、有挑战值的任何闸机',
      },
    },
    figures,
    stillWorks: [
      {
        en: `within its half minute, at another gate that shows no challenge: ${accepted.other[0]} of ${people}`,
        zh: `半分钟之内、在另一台不出挑战值的闸机：${people} 次中 ${accepted.other[0]} 次`,
      },
      {
        en: `live relay with the holder’s phone answering: ${relayed} of ${people}`,
        zh: `实时中继、由持有人手机应答：${people} 次中 ${relayed} 次`,
      },
    ],
  }
}

// A thief who lifts the attestation out of a picture has no key for it: he signs with his own.
async function withoutKey(scene: {
  readonly issuer: ReturnType<typeof seededSigner>
  readonly seed: string
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
}): Promise<number> {
  const victim = seededSigner(`lab03/victim/${scene.seed}`)
  const thief = seededSigner(`lab03/thief/${scene.seed}`)
  const attestation = await attest(scene.issuer, victim, { handle: scene.random(16) })
  const pretender = { publicJwk: victim.publicJwk, sign: thief.sign }
  const code = await makeCode(attestation, pretender, { now: scene.clock() })
  return (await verifyCode(code, openGate(scene.issuer, scene.clock))).ok ? 1 : 0
}
