// Health in a browser: declared and green, accused and red with its reason, contested and green again; the gate learns
// pass or not; the auditor repeats every derivation, sees a painted record, and finds an order for what it is.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check, type Demo, enrol, findChromium, launch, open, scene, startDemo } from './browser.ts'

const executable = findChromium()

describe.skipIf(!executable || !process.env['CTID_FULL'])('health in a browser', () => {
  const town = scene(executable)
  let citizen: Page
  let desk: Page

  beforeAll(async () => {
    const phone = await town.browser.newContext({ viewport: { width: 390, height: 844 } })
    await enrol(await open(phone, `${town.demo.url}/citizen`))
    citizen = await open(phone, `${town.demo.url}/health`)
    desk = await town.visit('/health-desk')
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
    await expect.poll(() => citizen.innerText('#back')).toContain('a health declaration')
    await citizen.click('#declare-well')
    await colourIs('green')
    await expect.poll(() => citizen.getAttribute('#agrees', 'data-agrees')).toBe('true')
    // Word and shape, not the colour alone.
    await expect.poll(() => citizen.innerText('.sign')).toContain('Green')
    await expect.poll(() => citizen.getAttribute('.sign use', 'href')).toContain('#sign-green')
  })

  it('passes the gate, which learns that and nothing more', async () => {
    const gate = await town.visit('/verifier')
    await gate.selectOption('#policy', 'health')
    const code = await healthCode()
    expect(await check(gate, code)).toMatchObject({
      ok: true,
      failed: [],
      words: expect.stringContaining('Accepted'),
    })
    await expect.poll(() => gate.innerText('#result-detail')).not.toMatch(/green|intake|330000/i)
    expect((await check(gate, code)).failed).toEqual(['replay'])
  })

  it('turns red by a signed finding with its reason and way back; contested and upheld, it is green again', async () => {
    await hand('tracing/0')
    await colourIs('red')
    const why = await citizen.innerText('#why')
    expect(why).toContain('tracing')
    await expect.poll(() => citizen.innerText('#back')).toMatch(/Green from .*20\d\d/)
    const gate = await town.visit('/verifier')
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
    await expect.poll(() => citizen.locator('[data-appeal="upheld"]').count()).toBe(1)
    // The filing and the decision are both in the log, opened here by the person alone.
    const log = await open(citizen.context(), `${town.demo.url}/log`)
    await log.click('#tab-mine')
    await log.waitForSelector('[data-mine="binding"]')
    const lines = log.locator('[data-mine="appeal"]')
    expect(await lines.evaluateAll((all) => all.map((one) => one.getAttribute('data-holds')))).toEqual([
      'true',
      'true',
    ])
    await log.close()
  })

  it('has the same answer on paper: the gate accepts it with its lower assurance, and the authority’s own check agrees', async () => {
    await citizen.click('#paper-health')
    await citizen.waitForSelector('#paper[open] svg')
    const paper = (await citizen.getAttribute('#paper-code', 'data-text')) ?? ''
    await citizen.click('#paper-close')
    const gate = await town.visit('/verifier')
    await gate.selectOption('#policy', 'health')
    expect(await check(gate, paper)).toMatchObject({ ok: true, failed: [] })
    const answer = await fetch(`${town.demo.url}/health/code-verifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: paper }),
    })
    expect(await answer.json()).toMatchObject({
      ok: true,
      attested: { health: { outcome: 'pass', ruleSet: expect.stringMatching(/^[0-9a-f]{16}$/) } },
    })
  })

  it('is audited by anybody: all follows, a painted record does not, and an order is found', async () => {
    await desk.click('#tab-audit')
    await desk.click('#audit-run')
    await desk.waitForSelector('[data-clean="true"]')
    await expect.poll(() => desk.locator('[data-bursts="0"]').count()).toBe(1)
    await desk.click('#audit-tamper')
    await desk.waitForSelector('[data-clean="false"]')
    await expect.poll(() => desk.innerText('#audit')).toContain('The colour does not follow')
    await desk.click('#audit-scenario')
    await desk.waitForSelector('[data-bursts]:not([data-bursts="0"])')
    await expect.poll(() => desk.innerText('#audit')).toContain('Contact tracing centre')
  })
})

// A certificate is printed first: what a browser's fake camera sees is fixed when it starts.
describe.skipIf(!executable)('a certificate by camera', () => {
  let demo: Demo
  let office: Browser
  let phone: Browser
  let desk: Page
  let citizen: Page

  const print = async (what: string, person = 0): Promise<string> => {
    await desk.selectOption('#named', String(person))
    await desk.selectOption('#certified', what)
    const before = await desk.getAttribute('#certificate-code', 'data-text')
    await desk.click('#office-form button')
    await desk.waitForFunction(
      (old) => document.querySelector('#certificate-code')?.getAttribute('data-text') !== old,
      before,
    )
    return (await desk.getAttribute('#certificate-code', 'data-text')) ?? ''
  }
  const colourIs = (colour: string) => citizen.waitForSelector(`.sign[data-colour="${colour}"]`)
  const handIn = async (tone: 'info' | 'bad') => {
    await citizen.click('#certificate-hand')
    await citizen.waitForSelector(`#notice .note.${tone}`)
  }
  const type = async (text: string) => {
    await citizen.evaluate(() => document.querySelector('details')?.setAttribute('open', ''))
    await citizen.fill('#certificate-code', text)
    await citizen.click('#certificate-form button')
  }

  beforeAll(async () => {
    ;[demo, office] = await Promise.all([startDemo(), launch(executable ?? '')])
    desk = await open(await office.newContext(), `${demo.url}/health-desk`)
    await desk.click('#tab-office')
    const seen = await print('positive-test')
    expect(seen).toMatch(/^HC1:/)
    // The page is drawn anew after each step; what was chosen in it stays.
    await desk.click('#tab-sources')
    await desk.click('#tab-office')
    expect(await desk.inputValue('#certified')).toBe('positive-test')
    phone = await launch(executable ?? '', { seen, folder: demo.folder })
    const context = await phone.newContext({ viewport: { width: 390, height: 844 } })
    await enrol(await open(context, `${demo.url}/citizen`))
    citizen = await open(context, `${demo.url}/health`)
    await colourIs('undetermined')
    await citizen.click('#declare-well')
    await colourIs('green')
  })
  afterAll(async () => {
    await office?.close()
    await phone?.close()
    await demo?.stop()
  })

  it('changes the status and says why; the code says so; contested, it changes back', async () => {
    await citizen.click('#certificate-scan')
    await citizen.waitForSelector('[data-findings="1"]')
    await expect.poll(() => citizen.innerText('#certificate')).toMatch(/Test, nucleic acid, positive/)
    await handIn('info')
    await colourIs('red')
    await expect.poll(() => citizen.innerText('#why')).toMatch(/R3[\s\S]*certificates/)
    await expect.poll(() => citizen.innerText('#back')).toContain('a negative review test')
    await expect.poll(() => citizen.getAttribute('#agrees', 'data-agrees')).toBe('true')
    await expect.poll(() => citizen.locator('[data-evidence="test"]').count()).toBe(1)

    await citizen.click('#show-health')
    await citizen.waitForSelector('#code svg')
    const gate = await open(await office.newContext(), `${demo.url}/verifier`)
    await gate.selectOption('#policy', 'health')
    const code = (await citizen.getAttribute('#code', 'data-text')) ?? ''
    expect((await check(gate, code)).failed).toEqual(['health'])
    await citizen.click('#hide-health')

    await citizen.click('[data-contest]')
    await citizen.fill('#statement', 'The specimen was mixed up.')
    await citizen.click('#contest-form .primary')
    await citizen.waitForSelector('[data-appeal="open"]')
    await desk.click('#tab-appeals')
    await desk.click('[data-outcome="upheld"]')
    await expect.poll(() => desk.locator('[data-outcome]').count()).toBe(0)
    await citizen.click('#refresh-health')
    await colourIs('green')
  })

  it('is refused in another’s name, after a change, and when it is none', async () => {
    await desk.click('#tab-office')
    const named = await print('vaccination', 1)
    await type(named)
    await citizen.waitForSelector('[data-findings="1"]')
    await handIn('bad')

    const own = await print('negative-test')
    await type(`${own.slice(0, -3)}${own.endsWith('A00') ? 'B00' : 'A00'}`)
    await expect.poll(() => citizen.innerText('#certificate-status')).not.toBe('')
    await type('HC1:NOTHING')
    await expect.poll(() => citizen.innerText('#certificate-status')).toContain('no certificate')
    await expect.poll(() => citizen.locator('#certificate-hand').count()).toBe(0)

    await type(own)
    await citizen.waitForSelector('[data-findings="1"]')
    await handIn('info')
    await expect.poll(() => citizen.locator('[data-evidence="test"]').count()).toBe(2)
    await colourIs('green')
  })
})
