// The key ceremony and the refresh by files: three folders, what is carried between them, and whose file is wrong.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JsonObject, systemClock, systemRandom } from '#ctid/base'
import { loadSodiumGroup } from '#ctid/crypto'
import { openRegistrarKeyring, openRegistrarParty } from '#ctid/deployment'
import { createApp, listen } from '#ctid/http'
import { syntheticPeople } from '#ctid/identity'
import { deriveAnchors, localEvaluator, parseKeySet } from '#ctid/token'
import type { Io } from '../../src/cli/command.ts'
import { command as ceremony } from '../../src/cli/commands/ceremony.ts'
import { EVALUATOR_MAX_BODY_BYTES, openEvaluatorService } from '../../src/http/evaluator.ts'
import { readShareFile } from '../../src/token/node.ts'

const group = await loadSodiumGroup()
const IDS = [1, 2, 3] as const
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-ceremony-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
const at = (...names: (string | number)[]) => join(folder, ...names.map(String))

type Answer = {
  readonly toAll: string[]
  readonly confidential: string[]
  readonly hash?: string
  readonly epoch?: number
}
async function run(...args: (string | number)[]): Promise<Answer> {
  const lines: string[] = []
  const io: Io = {
    out: (line) => lines.push(line),
    err: () => {},
    isTerminal: false,
    env: {},
    readStdin: async () => '',
    untilStopped: async () => {},
  }
  await ceremony.run([...args.map(String), '--json'], io)
  return JSON.parse(lines.join('\n')) as Answer
}
const begin = (id: number, ...more: string[]) => run('begin', at(id), '--id', id, ...more)
const json = (...names: (string | number)[]) => JSON.parse(readFileSync(at(...names), 'utf8')) as JsonObject
const change = (path: string, members: object) =>
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...members }), {
    mode: 0o600,
  })

// What the participants do by hand: public files to everybody, confidential ones to the one they name.
function carry(from: number, { toAll, confidential }: Answer): void {
  for (const to of IDS.filter((id) => id !== from)) {
    for (const name of toAll) copyFileSync(at(from, name), at(to, name))
    for (const name of confidential.filter((one) => one.endsWith(`-to-${to}.json`)))
      copyFileSync(at(from, name), at(to, name))
  }
}
async function everybody(step: (id: number) => Promise<Answer>): Promise<Answer[]> {
  const answers = []
  for (const id of IDS) answers.push(await step(id))
  for (const [i, answer] of answers.entries()) carry(i + 1, answer)
  return answers
}
async function holdCeremony(): Promise<Answer[]> {
  await everybody((id) => begin(id))
  await everybody((id) => run('exchange', at(id)))
  const answers = []
  for (const id of IDS) answers.push(await run('finish', at(id)))
  return answers
}
const refusal = (detail: RegExp) => ({ code: 'ERR_TOKEN_CEREMONY', detail: expect.stringMatching(detail) })

async function anchorsOf(ids: readonly number[]) {
  const shares = await Promise.all(ids.map((id) => readShareFile(at(id, `evaluator-${id}.json`), group)))
  const { anchors } = await deriveAnchors([new Uint8Array(20).fill(7)], {
    keySet: parseKeySet(json(ids[0] ?? 1, 'evaluators.json'), group),
    evaluators: shares.map(({ share }) => localEvaluator(share, { group, random: systemRandom })),
    group,
    random: systemRandom,
  })
  return anchors
}

