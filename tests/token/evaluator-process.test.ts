// Evaluators behind HTTP: files, authentication, limits, the durable count, and real separate processes.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  appendFile,
  chmod,
  type FileHandle,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Router } from 'express'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  authorizeCall,
  deriveAnchors,
  deriveAnchorsSampled,
  formatEvaluateRequest,
  httpEvaluator,
  localEvaluator,
  runRefresh,
} from '#ctid/token'
import { systemClock, systemRandom, toBase64url, utf8 } from '../../src/base/index.ts'
import { command } from '../../src/cli/commands/evaluator.ts'
import { type Share, scalarFromInt } from '../../src/crypto/index.ts'
import { EVALUATOR_MAX_BODY_BYTES, openEvaluatorService } from '../../src/http/evaluator.ts'
import { createApp, type Listening, listen } from '../../src/http/index.ts'
import { type Caller, newCaller, openCountLog, readShareFile, writeShareFile } from '../../src/token/node.ts'
import { ceremony, identities, seeded, sodium } from './fixtures.ts'

const { keySet, shares } = ceremony(2, 3, 'process')
const share = shares[0] as Share
const registrar = newCaller('registrar', { burst: 100, perHour: 3600 }, seeded('caller'))
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctid-evaluator-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('share file', () => {
  it('is private, complete, and reads back', async () => {
    const path = join(folder, 'share.json')
    const secrets = { share, keySet, callers: [registrar] }
    await writeShareFile(path, secrets)
    await writeShareFile(path, secrets)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readShareFile(path, sodium)).toEqual(secrets)
  })

  it('is refused when others may read it, when it is damaged, or when the share is not the published one', async () => {
    const path = join(folder, 'bad.json')
    const write = (text: string) => writeFile(path, text, { mode: 0o600 })
    const refused = (detail: string) =>
      expect(readShareFile(path, sodium)).rejects.toMatchObject({ code: 'ERR_TOKEN_SHARE_FILE', detail })
    await refused('cannot be read')
    await writeShareFile(path, { share: { ...share, secret: scalarFromInt(3) }, keySet, callers: [] })
    await refused('secret')
    await writeShareFile(path, { share, keySet, callers: [registrar, registrar] })
    await refused('callers')
    const good = { share, keySet, callers: [] }
    await writeShareFile(path, good)
    await chmod(path, 0o640)
    await refused('readable by others')
    await chmod(path, 0o600)
    await write('{"format":')
    await refused('not JSON')
    await write('{"format":"something else"}')
    await refused('format')
    await writeShareFile(path, good)
    await write((await readFile(path, 'utf8')).replace(/"secret": "[^"]+"/, `"secret": "${'A'.repeat(43)}"`))
    await refused('secret')
  })
})

describe('count log', () => {
  const entry = (elements: number) =>
    ({ time: 1000 + elements, caller: 'registrar', operation: 'evaluate', elements }) as const

  it('keeps every acknowledged entry in order, also when many are appended at once', async () => {
    const path = join(folder, 'count')
    const log = await openCountLog(path)
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.append(entry(i + 1))))
    const head = log.head()
    await log.close()
    const seen: number[] = []
    const again = await openCountLog(path, ({ elements }) => seen.push(elements))
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    expect(again.head()).toBe(head)
    expect(again.totals().get('registrar')).toBe(1275)
    await again.close()
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('refuses while the disk is full, and goes on when there is room, with no gap in the chain', async () => {
    const path = join(folder, 'full')
    const log = await openCountLog(path)
    await log.append(entry(1))
    const handle = await open(path)
    const { prototype } = handle.constructor as unknown as { prototype: FileHandle }
    await handle.close()
    // A disk that takes the first half of what is written.
    const full = vi.spyOn(prototype, 'appendFile').mockImplementation(async function (
      this: FileHandle,
      text,
    ) {
      await this.write(String(text).slice(0, 80))
      throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
    })
    for (const elements of [2, 3]) {
      await expect(log.append(entry(elements))).rejects.toMatchObject({ code: 'ERR_TOKEN_COUNT_LOG' })
    }
    full.mockRestore()
    await Promise.all([log.append(entry(4)), log.append(entry(5))])
    expect(log.totals().get('registrar')).toBe(10)
    const head = log.head()
    await log.close()
    const seen: number[] = []
    const again = await openCountLog(path, ({ elements }) => seen.push(elements))
    expect([seen, again.head()]).toEqual([[1, 4, 5], head])
    await again.close()
  })

  it('cuts an unfinished last line and goes on; refuses any edit', async () => {
    const path = join(folder, 'torn')
    const log = await openCountLog(path)
    await log.append(entry(1))
    await log.append(entry(2))
    await log.close()
    const whole = await readFile(path, 'utf8')
    await appendFile(path, '{"caller":"registrar","chain":"00')
    const after = await openCountLog(path)
    await after.append(entry(3))
    await after.close()
    expect((await readFile(path, 'utf8')).startsWith(whole)).toBe(true)
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    const edits = [
      [lines[1], lines[2]],
      [lines[0], lines[2]],
      [lines[0], lines[1]?.replace('"elements":2', '"elements":1'), lines[2]],
      ['not json', ...lines],
      ['x'.repeat(10_000)],
    ]
    for (const edited of edits) {
      await writeFile(path, `${edited.join('\n')}\n`)
      await expect(openCountLog(path)).rejects.toMatchObject({ code: 'ERR_TOKEN_COUNT_LOG' })
    }
  })
})

