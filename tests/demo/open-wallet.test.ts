// The open protocols in a browser: its wallet fetches by an offer and answers questions, on one device, across two and
// through the browser's own interface; other people's wallets find the same doors.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { systemClock } from '#ctid/base'
import { generateSigner, importVerifyKey } from '#ctid/crypto'
import { type Holding, presentTo, receiveCredentials } from '#ctid/openid'
import { checkChain } from '../../src/trust/node.ts'
import { random } from '../openid/system.ts'
import { findChromium, open, scene } from './browser.ts'

const executable = findChromium()

describe.skipIf(!executable)('the open protocols in a browser', () => {
  const town = scene(executable)

  const page = (): Promise<Page> => town.visit('/open-wallet')
  const take = async (tab: Page) => {
    await tab.click('#offer-form button')
    await tab.click('#take')
    await tab.waitForSelector('#held .badge.ok')
  }
  const fresh = (tab: Page) => tab.locator('#held .badge.ok').count()

  it('a wallet in the browser fetches three copies and shows one; a second question costs a second copy', async () => {
    const tab = await page()
    await take(tab)
    expect(await fresh(tab)).toBe(3)
    for (const left of [2, 1]) {
      await tab.click('#ask-here')
      await expect.poll(() => tab.textContent('#consent li')).toBe('age_equal_or_over.18')
      await tab.click('#consent .primary')
      await tab.waitForSelector('#asked [data-state="accepted"]')
      await expect.poll(() => tab.textContent('#asked dl')).toContain('true')
      expect(await fresh(tab)).toBe(left)
    }
  })

  it('refusing shows nothing and spends nothing', async () => {
    const tab = await page()
    await take(tab)
    await tab.click('#ask-here')
    await tab.click('#consent button:not(.primary)')
    await tab.waitForSelector('#asked [data-state="declined"], #asked p')
    expect(await fresh(tab)).toBe(3)
  })

  it('a transaction code is asked for, and a wrong one fetches nothing', async () => {
    const tab = await page()
    await tab.check('#with-code')
    await tab.click('#offer-form button')
    const link = (await tab.textContent('.link-text')) ?? ''
    await tab.fill('#link', link)
    await tab.fill('#code', '12345')
    await tab.click('#link-form button')
    await tab.waitForSelector('#notice .bad')
    await tab.click('#take')
    await tab.waitForSelector('#held .badge.ok')
  })

  it('another wallet answers the code on the screen, and the page that asked has the result', async () => {
    const tab = await page()
    await tab.click('#offer-form button')
    const offer = (await tab.textContent('#offer .link-text')) ?? ''
    const { credentials, keys } = await receiveCredentials(offer, {
      fetch,
      clock: systemClock,
      random,
      dpopKey: await generateSigner(),
      createKey: generateSigner,
    })
    await tab.selectOption('#question', 'name')
    await tab.click('#ask-qr')
    const request = (await tab.textContent('#asked .link-text')) ?? ''
    const anchor = await (await fetch(`${town.demo.url}/anchor.pem`)).text()
    const holdings = credentials.map((credential, at) => ({ credential, key: keys[at] })) as Holding[]
    await presentTo(request, {
      fetch,
      clock: systemClock,
      random,
      holdings,
      resolveVerifier: async (header, now) => {
        const chain = checkChain(header['x5c'], { anchors: [anchor], now })
        return { ...chain, verifyKey: await importVerifyKey(chain.publicJwk), name: chain.subject }
      },
    })
    await tab.waitForSelector('#asked [data-state="accepted"]')
    await expect.poll(() => tab.textContent('#asked dl')).toContain('birthdate')
  })

  it('the browser is asked where it has the Digital Credentials API, with a signed request for this page only', async () => {
    const context = await town.browser.newContext()
    await context.addInitScript(() => {
      Object.assign(globalThis, { DigitalCredential: class {} })
      navigator.credentials.get = async (options) => {
        Object.assign(globalThis, { asked: options })
        return { data: { error: 'access_denied' } } as never
      }
    })
    const tab = await open(context, `${town.demo.url}/open-wallet`)
    await tab.click('#ask-browser')
    await tab.waitForSelector('#asked [data-state="declined"]')
    const [request] = await tab.evaluate(
      () => (globalThis as never as { asked: { digital: { requests: [Asked] } } }).asked.digital.requests,
    )
    expect(request.protocol).toBe('openid4vp-v1-signed')
    const payload = JSON.parse(Buffer.from(request.data.request.split('.')[1] ?? '', 'base64url').toString())
    expect(payload).toMatchObject({ response_mode: 'dc_api.jwt', expected_origins: [town.demo.url] })
  })

  it('without that interface the page says so', async () => {
    const tab = await page()
    const has = await tab.evaluate(() => 'DigitalCredential' in globalThis)
    await expect.poll(() => tab.isVisible('#ask-browser')).toBe(has)
    await expect.poll(() => tab.isVisible('#no-browser-api')).toBe(!has)
  })
})

type Asked = { readonly protocol: string; readonly data: { readonly request: string } }