describe('a ceremony between three folders', () => {
  it('gives each a share of one key, which no folder has, and the registrar its secrets', async () => {
    const hashes = (await holdCeremony()).map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(1)
    expect(hashes[0]).toMatch(/^[\w-]{43}$/)
    const one = await anchorsOf([1, 2])
    expect(await anchorsOf([3, 2])).toEqual(one)
    for (const id of IDS) {
      expect(readdirSync(at(id)).filter((name) => /state|message/.test(name))).toEqual([])
      for (const name of readdirSync(at(id))) expect(statSync(at(id, name)).mode & 0o077, name).toBe(0)
      expect(json(id, 'ceremony.json')).toEqual(json(1, 'ceremony.json'))
    }
    await expect(begin(1)).rejects.toMatchObject(refusal(/already/))

    for (const name of ['evaluators.json', 'ceremony.json']) cpSync(at(1, name), at('registrar', name))
    for (const id of [1, 2])
      copyFileSync(at(id, `registrar-${id}.json`), at('registrar', `registrar-${id}.json`))
    await expect(run('gather', at('registrar'))).rejects.toMatchObject(
      refusal(/^participant 3: registrar-3\.json is missing/),
    )
    copyFileSync(at(3, 'registrar-3.json'), at('registrar', 'registrar-3.json'))
    expect((await run('gather', at('registrar'))).hash).toBe(hashes[0])
    const keyring = await openRegistrarKeyring(at('registrar'), {
      ...{ group, random: systemRandom, now: 0 },
      baseUrl: 'http://localhost',
    })
    expect(keyring.registrar().size).toBe(3)
    for (const id of IDS) {
      const { callers } = await readShareFile(at(id, `evaluator-${id}.json`), group)
      expect(callers[0]?.secret).toEqual(keyring.registrar().get(id))
    }
    expect(existsSync(at('registrar', 'evaluator-1.json'))).toBe(false)
  })

  it('names whose broadcast is missing, altered, of another ceremony, or no broadcast', async () => {
    await everybody((id) => begin(id))
    const theirs = at(1, 'broadcast-2.json')
    const whole = readFileSync(theirs, 'utf8')
    const refused = (detail: RegExp) => expect(run('exchange', at(1))).rejects.toMatchObject(refusal(detail))
    rmSync(theirs)
    await refused(/^participant 2: broadcast-2\.json is missing$/)
    const { commitments, proofOfPossession } = json(1, 'broadcast-3.json')
    for (const [members, detail] of [
      [{ commitments }, /^participant 2: its proof of possession/],
      [{ proofOfPossession }, /^participant 2: its proof of possession/],
      [{ commitments, proofOfPossession }, /^participant 2: its proof of possession/],
      [{ commitments: [] }, /^participant 2: its proof of possession/],
      [{ commitments: ['AA'] }, /^participant 2: its broadcast is malformed/],
      [{ commitments: 7 }, /^participant 2: its broadcast is malformed/],
      [{ proofOfPossession: '' }, /^participant 2: its broadcast is malformed/],
      [{ id: 3 }, /^participant 2: its broadcast is of another ceremony: id/],
      [{ threshold: 3 }, /^participant 2: its broadcast is of another ceremony: threshold/],
      [{ version: 2 }, /^participant 2: its broadcast is of another ceremony: version/],
      [{ format: 'ctid/ceremony-message/v1' }, /^participant 2: its broadcast is malformed/],
    ] as const) {
      writeFileSync(theirs, whole)
      change(theirs, members)
      await refused(detail)
    }
    for (const text of ['', '[]', '{"format":', 'x'.repeat(100_000)]) {
      writeFileSync(theirs, text)
      await refused(/^participant 2: /)
    }
    expect(readdirSync(at(1)).filter((name) => name.startsWith('message'))).toEqual([])
    writeFileSync(theirs, whole)
    await run('exchange', at(1))
    await expect(run('finish', at(2))).rejects.toMatchObject(refusal(/^exchange comes first$/))
  })

  it('notices a participant that gives different broadcasts to different others', async () => {
    await everybody((id) => begin(id))
    // Participant 3 has a second beginning for participant 2.
    await run('begin', at('other'), '--id', 3)
    copyFileSync(at('other', 'broadcast-3.json'), at(2, 'broadcast-3.json'))
    for (const id of [1, 2]) carry(id, await run('exchange', at(id)))
    await run('exchange', at('3'))
    await expect(run('finish', at(1))).rejects.toMatchObject(
      refusal(/^participant 2: its message is of another ceremony: session$/),
    )
    // And nobody exchanges anew under other broadcasts: two messages of one polynomial would give a share away.
    copyFileSync(at(2, 'broadcast-3.json'), at(1, 'broadcast-3.json'))
    await expect(run('exchange', at(1))).rejects.toMatchObject(refusal(/^the broadcasts have changed$/))
    await expect(run('finish', at(1))).rejects.toMatchObject(refusal(/^the broadcasts have changed$/))
    expect(existsSync(at(1, 'evaluator-1.json'))).toBe(false)
  })

  it('names whose message is missing, altered, for somebody else, of another ceremony, or open to others', async () => {
    await everybody((id) => begin(id))
    await everybody((id) => run('exchange', at(id)))
    const theirs = at(1, 'message-3-to-1.json')
    const whole = readFileSync(theirs, 'utf8')
    const refused = (detail: RegExp) => expect(run('finish', at(1))).rejects.toMatchObject(refusal(detail))
    for (const [members, detail] of [
      [
        { share: json(1, 'message-2-to-1.json')['share'] },
        /^participant 3: its message does not fit its commitments/,
      ],
      [{ share: '' }, /^participant 3: its message is malformed/],
      [{ to: 2 }, /^participant 3: its message is of another ceremony: to/],
      [{ session: 'x' }, /^participant 3: its message is of another ceremony: session/],
    ] as const) {
      writeFileSync(theirs, whole, { mode: 0o600 })
      change(theirs, members)
      await refused(detail)
    }
    rmSync(theirs)
    await refused(/^participant 3: message-3-to-1\.json is missing/)
    writeFileSync(theirs, whole, { mode: 0o644 })
    await refused(/^participant 3: message-3-to-1\.json: readable by others/)
    rmSync(theirs)
    writeFileSync(theirs, whole, { mode: 0o600 })
    expect((await run('finish', at(1))).hash).toMatch(/^[\w-]{43}$/)
  })
})

