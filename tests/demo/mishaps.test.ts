// What goes wrong in front of people: double clicks, two tabs, a page closed halfway, a server that restarts, answers
// nonsense or nothing, wrong files. Nothing may be spent twice, mixed up or lost, and the page says what happened.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { check, enrol, findChromium, open, readResult, scene, showCode } from './browser.ts'

const executable = findChromium()

// Half a minute of page loads: CI does it, and whoever changes a page.
describe.skipIf(!executable || !process.env['CTID_FULL'])('mishaps in the demo', () => {
  const town = scene(executable)

  const copiesLeft = (page: Page) => page.innerText('.copies p')

  it('spends one copy on a double click, and one enrolment', async () => {
    const page = await town.visit('/citizen')
    await page.click('label.person:nth-child(2)')
    await page.dblclick('#enrol-go')
    await page.click('#open-wallet')
    await page.dblclick('#show-start')
    await page.waitForSelector('#code svg')
    await expect.poll(() => copiesLeft(page)).toBe('11 of 12 copies left')
  })

  it('holds one person, whichever of two tabs enrolled; the other tab shows the wallet by itself', async () => {
    const context = await town.browser.newContext()
    const first = await open(context, `${town.demo.url}/citizen`)
    const second = await open(context, `${town.demo.url}/citizen`)
    await enrol(first, 0)
    await second.waitForSelector('#show-start')
    await expect.poll(() => second.innerText('.id-card .name')).toBe(await first.innerText('.id-card .name'))
    // Two tabs that enrol at the same moment: one wins, nothing of the other's is kept.
    const third = await town.browser.newContext()
    const tabs = await Promise.all([1, 2].map(() => open(third, `${town.demo.url}/citizen`)))
    await tabs[1]?.click('label.person:nth-child(2)')
    // Not `click`, which waits for the button to stand still: the other tab may have taken it away by then.
    await Promise.all(tabs.map((tab) => tab.$eval('#enrol-go', (button) => (button as HTMLElement).click())))
    for (const tab of tabs) await tab.waitForSelector('#open-wallet, #show-start')
    const after = await open(third, `${town.demo.url}/citizen`)
    await after.waitForSelector('#show-start')
    await expect.poll(() => copiesLeft(after)).toBe('12 of 12 copies left')
  })

  it('finishes an enrolment whose page was closed before the copies came', async () => {
    const page = await town.visit('/citizen')
    await page.route('**/desk', (route) => route.abort())
    await page.click('#enrol-go')
    await page.waitForSelector('#notice .note')
    await page.unroute('**/desk')
    await page.reload()
    await page.waitForSelector('#show-start')
    await expect.poll(() => copiesLeft(page)).toBe('12 of 12 copies left')
  })

  it('says that a server does not answer, answers with an error, or with nonsense', async () => {
    const page = await town.visit('/citizen')
    const answers = {
      'No answer from the network': null,
      'refused:': { status: 500, body: 'boom' },
      'No answer from': { status: 200, contentType: 'application/json', body: '{"half' },
    }
    for (const [words, answer] of Object.entries(answers)) {
      await page.route('**/registrar/enrol', (route) => (answer ? route.fulfill(answer) : route.abort()))
      await page.click('#enrol-go')
      await expect.poll(() => page.innerText('#notice')).toContain(words)
      await page.unroute('**/registrar/enrol')
      await page.waitForTimeout(350)
    }
    await enrol(page, 4)
  })

  it('says that the clock of the device is wrong, where nothing it signs can be of now', async () => {
    const context = await town.browser.newContext()
    await context.addInitScript(() => {
      const late = Date.now.bind(Date)
      Date.now = () => late() - 300_000
    })
    const page = await open(context, `${town.demo.url}/citizen`)
    await page.click('#enrol-go')
    await expect.poll(() => page.innerText('#clock')).toContain('5 minutes slow')
    await expect.poll(() => page.innerText('#notice')).toContain('check the clocks')
    await page.click('#tool-language')
    await expect.poll(() => page.innerText('#clock')).toContain('慢了5分钟')
  })

  it('survives a restart of the server with its pages open', async () => {
    const wallet = await town.visit('/citizen')
    await enrol(wallet, 5)
    const gate = await town.visit('/verifier')
    await showCode(wallet)
    await town.demo.restart()
    // The wallet's page goes on by itself; a restart may take longer than its first code was good for.
    const code = (await wallet.getAttribute('#code', 'data-text')) ?? ''
    expect(await check(gate, code)).toMatchObject({ ok: true, failed: [] })
    await gate.reload()
    await gate.waitForSelector('html[data-ready]')
    expect((await check(gate, code)).failed).toEqual(['replay'])
    await wallet.click('#more-safety')
    await wallet.click('#freeze')
    await wallet.waitForSelector('[data-state="frozen"]')
    await wallet.reload()
    await wallet.waitForSelector('[data-state="frozen"]')
  })

  it('takes a verdict away with the policy it was reached under, and names what is wrong with a file', async () => {
    const gate = await town.visit('/verifier')
    expect(await check(gate, 'CTD1:X')).toMatchObject({ ok: false })
    await gate.selectOption('#policy', 'counter')
    await expect.poll(() => gate.locator('.verdict').count()).toBe(0)
    await gate.click('#tab-image')
    const text = { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') }
    await gate.setInputFiles('#image-file', text)
    await expect.poll(() => gate.innerText('#scan-status')).toContain('not a picture')
  })

  it('reads a poor photograph of a screen, held at any angle', async () => {
    const wallet = await town.visit('/citizen')
    await enrol(wallet, 6)
    const gate = await town.visit('/verifier')
    await gate.click('#tab-image')
    for (const degrees of [10, 45, 180]) {
      await showCode(wallet)
      await wallet.$eval('#code', (frame, turn) => frame.setAttribute('style', `rotate: ${turn}deg`), degrees)
      const buffer = await wallet.screenshot({ type: 'jpeg', quality: 30 })
      await gate.setInputFiles('#image-file', { name: 'screen.jpg', mimeType: 'image/jpeg', buffer })
      expect(await readResult(gate), `${degrees}°`).toMatchObject({ ok: true })
      await gate.click('#next')
    }
  })

  it('says so when the lists come from another publisher, and begins anew only if told to', async () => {
    const gate = await town.visit('/verifier')
    const before = await gate.innerText('#lists')
    await gate.route('**/trust-list', async (route) => {
      const response = await route.fetch()
      const [header = '', ...rest] = (await response.text()).split('.')
      const other = JSON.parse(Buffer.from(header, 'base64url').toString())
      const forged = { ...other, kid: 'a'.repeat(String(other.kid).length) }
      const text = [Buffer.from(JSON.stringify(forged)).toString('base64url'), ...rest].join('.')
      await route.fulfill({ response, body: text })
    })
    await gate.click('#lists-refresh')
    await gate.waitForSelector('#lists-forget')
    expect(before).toContain('issuers: 1')
    await expect.poll(() => gate.innerText('#lists')).toContain('ERR_TRUST_UNKNOWN_KEY')
    await gate.unroute('**/trust-list')
    gate.on('dialog', (dialog) => void dialog.accept())
    await gate.click('#lists-forget')
    await expect.poll(() => gate.innerText('#lists')).toContain('were updated')
  })

  it('shows a fault of its own instead of hanging', async () => {
    const context = await town.browser.newContext()
    await context.addInitScript(() => {
      indexedDB.open = () => {
        throw new DOMException('not here', 'SecurityError')
      }
    })
    const page = await context.newPage()
    await page.goto(`${town.demo.url}/verifier`)
    await page.waitForSelector('#fault .note')
    await expect.poll(() => page.innerText('#fault')).toContain('Load the page again')
  })
})
