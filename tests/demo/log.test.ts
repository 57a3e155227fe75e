// The log explorer in a browser: everything verifies, a changed entry and a rolled-back log are both caught.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, findChromium, launch, open, startDemo } from './browser.ts'

const executable = findChromium()

describe.skipIf(!executable || !process.env['CTID_FULL'])('the log in a browser', () => {
  let demo: Demo
  let browser: Browser

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo(), launch(executable ?? '')])
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  it('verifies checkpoint, cosignatures, tiles, growth and the path of any entry', async () => {
    const context = await browser.newContext()
    const page = await open(context, `${demo.url}/log`)
    const holds = () =>
      page
        .locator('#head [data-holds]')
        .evaluateAll((all) => all.map((one) => one.getAttribute('data-holds')))
    // Signature of the log, two witnesses, and the root recomputed from all entries.
    expect(await holds()).toEqual(['true', 'true', 'true', 'true'])
    await page.click('#entries tr:nth-child(5) [data-verify]')
    await page.waitForSelector('#entries tr:nth-child(5)[data-chosen="true"]')
    expect(await page.getAttribute('#verdict [data-holds]', 'data-holds')).toBe('true')
    expect(await page.locator('#tree rect.proof').count()).toBeGreaterThan(1)

    // The registry does something; on the next visit the growth is proved against what was seen.
    const rows = (await (await fetch(`${demo.url}/console/rows`)).json()) as { rows: { entry: string }[] }
    await fetch(`${demo.url}/console/step`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ entry: rows.rows[0]?.entry, action: 'freeze', reason: 'court-order' }),
    })
    const again = await open(context, `${demo.url}/log`)
    expect(await again.locator('#head [data-holds="true"]').count()).toBe(5)
    expect(await again.locator('#head [data-holds="false"]').count()).toBe(0)
  })

  it('catches a changed entry and a rollback, and says who caught it', async () => {
    const page = await open(await browser.newContext(), `${demo.url}/log`)
    await page.click('#tamper-entry')
    await page.waitForSelector('#alarm')
    expect(await page.locator('#head [data-holds="false"]').count()).toBe(1)
    expect(await page.getAttribute('#verdict [data-holds]', 'data-holds')).toBe('false')
    await page.click('#tamper-rollback')
    await expect.poll(() => page.innerText('#notice')).toContain('cannot be their continuation')
    await page.click('#tamper-none')
    await expect.poll(() => page.locator('#alarm').count()).toBe(0)
    expect(await page.locator('#head [data-holds="false"]').count()).toBe(0)
  })
})