describe('a refresh between three folders', () => {
  const step = (action: string) => everybody((id) => run(action, at(id), '--id', id))

  it('gives new shares of the same key, and the old ones do not combine with them', async () => {
    await holdCeremony()
    const before = await anchorsOf([1, 2])
    cpSync(at(1), at('old'), { recursive: true })
    await step('deal')
    expect(new Set((await step('confirm')).map(({ hash }) => hash)).size).toBe(1)
    const answers = await step('refresh')
    expect(answers.map(({ epoch }) => epoch)).toEqual([1, 1, 1])
    expect(await anchorsOf([1, 3])).toEqual(before)
    for (const id of IDS) expect(readdirSync(at(id)).filter((name) => /deal|confirm/.test(name))).toEqual([])
    copyFileSync(at('old', 'evaluator-1.json'), at(1, 'evaluator-1.json'))
    await expect(anchorsOf([1, 3])).rejects.toMatchObject({ code: 'ERR_TOKEN_QUORUM' })
  })

  it('goes on while evaluators serve and a registrar enrols, all from what their folders hold', async () => {
    await holdCeremony()
    const names = ['evaluators.json', 'ceremony.json', 'registrar-1.json']
    for (const name of names) cpSync(at(1, name), at('registrar', name))
    for (const id of [2, 3])
      copyFileSync(at(id, `registrar-${id}.json`), at('registrar', `registrar-${id}.json`))
    await run('gather', at('registrar'))
    const services = await Promise.all(
      IDS.map(async (id) => {
        const readSecrets = () => readShareFile(at(id, `evaluator-${id}.json`), group)
        const service = await openEvaluatorService({
          secrets: await readSecrets(),
          group,
          countLogPath: at(id, 'count'),
          now: systemClock,
          random: systemRandom,
          readSecrets,
        })
        const app = createApp({ routers: [service.router], maxBodyBytes: EVALUATOR_MAX_BODY_BYTES })
        return { id, service, server: await listen(app) }
      }),
    )
    const nobody = async () => {
      throw new Error('no issuer here')
    }
    const registrar = await openRegistrarParty({
      keysFolder: at('registrar'),
      storeUrl: ':memory:',
      clock: systemClock,
      random: systemRandom,
      evaluatorUrls: new Map(services.map(({ id, server }) => [id, server.url])),
      issuing: { nonce: nobody, issue: nobody, setState: nobody, ready: nobody },
    })
    try {
      const [person] = syntheticPeople({ seed: 'ceremony', count: 1 })
      const { token } = await registrar.enrol(person)
      await step('deal')
      await step('confirm')
      await run('refresh', at(1), '--id', 1)
      // One is ahead: the two others still answer.
      expect(await registrar.enrol(person)).toMatchObject({ token, status: 'existing' })
      for (const id of [2, 3]) await run('refresh', at(id), '--id', id)
      copyFileSync(at(1, 'evaluators.json'), at('registrar', 'evaluators.json'))
      expect(await registrar.enrol(person)).toMatchObject({ token, status: 'existing', faults: [] })
      expect(registrar.keyring.keySet().epoch).toBe(1)
    } finally {
      await registrar.close()
      for (const { service, server } of services) {
        await server.close()
        await service.close()
      }
    }
  })

  it('replaces nothing before everybody has confirmed, and names whose file is wrong', async () => {
    await holdCeremony()
    await step('deal')
    await expect(run('deal', at(1), '--id', 1)).rejects.toMatchObject(refusal(/already/))
    const refused = (action: string, detail: RegExp) =>
      expect(run(action, at(1), '--id', 1)).rejects.toMatchObject(refusal(detail))
    const part = at(1, 'deal-2-to-1.json')
    const deal = at(1, 'deal-2.json')
    const [wholePart, wholeDeal] = [readFileSync(part, 'utf8'), readFileSync(deal, 'utf8')]
    const mend = () => {
      writeFileSync(part, wholePart, { mode: 0o600 })
      writeFileSync(deal, wholeDeal)
    }
    const others = json(1, 'deal-3-to-1.json')['part']
    for (const [path, members, detail] of [
      [part, { part: others }, /^participant 2: its part does not fit its deal/],
      [part, { deal: 'x' }, /^participant 2: its part is of another ceremony: deal/],
      [
        deal,
        { commitments: json(1, 'deal-3.json')['commitments'] },
        /^participant 2: its part is of another ceremony: deal/,
      ],
      [
        deal,
        { commitments: [json(1, 'deal-3.json')['commitments'], 1] },
        /^participant 2: its deal is malformed/,
      ],
      [deal, { keySet: 'x' }, /^participant 2: its deal is of another ceremony: keySet/],
    ] as const) {
      change(path, members)
      await refused('confirm', detail)
      mend()
    }
    const { commitments } = json(1, 'deal-2.json') as { commitments: string[] }
    change(deal, { commitments: [...commitments, ...commitments] })
    await refused('confirm', /^participant 2: its deal has another degree/)
    mend()
    rmSync(part)
    await refused('confirm', /^participant 2: deal-2-to-1\.json is missing/)
    mend()
    const share = readFileSync(at(1, 'evaluator-1.json'), 'utf8')
    carry(1, await run('confirm', at(1), '--id', 1))
    carry(2, await run('confirm', at(2), '--id', 2))
    await refused('refresh', /^participant 3: confirmation-3\.json is missing/)
    copyFileSync(at(1, 'confirmation-2.json'), at(1, 'confirmation-3.json'))
    change(at(1, 'confirmation-3.json'), { id: 3, next: 'x' })
    await refused('refresh', /^participant 3: its confirmation is of another ceremony: next/)
    expect(readFileSync(at(1, 'evaluator-1.json'), 'utf8')).toBe(share)
  })

  it('is finished by the next process, where one ended right after the share was replaced', async () => {
    await holdCeremony()
    await step('deal')
    await step('confirm')
    cpSync(at(1), at('before'), { recursive: true })
    await run('refresh', at(1), '--id', 1)
    copyFileSync(at(1, 'evaluator-1.json'), at('before', 'evaluator-1.json'))
    expect(await run('refresh', at('before'), '--id', 1)).toMatchObject({ epoch: 1 })
    expect(json('before', 'evaluators.json')).toEqual(json(1, 'evaluators.json'))
    expect(readdirSync(at('before')).filter((name) => /deal|confirm/.test(name))).toEqual([])
  })
})

it.each([
  ['begin'],
  ['begin', 'DIR'],
  ['begin', 'DIR', '--id', '4'],
  ['begin', 'DIR', '--id', '1', '--threshold', '1'],
  ['begin', 'DIR', '--id', '1', '--threshold', '4'],
  ['begin', 'DIR', '--id', '01'],
  ['finish', 'DIR', 'more'],
  ['deal', 'DIR'],
  ['burn', 'DIR'],
])('a wrong line writes nothing: %s %s', async (...args) => {
  const line = args.map((arg) => (arg === 'DIR' ? at('nothing') : arg))
  await expect(run(...line)).rejects.toMatchObject({ code: 'ERR_CLI_USAGE' })
  expect(existsSync(at('nothing'))).toBe(false)
})
