// The key ceremony, the refresh and the rotation by files: three folders, what is carried between them, and whose file is wrong.
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
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type JsonObject, systemClock, systemRandom } from '#ctid/base'
import { loadSodiumGroup } from '#ctid/crypto'
import { openRegistrarKeyring, openRegistrarParty, rotateEvaluatorsElsewhere } from '#ctid/deployment'
import { createApp, listen } from '#ctid/http'
import { syntheticPeople } from '#ctid/identity'
import { deriveAnchors, localEvaluator, parseKeySet } from '#ctid/token'
import { formatNoteKey, LOG_SIGNATURE, noteSigner } from '#ctid/transparency'
import { addCaller } from '../../src/cli/callers.ts'
import type { Command, Io } from '../../src/cli/command.ts'
import { command as ceremony } from '../../src/cli/commands/ceremony.ts'
import { command as copies } from '../../src/cli/commands/copies.ts'
import { command as keys } from '../../src/cli/commands/keys.ts'
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
const run = (...args: (string | number)[]): Promise<Answer> => runCommand(ceremony, ...args)
async function runCommand<T = Answer>(command: Command, ...args: (string | number)[]): Promise<T> {
  const lines: string[] = []
  const io: Io = {
    out: (line) => lines.push(line),
    err: () => {},
    isTerminal: false,
    env: {},
    readStdin: async () => '',
    untilStopped: async () => {},
  }
  await command.run([...args.map(String), '--json'], io)
  return JSON.parse(lines.join('\n')) as T
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

async function gather(prefix = ''): Promise<void> {
  for (const name of ['evaluators.json', 'ceremony.json'])
    cpSync(at(`${prefix}1`, name), at(`${prefix}registrar`, name))
  for (const id of IDS)
    copyFileSync(
      at(`${prefix}${id}`, `registrar-${id}.json`),
      at(`${prefix}registrar`, `registrar-${id}.json`),
    )
  await run('gather', at(`${prefix}registrar`))
}

/** All three evaluators, each from its folder, which it reads again when it is asked for another share. */
async function serve(folderOf: (id: number) => string) {
  const services = await Promise.all(
    IDS.map(async (id) => {
      const readSecrets = () => readShareFile(join(folderOf(id), `evaluator-${id}.json`), group)
      const service = await openEvaluatorService({
        secrets: await readSecrets(),
        group,
        countLogPath: join(folderOf(id), 'count'),
        now: systemClock,
        random: systemRandom,
        readSecrets,
      })
      const app = createApp({ routers: [service.router], maxBodyBytes: EVALUATOR_MAX_BODY_BYTES })
      return { id, service, server: await listen(app) }
    }),
  )
  return {
    urls: new Map<number, string>(services.map(({ id, server }) => [id, server.url])),
    async close() {
      for (const { service, server } of services) {
        await server.close()
        await service.close()
      }
    },
  }
}

const nobody = async () => {
  throw new Error('no issuer here')
}
const openRegistrarAt = ({ urls }: { readonly urls: ReadonlyMap<number, string> }) =>
  openRegistrarParty({
    keysFolder: at('registrar'),
    storeUrl: at('registry.db'),
    clock: systemClock,
    random: systemRandom,
    evaluatorUrls: urls,
    issuing: { nonce: nobody, issue: nobody, setState: nobody, ready: nobody },
  })

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

  it('begins with the same broadcast, where a process ended before it had written it', async () => {
    await begin(1)
    const broadcast = readFileSync(at(1, 'broadcast-1.json'))
    await expect(begin(1)).rejects.toMatchObject(refusal(/there is broadcast-1.json already/))
    rmSync(at(1, 'broadcast-1.json'))
    await expect(begin(2, '--threshold', '3')).resolves.toBeDefined()
    await expect(begin(1, '--threshold', '3')).rejects.toMatchObject(refusal(/ceremony-state.json already/))
    await begin(1)
    expect(readFileSync(at(1, 'broadcast-1.json'))).toEqual(broadcast)
  })

  it('is finished by the next process, where one ended while it removed what was secret on the way', async () => {
    await everybody((id) => begin(id))
    await everybody((id) => run('exchange', at(id)))
    const state = readFileSync(at(1, 'ceremony-state.json'))
    const { hash } = await run('finish', at(1))
    const share = readFileSync(at(1, 'evaluator-1.json'))
    const registrar = readFileSync(at(1, 'registrar-1.json'))
    // Its messages are gone already, its state not yet.
    writeFileSync(at(1, 'ceremony-state.json'), state, { mode: 0o600 })
    expect((await run('finish', at(1))).hash).toBe(hash)
    expect(existsSync(at(1, 'ceremony-state.json'))).toBe(false)
    expect(readFileSync(at(1, 'evaluator-1.json'))).toEqual(share)
    expect(readFileSync(at(1, 'registrar-1.json'))).toEqual(registrar)
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
    await gather()
    const services = await serve((id) => at(id))
    const registrar = await openRegistrarAt(services)
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
      await services.close()
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

describe('a rotation between three folders', () => {
  const rho = (id: number) => at(`rho-${id}`)
  const rotating = (action: string, id: number) => run(action, at(id), '--by', rho(id), '--id', id)
  const step = (action: string) => everybody((id) => rotating(action, id))

  /** A second ceremony for the next version, in folders of its own. */
  async function makeRho(version = 2): Promise<void> {
    const round = async (work: (id: number) => Promise<Answer>) => {
      for (const id of IDS) {
        const { toAll, confidential } = await work(id)
        for (const to of IDS.filter((other) => other !== id)) {
          const own = confidential.filter((name) => name.endsWith(`-to-${to}.json`))
          for (const name of [...toAll, ...own]) cpSync(join(rho(id), name), join(rho(to), name))
        }
      }
    }
    await round((id) => run('begin', rho(id), '--id', id, '--version', version))
    await round((id) => run('exchange', rho(id)))
    await round((id) => run('finish', rho(id)))
  }
  const bring = (...names: string[]) => {
    for (const name of names) copyFileSync(at(1, name), at('rho-registrar', name))
  }
  const elsewhereAt = (urls: ReadonlyMap<number, string>) => ({
    by: at('rho-registrar'),
    urls,
    plainHttp: false,
    clock: systemClock,
  })
  const PRODUCTS = ['product-1.json', 'product-2.json', 'product-3.json']

  it('moves every entry to a key that no folder ever had, and destroys what was, over HTTP', async () => {
    await holdCeremony()
    await gather()
    await makeRho()
    await gather('rho-')
    const [first, second] = syntheticPeople({ seed: 'rotation', count: 2 })
    const [present, multiplying] = await Promise.all([serve((id) => at(id)), serve(rho)])
    let registrar = await openRegistrarAt(present)
    try {
      const { token } = await registrar.enrol(first)
      expect((await step('multiply')).map(({ toAll }) => toAll)).toEqual(PRODUCTS.map((name) => [name]))
      const hashes = (await step('confirm')).map(({ hash }) => hash)
      expect(new Set(hashes).size).toBe(1)
      for (const id of IDS) expect(await rotating('rotate', id)).toMatchObject({ hash: hashes[0], epoch: 0 })
      await expect(rotating('adopt', 1)).rejects.toMatchObject(refusal(/^rotated\.json cannot be read$/))
      // Before the registrar moves anything, the key in use is the former one.
      expect(await registrar.enrol(first)).toMatchObject({ token, status: 'existing' })

      bring(...PRODUCTS)
      const elsewhere = elsewhereAt(multiplying.urls)
      // Between the moving and the retirement, as somebody meets it who is enrolled meanwhile.
      let during: Promise<unknown> | undefined
      const { registry } = registrar
      const retire: typeof registry.retire = async (...args) => {
        during ??= registrar.enrol(second).catch((error) => error)
        await during
        return registry.retire(...args)
      }
      const watched = { ...registrar, registry: { ...registry, retire } }
      const moved = await rotateEvaluatorsElsewhere(watched, elsewhere)
      expect(moved).toEqual({ version: 2, done: 1, retired: true, faults: [] })
      expect(await during).toMatchObject({ code: 'ERR_REGISTRY_ANCHOR_VERSION' })
      await expect(registrar.enrol(second)).rejects.toMatchObject({ code: 'ERR_TOKEN_QUORUM' })
      expect(await rotateEvaluatorsElsewhere(registrar, elsewhere)).toMatchObject({ done: 0, retired: true })
      for (const id of IDS) {
        copyFileSync(at('rho-registrar', 'rotated.json'), at(id, 'rotated.json'))
        expect(await rotating('adopt', id)).toMatchObject({ hash: hashes[0] })
        expect(existsSync(join(rho(id), `evaluator-${id}.json`))).toBe(false)
        expect(readdirSync(at(id)).filter((name) => /next|product|confirm|rotated/.test(name))).toEqual([])
      }

      // The evaluators that ran all the time take the new shares over, looking once in a second at most; one person is one entry,
      // under a new token.
      const again = await vi.waitFor(() => registrar.enrol(first), { timeout: 60_000, interval: 200 })
      expect(again.status).toBe('existing')
      expect(again.token).not.toEqual(token)
      expect(await registrar.registry.lookup(token)).toBeUndefined()
      expect(await registrar.enrol(second)).toMatchObject({ status: 'created' })
      await registrar.close()
      registrar = await openRegistrarAt(present)
      expect(await registrar.enrol(first)).toMatchObject({ status: 'existing', token: again.token })
    } finally {
      await registrar.close()
      await present.close()
      await multiplying.close()
    }
  })

  it('goes on where the registrar ended after the former key was retired, its key set not yet replaced', async () => {
    await holdCeremony()
    await gather()
    await makeRho()
    await gather('rho-')
    const [person] = syntheticPeople({ seed: 'rotation', count: 1 })
    const [present, multiplying] = await Promise.all([serve((id) => at(id)), serve(rho)])
    const former = readFileSync(at('registrar', 'evaluators.json'))
    const registrar = await openRegistrarAt(present)
    try {
      await registrar.enrol(person)
      await step('multiply')
      await step('confirm')
      for (const id of IDS) await rotating('rotate', id)
      bring(...PRODUCTS)
      await rotateEvaluatorsElsewhere(registrar, elsewhereAt(multiplying.urls))
      writeFileSync(at('registrar', 'evaluators.json'), former)
      // As the operator does; the issuer is not asked.
      await addCaller(at('credential.json'), 'registrar')
      const each = (option: string, urls: ReadonlyMap<number, string>) =>
        [...urls].flatMap(([id, url]) => [option, `${id}=${url}`])
      const again = () =>
        runCommand<JsonObject>(
          keys,
          ...['rotate', 'evaluators', '--keys', at('registrar'), '--store', at('registry.db')],
          ...['--issuer', 'http://127.0.0.1:1', '--issuer-credential', at('credential.json')],
          ...each('--evaluator', present.urls),
          ...['--by', at('rho-registrar')],
          ...each('--by-evaluator', multiplying.urls),
        )
      for (const said of [true, false]) {
        if (!said) rmSync(at('rho-registrar', 'rotated.json'))
        expect(await again()).toMatchObject({ version: 2, entries: 0, 'former retired': 'yes' })
        expect(json('registrar', 'evaluators.json')['version']).toBe(2)
        expect(existsSync(at('rho-registrar', 'rotated.json'))).toBe(true)
        if (said) writeFileSync(at('registrar', 'evaluators.json'), former)
      }
    } finally {
      await registrar.close()
      await present.close()
      await multiplying.close()
    }
  })

  it('names whose file is missing, altered or no product, and makes nothing before all have confirmed', async () => {
    await holdCeremony()
    await makeRho(3)
    await expect(rotating('multiply', 1)).rejects.toMatchObject(
      refusal(/^the ceremony of ρ must be for the next version/),
    )
    for (const id of IDS) rmSync(rho(id), { recursive: true })
    await makeRho()
    await step('multiply')
    await expect(rotating('multiply', 1)).rejects.toMatchObject(refusal(/^there is product-1\.json already$/))
    const refused = (action: string, detail: RegExp) =>
      expect(rotating(action, 1)).rejects.toMatchObject(refusal(detail))
    const product = at(1, 'product-2.json')
    const part = at(1, 'product-2-to-1.json')
    const [wholeProduct, wholePart] = [readFileSync(product, 'utf8'), readFileSync(part, 'utf8')]
    const mend = () => {
      writeFileSync(product, wholeProduct)
      writeFileSync(part, wholePart, { mode: 0o600 })
    }
    const third = json(1, 'product-3.json')
    const { commitments } = json(1, 'product-2.json') as { commitments: string[] }
    for (const [path, members, detail] of [
      [
        product,
        { commitments: third['commitments'] },
        /^participant 2: its product is not that of its shares/,
      ],
      [product, { proof: third['proof'] }, /^participant 2: its product is not that of its shares/],
      [
        product,
        { commitments: [...commitments, ...commitments] },
        /^participant 2: its product is not that of its shares/,
      ],
      [product, { proof: '' }, /^participant 2: its product is malformed/],
      [product, { rotation: 'x' }, /^participant 2: its product is of another ceremony: rotation/],
      [product, { id: 3 }, /^participant 2: its product is of another ceremony: id/],
      // What was not proved: another second commitment.
      [product, { commitments: [commitments[0], commitments[0]] }, /^participant 2: its part is of another/],
      [
        part,
        { part: json(1, 'product-3-to-1.json')['part'] },
        /^participant 2: its part does not fit its product/,
      ],
      [part, { format: 'ctid/refresh-part/v1' }, /^participant 2: its part is malformed/],
    ] as const) {
      change(path, members)
      await refused('confirm', detail)
      mend()
    }
    rmSync(product)
    await refused('confirm', /^2 products are here: everybody needs the same 3$/)
    mend()
    carry(1, await rotating('confirm', 1))
    await refused('rotate', /^participant 2: confirmation-2\.json is missing/)
    expect(existsSync(at(1, 'next'))).toBe(false)
    carry(2, await rotating('confirm', 2))
    carry(3, await rotating('confirm', 3))
    await rotating('rotate', 1)
    // Run again where a process ended, it makes nothing new; and another rotation's end is not this one's.
    expect(await rotating('rotate', 1)).toMatchObject({ epoch: 0 })
    // One that was given up left its next share: it is not taken for that of the rotation that is begun instead.
    cpSync(at(1, 'next'), at('given-up'), { recursive: true })
    rmSync(at(1, 'next'), { recursive: true })
    for (const id of IDS) for (const name of PRODUCTS) rmSync(at(id, name))
    await step('multiply')
    cpSync(at('given-up'), at(1, 'next'), { recursive: true })
    await refused('rotate', /^next is of another rotation/)
    const former = readFileSync(at(1, 'evaluator-1.json'), 'utf8')
    writeFileSync(at(1, 'rotated.json'), JSON.stringify({ format: 'ctid/rotated/v1', next: 'x' }))
    await refused('adopt', /^rotated\.json is of another rotation$/)
    expect(readFileSync(at(1, 'evaluator-1.json'), 'utf8')).toBe(former)
  })
})

it('takes a round of copies of 20 seconds at most', async () => {
  const token = at('token')
  writeFileSync(token, 'a-token-of-the-log-for-a-test', { mode: 0o600 })
  const key = formatNoteKey(noteSigner('log.example', LOG_SIGNATURE, systemRandom(32)).key)
  const log = ['--log', 'http://127.0.0.1:1/log', '--log-key', key, '--log-token', token]
  for (const mix of ['21', '-1', '1.5', 'x']) {
    await expect(runCommand(copies, 'publish', at('out'), ...log, `--mix=${mix}`)).rejects.toMatchObject({
      code: 'ERR_CLI_USAGE',
      detail: '--mix',
    })
  }
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
  ['multiply', 'DIR', '--id', '1'],
  ['burn', 'DIR'],
])('a wrong line writes nothing: %s %s', async (...args) => {
  const line = args.map((arg) => (arg === 'DIR' ? at('nothing') : arg))
  await expect(run(...line)).rejects.toMatchObject({ code: 'ERR_CLI_USAGE' })
  expect(existsSync(at('nothing'))).toBe(false)
})
