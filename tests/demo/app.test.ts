// The demo's server without a browser: safe headers, whole words in both languages, refusals without a trace of the input.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { composePage, readPreferences } from '../../demo/compose.ts'
import { pages } from '../../demo/pages.ts'
import { walkIns } from '../../demo/parties/town.ts'
import { reasonNames, say, shellWords, type Words } from '../../demo/ui/words.ts'
import { type Demo, startDemo } from './browser.ts'

const markupOf = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../demo/pages/${name}/page.html`, import.meta.url)), 'utf8')

describe('pages', () => {
  it.each(pages.map((page) => [page.name, page] as const))(
    '%s has all its words, in both languages',
    (_name, page) => {
      const words: Words = { ...shellWords, ...reasonNames, ...page.words }
      for (const [key, [english, chinese]] of Object.entries(words)) {
        expect(english.trim(), key).not.toBe('')
        // Only the switch to English is written in English on the Chinese side.
        const isChinese = /[\u3400-\u9fff]/.test(chinese) || !/[a-z]/i.test(chinese.replace(/\{\w+\}/g, ''))
        if (!key.startsWith('shell.language')) expect(isChinese, key).toBe(true)
        const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort()
        expect(holes(chinese), key).toEqual(holes(english))
      }
      const html = composePage(page, markupOf(page.name), { language: 'zh', caring: false })
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/)
      expect([...html.matchAll(/data-t="[^"]+"[^>]*><\//g)]).toEqual([])
    },
  )

  it('takes the language from the cookie, else from the browser', () => {
    expect(readPreferences('ctid_lang=zh; ctid_caring=1', 'en').language).toBe('zh')
    expect(readPreferences(undefined, 'zh-CN,zh;q=0.9,en').language).toBe('zh')
    expect(readPreferences('ctid_lang="><script>', 'fr').language).toBe('en')
    expect(() => say({}, 'en', 'missing')).toThrow('no words')
  })
})

describe('the server', () => {
  let demo: Demo
  beforeAll(async () => {
    demo = await startDemo()
  })
  afterAll(() => demo?.stop())

  const post = (path: string, body: unknown) =>
    fetch(demo.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  it('sends a strict policy with every answer', async () => {
    for (const path of [
      ...pages.map((page) => page.path),
      '/assets/front.js',
      '/sw.js',
      '/console/rows',
      '/nothing',
    ]) {
      const response = await fetch(demo.url + path)
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy, path).toContain("default-src 'self'")
      expect(policy, path).not.toMatch(/unsafe|\*|https?:/)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('referrer-policy')).toBe('no-referrer')
      expect(response.headers.get('x-powered-by')).toBeNull()
    }
  })

  it('is deaf to pages of other sites, and to names that are not of this machine', async () => {
    const { port } = new URL(demo.url)
    const ask = (method: string, path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const type = { 'content-type': 'application/json' }
        request({ host: '127.0.0.1', port, method, path, headers: { ...type, ...headers } }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
          .once('error', reject)
          .end()
      })
    const own = `127.0.0.1:${port}`
    // A page whose name was made to point here would be of one origin with the consoles.
    expect(await ask('GET', '/console/rows', { host: `evil.example:${port}` })).toBe(404)
    expect(await ask('GET', '/console/rows', { host: own })).toBe(200)
    expect(await ask('GET', '/console/rows', { host: `localhost:${port}` })).toBe(200)
    // Without a body a browser asks nobody before it sends.
    for (const origin of ['http://evil.example', `http://127.0.0.1:${Number(port) + 1}`, 'null']) {
      for (const path of ['/console/refresh', '/health-console/scenario', '/log-console/reset'])
        expect(await ask('POST', path, { host: own, origin }), path).toBe(404)
    }
    expect(await ask('POST', '/console/refresh', { host: own, origin: `http://${own}` })).toBe(200)
    // Wallets of elsewhere may bring their answers.
    expect(await ask('POST', '/open/nonce', { host: own, origin: 'https://wallet.example' })).toBe(200)
    const rows = await fetch(`${demo.url}/console/rows`)
    expect(rows.headers.get('cache-control')).toBe('no-store')
  })

  it('loads nothing from elsewhere', async () => {
    for (const { path, name } of pages) {
      const html = await (await fetch(demo.url + path)).text()
      const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
      expect(addresses.filter((address) => !/^[/#]/.test(address))).toEqual([])
      expect((await fetch(`${demo.url}/assets/${name}.js`)).status).toBe(200)
    }
  })

  it('answers bad input with a problem that repeats none of it', async () => {
    const person = walkIns()[0]
    const wrong = { ...person, documentNumber: `${person?.['documentNumber']?.slice(0, 17)}?` }
    const cases: [string, unknown, number][] = [
      ['/registrar/enrol', '{"document":', 400],
      ['/registrar/enrol', '{"a":1,"a":2}', 400],
      ['/registrar/enrol', { document: wrong, key: {} }, 400],
      ['/registrar/enrol', { document: 'x'.repeat(70_000) }, 413],
      ['/desk', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 400],
      ['/desk', { request: 7 }, 400],
      ['/console/step', { entry: 'zz', action: 'freeze', reason: 'holder-request' }, 400],
      ['/console/step', { entry: '0'.repeat(32), action: 'freeze', reason: 'holder-request' }, 404],
      ['/console/rotate', { kind: 'everything' }, 400],
    ]
    for (const [path, body, status] of cases) {
      const response = await post(path, body)
      const text = await response.text()
      expect(response.status, `${path} ${text}`).toBe(status)
      expect(JSON.parse(text).code).toMatch(/^ERR_/)
      expect(text).not.toContain(person?.['documentNumber']?.slice(0, 17))
      expect(text).not.toContain('xxxx')
    }
  })

  it('takes a step only for a reason from the closed list', async () => {
    const { rows } = (await (await fetch(`${demo.url}/console/rows`)).json()) as { rows: { entry: string }[] }
    const step = { entry: rows[0]?.entry, action: 'freeze' }
    expect((await post('/console/step', { ...step, reason: 'because' })).status).toBe(400)
    expect((await post('/console/step', { ...step, reason: 'court-order' })).status).toBe(200)
    expect((await post('/console/step', { ...step, reason: 'court-order' })).status).toBe(409)
  })

  it('gives every row the same look: no name, no number, only the beginning of a token', async () => {
    const { rows } = (await (await fetch(`${demo.url}/console/rows`)).json()) as {
      rows: Record<string, unknown>[]
    }
    expect(rows.length).toBeGreaterThan(10)
    for (const row of rows) {
      expect(Object.keys(row).sort()).toEqual(['entry', 'events', 'since', 'state', 'token', 'tokenVersion'])
      expect(row['token']).toMatch(/^[0-9a-f]{16}$/)
    }
  })
})

describe('the start of the demo', () => {
  const start = (env: Record<string, string>) =>
    new Promise<{ code: unknown; words: string }>((resolve) => {
      const server = join(import.meta.dirname, '../../demo/server.ts')
      const options = { env: { ...process.env, ...env } }
      execFile(process.execPath, ['--import', 'tsx', server], options, (error, _, words) =>
        resolve({ code: error?.code ?? 0, words }),
      )
    })

  it('says in one line why there is none', async () => {
    const [port, folder] = await Promise.all([
      start({ PORT: 'web' }),
      start({ PORT: '1', CTID_STATE: join(import.meta.filename, 'state') }),
    ])
    expect(port).toEqual({ code: 2, words: 'PORT is a number from 1 to 65535.\n' })
    expect(folder).toEqual({ code: 3, words: 'Keys or town cannot be read or written (ENOTDIR).\n' })
  })
})
