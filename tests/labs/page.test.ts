// The labs page in a browser: a lab run in the page, one on the server, an answer checked, by keyboard, on a phone, in Chinese.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '#ctid/http'
import { createDemo } from '../../demo/app.ts'
import { findChromium, launch, open } from '../demo/browser.ts'

const executable = findChromium()

describe.skipIf(!executable)('the labs page', () => {
  let browser: Browser
  let server: Awaited<ReturnType<typeof listen>>

  beforeAll(async () => {
    const errors: unknown[] = []
    server = await listen(await createDemo({ routers: [], onInternal: (error) => errors.push(error) }), {
      port: 0,
    })
    browser = await launch(executable ?? '')
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  it('lists twelve labs, and runs one in the browser, with figures and their tables', async () => {
    const page = await open(await browser.newContext({ locale: 'en-GB' }), `${server.url}/labs`)
    expect(await page.locator('#labs a').count()).toBe(12)
    // By keyboard: the link, then the button.
    await page.locator('#labs a').nth(5).focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('#run-here')
    await page.focus('#run-here')
    await page.keyboard.press('Enter')
    const naive = page.locator('[data-side="naive"]')
    await naive.waitFor()
    expect(Number(await naive.getAttribute('data-successes'))).toBeGreaterThan(0)
    expect(await page.locator('[data-side="ours"]').getAttribute('data-successes')).toBe('0')
    const picture = page.locator('figure img').first()
    expect(await picture.getAttribute('alt')).not.toBe('')
    expect(
      await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth)),
    ).toBeGreaterThan(300)
    await page.locator('figure summary').first().click()
    expect(await page.locator('figure table').first().locator('tbody tr').count()).toBe(6)
    expect(await page.locator('#run-state').innerText()).toBe('Done.')
  })

  it('runs the other labs of the browser there too (all with CTID_FULL)', async () => {
    const page = await open(await browser.newContext({ locale: 'en-GB' }), `${server.url}/labs`)
    for (const id of process.env['CTID_FULL'] ? ['01', '03', '08', '10'] : ['03', '10']) {
      await page.goto(`${server.url}/labs#${id}`)
      await page.click('#run-here')
      await page.waitForSelector('[data-side="ours"][data-successes="0"]')
    }
  })

  it('runs a lab on the server with progress, on a phone, in Chinese, and checks answers', async () => {
    const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'zh-CN' })
    const page = await open(phone, `${server.url}/labs#07`)
    expect(await page.locator('h1:visible').innerText()).toContain('日志的两副面孔')
    expect(await page.locator('#run-here').count()).toBe(0)
    await page.click('#run-server')
    await page.waitForSelector('[data-side="ours"]')
    expect(await page.locator('#progress li').count()).toBe(4)
    expect(await page.locator('figure').count()).toBe(2)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(overflow).toBeLessThanOrEqual(0)

    await page.fill('#answer-0', '3')
    await page.locator('form.exercise').first().locator('button').click()
    await page.waitForSelector('[data-right="false"]')
    await page.fill('#answer-0', '4')
    await page.locator('form.exercise').first().locator('button').click()
    await page.waitForSelector('[data-right="true"]')
  })

  it('refuses a second run meanwhile, and what does not exist', async () => {
    const post = (path: string, body: object) =>
      fetch(`${server.url}/labs/api/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const running = await post('05/run', { seed: 'one' })
    expect((await post('06/run', { seed: 'two' })).status).toBe(503)
    const lines = (await running.text()).trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toHaveProperty('result')
    expect((await post('06/run', { seed: 'two' })).status).toBe(200)
    expect((await post('99/run', {})).status).toBe(404)
    expect((await post('01/answer', { exercise: 7, answer: '1' })).status).toBe(404)
  })
})
