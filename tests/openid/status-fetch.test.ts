// Fetching a status list from an address in a credential: what is followed, and where it ends.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fetchStatusToken } from '../../src/cli/status-fetch.ts'

const TYPE = 'application/statuslist+jwt'
let server: Server
let url: string
const paths: Record<string, RequestListener> = {
  '/list': (_request, response) => response.setHeader('content-type', `${TYPE}; charset=utf-8`).end('a.b.c'),
  '/moved': (_request, response) => response.writeHead(301, { location: '/list' }).end(),
  '/moved-twice': (_request, response) => response.writeHead(307, { location: `${url}/moved` }).end(),
  '/loop': (_request, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/nowhere': (_request, response) => response.writeHead(302).end(),
  '/file': (_request, response) => response.writeHead(302, { location: 'file:///etc/hostname' }).end(),
  '/page': (_request, response) => response.setHeader('content-type', 'text/html').end('<p>'),
  '/error': (_request, response) => response.writeHead(500, { 'content-type': TYPE }).end('a.b.c'),
  '/endless': (_request, response) => {
    response.setHeader('content-type', TYPE)
    const timer = setInterval(() => response.write('a'.repeat(1_000_000)), 1)
    response.on('close', () => clearInterval(timer))
  },
}

beforeAll(async () => {
  server = createServer((request, response) => paths[request.url ?? '']?.(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.closeAllConnections())

it.each(['/list', '/moved', '/moved-twice'])('%s gives the list', async (path) => {
  expect(await fetchStatusToken(url + path)).toBe('a.b.c')
})

it.each(['/loop', '/nowhere', '/file', '/page', '/error'])('%s gives none', async (path) => {
  await expect(fetchStatusToken(url + path)).rejects.toMatchObject({ code: 'ERR_STATUS_UNAVAILABLE' })
})

it('a list without end is cut off', async () => {
  await expect(fetchStatusToken(`${url}/endless`)).rejects.toMatchObject({
    code: 'ERR_STATUS_LIST_TOO_LARGE',
  })
})

it.each(['file:///etc/hostname', 'data:text/plain,a.b.c', 'ftp://example.org/'])(
  '%s is not an address',
  async (uri) => {
    await expect(fetchStatusToken(uri)).rejects.toMatchObject({ code: 'ERR_STATUS_UNAVAILABLE' })
  },
)
