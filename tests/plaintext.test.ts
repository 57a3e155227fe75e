// Guarantee G3: a whole run, enrolment to verification, and then every byte it left anywhere outside the wallet
// is searched for its people: names, numbers, birth dates, in every encoding, and every plain hash of the numbers.
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Router } from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '#ctid/base'
import { asProvenKey, presentCredential } from '#ctid/credential'
import { generateSigner, loadSodiumGroup } from '#ctid/crypto'
import { type Deployment, openDeployment, openKeyring, shareFile } from '#ctid/deployment'
import { bodyBytes, createApp, type Listening, listen } from '#ctid/http'
import { type LegalRecord, syntheticDocuments } from '#ctid/identity'
import { decodeBase45, makeCode } from '#ctid/qr'
import { type EvaluatorService, openEvaluatorService } from '../src/http/evaluator.ts'
import { issuerStatusRouter } from '../src/http/issuer-status.ts'
import { readShareFile } from '../src/token/node.ts'
import { leaksIn, type Trace } from './leaks.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctid-plaintext-'))
const people: LegalRecord[] = []
/** Everything that left a party, by where it was found. */
const traces: Trace[] = []
const trace = (where: string, content: string | Uint8Array) =>
  traces.push({ where, bytes: typeof content === 'string' ? Buffer.from(content) : Buffer.from(content) })

let system: Deployment

const evaluators: { service: EvaluatorService; server: Listening }[] = []

// The evaluators run behind HTTP, so that what the registrar tells them is on record.
async function startEvaluators(keysFolder: string): Promise<Map<number, string>> {
  const group = await loadSodiumGroup()
  await openKeyring(keysFolder, {
    group,
    random: systemRandom,
    now: systemClock(),
    baseUrl: 'http://localhost',
  })
  const urls = new Map<number, string>()
  for (const id of [1, 2, 3]) {
    const service = await openEvaluatorService({
      secrets: await readShareFile(shareFile(keysFolder, id), group),
      group,
      countLogPath: join(folder, `counts-${id}.log`),
      now: systemClock,
      random: systemRandom,
    })
    const listener = Router().use((request, _response, next) => {
      trace('request to an evaluator', bodyBytes(request))
      next()
    })
    const server = await listen(createApp({ routers: [listener, service.router] }))
    evaluators.push({ service, server })
    urls.set(id, server.url)
  }
  return urls
}

beforeAll(async () => {
  const keysFolder = join(folder, 'keys')
  system = await openDeployment({
    keysFolder,
    storeUrl: join(folder, 'ctid.db'),
    clock: systemClock,
    random: systemRandom,
    evaluatorUrls: await startEvaluators(keysFolder),
  })
  for (const document of syntheticDocuments({ seed: 'plaintext', count: 12 })) {
    const { token, record } = await system.enrol(document)
    people.push(record)
    trace('token', token)
    const holder = await generateSigner()
    const [copy] = await system.issue(token, record, [asProvenKey(holder.publicJwk)])
    if (!copy) throw new Error('no copy')
    trace('attestation', copy.attestation)
    const code = await makeCode(copy.attestation, holder, { now: systemClock() })
    trace('code as text', code)
    trace('code as bytes', decodeBase45(code.slice(5)))
    const binding = { holder, audience: 'x509_hash:verifier', nonce: 'n', now: systemClock() }
    trace('presentation', await presentCredential(copy.credential, { disclose: [], binding }))
    trace(
      'presentation, payload',
      presentedPayloads(await presentCredential(copy.credential, { disclose: [] })),
    )
  }
  for (const bad of [{ ...people[0], documentNumber: '110105194912310021' }, { name: people[0]?.name }]) {
    await system.enrol(bad).catch((error: Error) => trace('error', `${error.message} ${error.stack}`))
  }
  await traceHttp()
  trace('trust list', await system.trustList())
  await system.close()
  for (const { service, server } of evaluators) {
    await server.close()
    await service.close()
  }
  for (const file of readdirSync(folder).filter((name) => /^(ctid\.db|counts)/.test(name))) {
    trace(`file ${file}`, readFileSync(join(folder, file)))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function presentedPayloads(presentation: string): string {
  return presentation
    .split(/[.~]/)
    .map((part) => Buffer.from(part, 'base64url').toString('utf8'))
    .join('\n')
}

async function traceHttp(): Promise<void> {
  const server = await listen(
    createApp({ routers: [issuerStatusRouter({ publisher: system.statusPublisher })] }),
  )
  for (const path of ['/status/0', '/status/9', `/${people[0]?.documentNumber}`]) {
    const response = await fetch(server.url + path)
    trace(`HTTP ${path.slice(0, 8)}`, `${JSON.stringify([...response.headers])}${await response.text()}`)
  }
  await server.close()
}

describe('no plaintext', () => {
  it('is found of anybody in anything that left a party', () => {
    expect(traces.length).toBeGreaterThan(100)
    expect(leaksIn(traces, people)).toEqual([])
  })

  it('would be found if it were there, hidden in a hash or an encoding', () => {
    const number = people[3]?.documentNumber ?? ''
    const sm3 = createHash('sm3').update(number).digest()
    const base64 = Buffer.from(`{"id":"${Buffer.from(number).toString('base64')}"}`)
    expect(leaksIn([{ where: 'a table', bytes: Buffer.concat([systemRandom(9), sm3]) }], people)).toEqual([
      'documentNumber as sm3 in a table',
    ])
    expect(leaksIn([{ where: 'a log', bytes: base64 }], people)).toContain(
      'documentNumber as base64, 0 bytes in in a log',
    )
  })
})
