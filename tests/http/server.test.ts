// The frame of every service: problem documents, body limits, safe headers, nothing of the input in an answer.
import { Agent, get } from 'node:http'
import { Router } from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CtidError } from '#ctid/base'
import { createApp, type Listening, listen, readJson } from '#ctid/http'

let server: Listening
const internal: unknown[] = []

beforeAll(async () => {
  const router = Router()
  router.post('/echo', (request, response) => {
    response.json({ members: Object.keys(readJson(request)) })
  })
  router.get('/known', () => {
    throw new CtidError('ERR_CRYPTO_PROOF', { detail: 'evaluator 2' })
  })
  router.get('/broken', async () => {
    throw new Error('secret 110105194912310025')
  })
  server = await listen(
    createApp({ routers: [router], maxBodyBytes: 1000, onInternal: (error) => internal.push(error) }),
  )
})
afterAll(() => server.close())

const post = (body: BodyInit, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  fetch(`${server.url}/echo`, { method: 'POST', body, headers })

describe('a service', () => {
  it('answers with safe headers and without its maker’s name', async () => {
    const response = await post('{"a":1}')
    expect(await response.json()).toEqual({ members: ['a'] })
    expect(response.headers.get('x-powered-by')).toBeNull()
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    ['{"a":1', 400, 'ERR_JSON_MALFORMED'],
    ['{"a":1,"a":2}', 400, 'ERR_JSON_DUPLICATE_KEY'],
    [new Uint8Array([0x7b, 0xff, 0x7d]), 400, 'ERR_JSON_MALFORMED'],
    ['x'.repeat(1001), 413, 'ERR_HTTP_BODY_TOO_LARGE'],
  ])('refuses %j with %i %s', async (body, status, code) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code })
  })

  it('refuses other media types and compressed bodies', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415)
    const compressed = await post('{}', { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    expect(compressed.status).toBe(415)
  })

  it('names the check that failed, and nothing of an unexpected error', async () => {
    const known = await fetch(`${server.url}/known`)
    expect(await known.json()).toMatchObject({ status: 400, code: 'ERR_CRYPTO_PROOF' })
    const broken = await fetch(`${server.url}/broken`)
    expect(broken.status).toBe(500)
    expect(await broken.text()).not.toContain('1101')
    expect(internal).toHaveLength(1)
    const missing = await fetch(`${server.url}/110105194912310025`)
    expect(missing.status).toBe(404)
    expect(await missing.text()).not.toContain('1101')
  })

  it('says so when the port is taken', async () => {
    await expect(listen(createApp({ routers: [] }), { port: server.port })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_HTTP_LISTEN' }),
    )
  })
})

it('that ends under load answers whatever an open connection has asked', async () => {
  const router = Router()
  router.get('/', (_request, response) => void setTimeout(() => response.json({}), 5))
  const ending = await listen(createApp({ routers: [router] }))
  const agent = new Agent({ keepAlive: true, maxSockets: 24 })
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      const outgoing = get({ agent, port: ending.port, host: '127.0.0.1' }, (incoming) => {
        incoming.resume().on('end', () => resolve('answered'))
      })
      outgoing.on('error', (error: { code?: string }) =>
        resolve(outgoing.reusedSocket ? 'cut off' : (error.code ?? 'failed')),
      )
    })
  const outcomes = new Set<string>()
  const callers = Array.from({ length: 24 }, async () => {
    for (let last = ''; last === '' || last === 'answered'; outcomes.add(last)) last = await ask()
  })
  while (!outcomes.has('answered')) await new Promise((resolve) => setTimeout(resolve, 100))
  await ending.close()
  await Promise.all(callers)
  expect([...outcomes]).not.toContain('cut off')
})