describe('service', () => {
  let now = systemClock()
  const other = newCaller('other', { burst: 10, perHour: 10 }, seeded('other'))
  const countLogPath = () => join(folder, 'service.count')
  const start = async (): Promise<{ server: Listening; stop: () => Promise<void> }> => {
    const service = await openEvaluatorService({
      secrets: { share, keySet, callers: [registrar, other] },
      group: sodium,
      countLogPath: countLogPath(),
      now: () => now,
      random: systemRandom,
    })
    const server = await listen(
      createApp({ routers: [service.router], maxBodyBytes: EVALUATOR_MAX_BODY_BYTES }),
    )
    return {
      server,
      stop: async () => {
        await server.close()
        await service.close()
      },
    }
  }
  const client = (url: string, caller: Caller, keys = keySet) =>
    httpEvaluator({
      id: 1,
      url,
      keySet: keys,
      credential: { caller: caller.name, secret: caller.secret },
      group: sodium,
      now: () => now,
      random: systemRandom,
    })
  const element = () => sodium.multiplyBase(sodium.randomScalar(systemRandom))
  const post = async (url: string, body: string, path = '/evaluate', caller: Caller | null = registrar) => {
    const bytes = utf8(body)
    const authorization = caller
      ? authorizeCall(
          { evaluator: 1, method: 'POST', path, body: bytes },
          { caller: caller.name, secret: caller.secret },
          { now, random: systemRandom },
        )
      : ''
    return fetch(new URL(path, url), {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization },
    })
  }

  it('answers what the local evaluator would, and shows key and health to anyone', async () => {
    const { server, stop } = await start()
    const sent = [element(), element()]
    const mine = await localEvaluator(share, { group: sodium, random: systemRandom }).evaluate(sent)
    expect((await client(server.url, registrar).evaluate(sent)).evaluated).toEqual(mine.evaluated)
    const key = (await (await fetch(`${server.url}/key`)).json()) as { publicKey: string }
    expect(key.publicKey).toBe(toBase64url(share.publicKey))
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({
      status: 'ok',
      evaluator: 1,
      version: 1,
      epoch: 0,
    })
    await stop()
  })

  it('can be mounted under a path, which the MAC covers', async () => {
    const service = await openEvaluatorService({
      secrets: { share, keySet, callers: [registrar] },
      group: sodium,
      countLogPath: join(folder, 'mounted.count'),
      now: () => now,
      random: systemRandom,
    })
    const server = await listen(createApp({ routers: [Router().use('/evaluators/1', service.router)] }))
    const answer = await client(`${server.url}/evaluators/1`, registrar).evaluate([element()])
    expect(answer.evaluated).toHaveLength(1)
    await server.close()
    await service.close()
  })

  it('takes a refreshed share over when it is asked for one, and not a share of somebody else', async () => {
    const next = runRefresh(keySet, shares, { group: sodium, random: systemRandom })
    let read = 0
    let found = { share: next.shares[1] as Share, keySet: next.keySet, callers: [] }
    const service = await openEvaluatorService({
      secrets: { share, keySet, callers: [registrar] },
      group: sodium,
      countLogPath: join(folder, 'refreshed.count'),
      now: () => now,
      random: systemRandom,
      readSecrets: async () => {
        read++
        return found
      },
    })
    const server = await listen(createApp({ routers: [service.router] }))
    const asked = () => client(server.url, registrar, next.keySet).evaluate([element()])
    await expect(asked()).rejects.toMatchObject({ detail: 'refused' })
    found = { ...found, share: next.shares[0] as Share }
    await expect(asked()).rejects.toMatchObject({ detail: 'refused' })
    expect(read).toBe(1)
    now += 1
    expect((await asked()).evaluated).toHaveLength(1)
    await server.close()
    await service.close()
  })

  it('refuses strangers, malformed bodies, points that are none, other versions, big batches, wrong quorums', async () => {
    const { server, stop } = await start()
    const elements = [element()]
    const good = formatEvaluateRequest({ version: 1, epoch: 0, elements })
    const code = async (response: Promise<Response>) =>
      ((await (await response).json()) as { code: string }).code
    const send = (body: unknown, path?: string) => code(post(server.url, JSON.stringify(body), path))
    expect(await code(post(server.url, '{}', '/evaluate', null))).toBe('ERR_TOKEN_CALLER')
    const stranger = newCaller('registrar', { burst: 1, perHour: 1 }, systemRandom)
    expect(await code(post(server.url, JSON.stringify(good), '/evaluate', stranger))).toBe('ERR_TOKEN_CALLER')
    expect(await code(post(server.url, '{'))).toBe('ERR_JSON_MALFORMED')
    expect(await send({ ...good, extra: 1 })).toBe('ERR_TOKEN_REQUEST')
    expect(await send({ ...good, elements: [] })).toBe('ERR_TOKEN_BATCH')
    expect(await send({ ...good, elements: new Array(1025).fill(good['elements']).flat() })).toBe(
      'ERR_TOKEN_BATCH',
    )
    expect(await send({ ...good, elements: ['A'.repeat(43)] })).toBe('ERR_CRYPTO_POINT')
    expect(await send({ ...good, elements: [toBase64url(new Uint8Array(32).fill(255))] })).toBe(
      'ERR_CRYPTO_POINT',
    )
    expect(await send({ ...good, version: 2 })).toBe('ERR_TOKEN_KEY_VERSION')
    expect(await send({ ...good, epoch: 1 })).toBe('ERR_TOKEN_KEY_VERSION')
    expect(await send({ ...good, quorum: [2, 3] })).toBe('ERR_TOKEN_REQUEST')
    expect(await send({ ...good, quorum: [1] })).toBe('ERR_TOKEN_REQUEST')
    expect(await send({ ...good, quorum: [1, 9] })).toBe('ERR_TOKEN_REQUEST')
    expect(await send({ ...good, quorum: [1, 1] })).toBe('ERR_TOKEN_REQUEST')
    expect(await send(good, '/prove')).toBe('ERR_TOKEN_REQUEST')
    expect((await post(server.url, 'x'.repeat(EVALUATOR_MAX_BODY_BYTES + 1))).status).toBe(413)
    await stop()
  })

  it('limits each caller by itself, says when to come back, and forgets nothing over a restart', async () => {
    await rm(countLogPath())
    let { server, stop } = await start()
    const eight = formatEvaluateRequest({
      version: 1,
      epoch: 0,
      elements: Array.from({ length: 8 }, element),
    })
    const ask = (caller: Caller) => post(server.url, JSON.stringify(eight), '/evaluate', caller)
    expect((await ask(other)).status).toBe(200)
    const second = await ask(other)
    expect(second.status).toBe(429)
    expect(Number(second.headers.get('retry-after'))).toBe(6 * 360)
    expect((await ask(registrar)).status).toBe(200)
    await stop()

    ;({ server, stop } = await start())
    expect((await ask(other)).status).toBe(429)
    await expect(
      client(server.url, other).evaluate(Array.from({ length: 8 }, element)),
    ).rejects.toMatchObject({ code: 'ERR_TOKEN_EVALUATOR', detail: 'refused' })
    now += 6 * 360
    expect((await ask(other)).status).toBe(200)
    await stop()

    const entries: unknown[] = []
    const log = await openCountLog(countLogPath(), (entry) => entries.push(entry))
    expect(log.totals()).toEqual(
      new Map([
        ['other', 16],
        ['registrar', 8],
      ]),
    )
    await log.close()
    expect(entries).toHaveLength(3)
    const text = await readFile(countLogPath(), 'utf8')
    for (const sent of eight['elements'] as string[]) expect(text).not.toContain(sent)
  })

  it('will not be spoken to in clear from another machine', () => {
    expect(() => client('http://evaluator.example/', registrar)).toThrowError(
      expect.objectContaining({ code: 'ERR_TOKEN_REQUEST' }),
    )
  })

  it('treats oversize, malformed and redirected answers as faults', async () => {
    const answering = (make: () => Response) =>
      httpEvaluator({
        id: 1,
        url: 'https://evaluator.example',
        keySet,
        credential: { caller: 'registrar', secret: registrar.secret },
        group: sodium,
        now: () => now,
        random: systemRandom,
        fetch: async () => make(),
      }).evaluate([element()])
    for (const body of [
      '',
      '[]',
      '{}',
      '{"evaluated":[],"proof":""}',
      `{"evaluated":["${'A'.repeat(43)}"]}`,
      'x'.repeat(200_000),
    ]) {
      await expect(answering(() => new Response(body))).rejects.toMatchObject({ detail: 'malformed' })
    }
    await expect(answering(() => new Response('{}', { status: 500 }))).rejects.toMatchObject({
      detail: 'refused',
    })
  })
})

