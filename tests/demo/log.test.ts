// The log explorer in a browser: everything verifies there; every attack on a copy of the log is noticed, by whom and in
// which step; and a person finds and opens what was logged about them.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { ATTACKS, type AttackReport } from '../../demo/parties/log-attacks.ts'
import { enrol, findChromium, open, scene } from './browser.ts'

const executable = findChromium()
const full = it.skipIf(!process.env['CTID_FULL'])

/** Who raises the alarm at each attack, and in which step. */
const ALARMS = {
  delete: ['witness-1 witness.422', 'witness-2 witness.422', 'monitor monitor.history'],
  reorder: ['witness-1 witness.422', 'witness-2 witness.422', 'monitor monitor.history'],
  tile: ['fsck monitor.tiles'],
  fork: ['witness-1 witness.409', 'witness-2 witness.409', 'monitor monitor.size'],
  rollback: ['witness-1 witness.400', 'witness-2 witness.400', 'monitor monitor.size'],
  'second-token': ['registry registry.directory', 'monitor monitor.rules'],
  database: ['auditor auditor.events'],
} as const
const BROWSER_ALARMS = {
  delete: ['browser.witnesses', 'browser.history', 'browser.rules'],
  reorder: ['browser.witnesses', 'browser.history', 'browser.rules'],
  tile: ['browser.inclusion'],
  fork: ['browser.witnesses', 'browser.fork'],
  rollback: ['browser.witnesses', 'browser.size'],
  'second-token': ['browser.rules'],
  database: [],
} as const

describe.skipIf(!executable)('the log in a browser', () => {
  const town = scene(executable)

  const post = async <T>(path: string, body: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(town.demo.url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(200)
    return (await response.json()) as T
  }
  const holds = (page: Page) =>
    page.locator('#head [data-holds]').evaluateAll((all) => all.map((one) => one.getAttribute('data-holds')))

  it('verifies checkpoint, cosignatures, entries, growth, paths and the directory', async () => {
    const context = await town.browser.newContext()
    const page = await open(context, `${town.demo.url}/log`)
    // Signature of the log, two witnesses, and the root recomputed from all entries.
    await expect.poll(() => holds(page)).toEqual(['true', 'true', 'true', 'true'])
    await page.click('#entries tr:nth-child(5) [data-verify]')
    await page.waitForSelector('#entries tr:nth-child(5)[data-chosen="true"]')
    await expect.poll(() => page.getAttribute('#verdict [data-holds]', 'data-holds')).toBe('true')
    await expect.poll(() => page.locator('#tree rect.proof').count()).toBeGreaterThan(1)
    await page.fill('#growth-from', '7')
    await page.click('#growth-form button')
    await page.waitForSelector('#growth-result [data-holds="true"]')

    await page.click('#tab-directory')
    await page.waitForSelector('#directory-label option:nth-child(2)', { state: 'attached' })
    const lookUp = async (side: string, at: number) => {
      await page.evaluate(() => document.querySelector('#directory-result')?.replaceChildren())
      await page.selectOption('#directory-side', side)
      await page.selectOption('#directory-label', { index: at })
      await page.click('#directory-form button')
      const result = await page.waitForSelector('#directory-result [data-holds]')
      return [await result.getAttribute('data-holds'), await result.getAttribute('data-present')]
    }
    const last = (await page.locator('#directory-label option').count()) - 1
    expect(await lookUp('record', 0)).toEqual(['true', 'true'])
    expect(await lookUp('token', 1)).toEqual(['true', 'true'])
    expect(await lookUp('token', last)).toEqual(['true', 'false'])

    // The registry does something; on the next visit the growth is proved against what was seen.
    const { rows } = (await (await fetch(`${town.demo.url}/console/rows`)).json()) as {
      rows: { entry: string }[]
    }
    await post('/console/step', { entry: rows[0]?.entry, action: 'freeze', reason: 'court-order' })
    const again = await open(context, `${town.demo.url}/log`)
    await expect.poll(() => holds(again)).toEqual(['true', 'true', 'true', 'true', 'true'])
  })

  it('is attacked in seven ways, and somebody notices each', async () => {
    const table: string[] = []
    for (const attack of ATTACKS) {
      const { notices } = await post<AttackReport>('/log-console/attack', { attack })
      const alarms = notices.filter(({ noticed }) => noticed)
      expect(
        alarms.map(({ who, step }) => `${who} ${step}`),
        attack,
      ).toEqual(ALARMS[attack])
      for (const { who, step, detail } of alarms) table.push(`${attack}: ${who}, ${step}, ${detail}`)
    }
    console.log(table.join('\n'))
    await post('/log-console/reset', {})
    expect((await fetch(`${town.demo.url}/log-attacked/checkpoint`)).status).toBe(503)
    // The log itself was never touched.
    const { monitor } = (await (await fetch(`${town.demo.url}/log-console`)).json()) as {
      monitor: { ok: boolean }
    }
    expect(monitor.ok).toBe(true)
  })

  full('notices in the browser too what can be noticed there', async () => {
    const page = await town.visit('/log')
    await page.click('#tab-attack')
    for (const attack of ATTACKS) {
      await page.click(`#attack-${attack}`)
      await page.waitForSelector(`#attack-${attack}[aria-pressed="true"]`)
      const steps = await page
        .locator('[data-who="browser"][data-noticed="true"]')
        .evaluateAll((all) => all.map((one) => one.getAttribute('data-step')))
      expect(steps, attack).toEqual(BROWSER_ALARMS[attack])
      await expect
        .poll(() => page.getAttribute('#attack-tree', 'class'))
        .toBe(attack === 'tile' ? 'tree broken' : 'tree')
    }
    await page.click('#attack-reset')
    await page.waitForSelector('#attack-report', { state: 'hidden' })
  })

  it('shows a person what was logged about them, each line verified', async () => {
    const context = await town.browser.newContext()
    const stranger = await open(context, `${town.demo.url}/log`)
    await stranger.click('#tab-mine')
    await stranger.waitForSelector('#mine a[href="/citizen"]')
    const wallet = await open(context, `${town.demo.url}/citizen`)
    await enrol(wallet)
    const page = await open(context, `${town.demo.url}/log`)
    await page.click('#tab-mine')
    await page.waitForSelector('[data-mine="binding"]')
    const lines = await page
      .locator('[data-mine]')
      .evaluateAll((all) =>
        all.map((one) => `${one.getAttribute('data-mine')} ${one.getAttribute('data-holds')}`),
      )
    // Bound once; a copy with its own receipt; enrolled; the record opened for the copies.
    expect(lines).toEqual(['binding true', 'copy true', 'event true', 'event true'])
  })
})
