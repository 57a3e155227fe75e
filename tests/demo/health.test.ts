// Health in a browser: declared and green, accused and red with its reason, contested and green again; the gate learns
// pass or not; the auditor repeats every derivation, sees a painted record, and finds an order for what it is.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check, type Demo, enrol, findChromium, launch, open, startDemo } from './browser.ts'

const executable = findChromium()

describe.skipIf(!executable || !process.env['CTID_FULL'])('health in a browser', () => {
  let demo: Demo
  let browser: Browser
  let citizen: Page
  let desk: Page

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo(), launch(executable ?? '')])
    const phone = await browser.newContext({ viewport: { width: 390, height: 844 } })
    await enrol(await open(phone, `${demo.url}/citizen`))
    citizen = await open(phone, `${demo.url}/health`)
    desk = await open(await browser.newContext(), `${demo.url}/health-desk`)
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  const colourIs = (colour: string) => citizen.waitForSelector(`.sign[data-colour="${colour}"]`)
  const healthCode = async () => {
    await citizen.click('#show-health')
    await citizen.waitForSelector('#code svg')
    const code = (await citizen.getAttribute('#code', 'data-text')) ?? ''
    await citizen.click('#hide-health')
    return code
  }
  const hand = async (finding: string) => {
    await desk.selectOption('#finding', finding)
    await desk.click('#evidence-form button')
    await desk.waitForSelector('#notice .note.info')
    await citizen.click('#refresh-health')
  }

  it('is undecided without evidence, and green with a declaration; never by default', async () => {
    await colourIs('undetermined')
    expect(await citizen.innerText('#back')).toContain('a health declaration')
    await citizen.click('#declare-well')
    await colourIs('green')
    expect(await citizen.getAttribute('#agrees', 'data-agrees')).toBe('true')
    // Word and shape, not the colour alone.
    expect(await citizen.innerText('.sign')).toContain('Green')
    expect(await citizen.getAttribute('.sign use', 'href')).toContain('#sign-green')
  })

  it('passes the gate, which learns that and nothing more', async () => {
    const gate = await open(await browser.newContext(), `${demo.url}/verifier`)
    await gate.selectOption('#policy', 'health')
    const code = await healthCode()
    expect(await check(gate, code)).toMatchObject({
      ok: true,
      failed: [],
      words: expect.stringContaining('Accepted'),
    })
    expect(await gate.innerText('#result-detail')).not.toMatch(/green|intake|330000/i)
    expect((await check(gate, code)).failed).toEqual(['replay'])
  })

  it('turns red by a signed finding with its reason and way back; contested and upheld, it is green again', async () => {
    await hand('tracing/0')
    await colourIs('red')
    const why = await citizen.innerText('#why')
    expect(why).toContain('tracing')
    expect(await citizen.innerText('#back')).toMatch(/Green from .*2026/)
    const gate = await open(await browser.newContext(), `${demo.url}/verifier`)
    await gate.selectOption('#policy', 'health')
    expect((await check(gate, await healthCode())).failed).toEqual(['health'])

    await citizen.click('[data-contest]')
    await citizen.fill('#statement', 'I was in another city that week.')
    await citizen.click('#contest-form .primary')
    await citizen.waitForSelector('[data-appeal="open"]')
    await desk.click('#tab-appeals')
    await desk.click('[data-outcome="upheld"]')
    await expect.poll(() => desk.locator('[data-outcome]').count()).toBe(0)
    await citizen.click('#refresh-health')
    await colourIs('green')
    expect(await citizen.locator('[data-appeal="upheld"]').count()).toBe(1)
  })

  it('is audited by anybody: all follows, a painted record does not, and an order is found', async () => {
    await desk.click('#tab-audit')
    await desk.click('#audit-run')
    await desk.waitForSelector('[data-clean="true"]')
    expect(await desk.locator('[data-bursts="0"]').count()).toBe(1)
    await desk.click('#audit-tamper')
    await desk.waitForSelector('[data-clean="false"]')
    expect(await desk.innerText('#audit')).toContain('The colour does not follow')
    await desk.click('#audit-scenario')
    await desk.waitForSelector('[data-bursts]:not([data-bursts="0"])')
    expect(await desk.innerText('#audit')).toContain('Contact tracing centre')
  })
})