describe('as separate processes', () => {
  const children: ChildProcess[] = []
  afterAll(() => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  })

  async function launch(index: number): Promise<{ child: ChildProcess; url: string }> {
    const path = join(folder, `evaluator-${index + 1}.json`)
    await writeShareFile(path, { share: shares[index] as Share, keySet, callers: [registrar] })
    const script = join(import.meta.dirname, '../../src/cli/main.ts')
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', script, 'evaluator', '--share', path, '--json'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    children.push(child)
    const { value } = await createInterface({ input: child.stdout as NodeJS.ReadableStream })
      [Symbol.asyncIterator]()
      .next()
    const ready = JSON.parse(String(value)) as { ready: boolean; url: string; evaluator: number }
    expect(ready).toMatchObject({ ready: true, evaluator: index + 1 })
    return { child, url: ready.url }
  }

  it('three evaluators derive anchors; one is killed and named; the others stop in order', async () => {
    const running = await Promise.all([0, 1, 2].map(launch))
    const evaluators = running.map(({ url }, i) =>
      httpEvaluator({
        id: i + 1,
        url,
        keySet,
        credential: { caller: 'registrar', secret: registrar.secret },
        group: sodium,
        now: systemClock,
        random: systemRandom,
      }),
    )
    const options = { evaluators, keySet, group: sodium, random: systemRandom }
    const ids = identities(4)
    const inProcess = shares.map((own) => localEvaluator(own, { group: sodium, random: systemRandom }))
    const expected = await deriveAnchors(ids, { ...options, evaluators: inProcess })
    expect(await deriveAnchors(ids, options)).toEqual(expected)
    expect(await deriveAnchorsSampled(ids, { ...options, proveOneIn: 1 })).toMatchObject({
      anchors: expected.anchors,
      faults: [],
      proved: 1,
    })

    running[0]?.child.kill('SIGKILL')
    await new Promise((resolve) => running[0]?.child.once('exit', resolve))
    const after = await deriveAnchors(ids, options)
    expect(after).toEqual({ anchors: expected.anchors, faults: [{ evaluator: 1, reason: 'unreachable' }] })

    const exits = running
      .slice(1)
      .map(({ child }) => new Promise((resolve) => child.once('exit', (code) => resolve(code))))
    for (const { child } of running.slice(1)) child.kill('SIGTERM')
    expect(await Promise.all(exits)).toEqual([0, 0])
    // Evaluator 1 answered 4 + 4 and proved 4 before it was killed; 2 answered 4 more; 3 only the last.
    for (const [i, answered] of [12, 16, 4].entries()) {
      const log = await openCountLog(join(folder, `evaluator-${i + 1}.json.count`))
      expect(log.totals().get('registrar')).toBe(answered)
      await log.close()
    }
  })
})

describe('command line', () => {
  const io = { ...silent(), untilStopped: () => Promise.resolve() }

  it('refuses a wrong line, and a share file that is missing', async () => {
    for (const args of [[], ['--share', 'x', '--port', '70000'], ['--share', 'x', '--port', 'http']]) {
      await expect(command.run(args, io)).rejects.toMatchObject({ code: 'ERR_CLI_USAGE' })
    }
    const missing = join(folder, 'missing.json')
    await expect(command.run(['--share', missing], io)).rejects.toMatchObject({
      code: 'ERR_TOKEN_SHARE_FILE',
    })
  })

  it('says where it listens and stops in order', async () => {
    const path = join(folder, 'cli.json')
    await writeShareFile(path, { share, keySet, callers: [] })
    const lines: string[] = []
    expect(await command.run(['--share', path], { ...io, out: (line) => lines.push(line) })).toBe(0)
    expect(lines[0]).toMatch(/^evaluator 1, key version 1, epoch 0: http:\/\/127\.0\.0\.1:\d+$/)
  })
})

function silent() {
  return { out() {}, err() {}, isTerminal: false, env: {}, readStdin: async () => '' }
}
