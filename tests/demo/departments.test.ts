// The departments in a real browser: tables that cannot be joined, a join in the open, lies and refusals, the own record.
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { joinByEveryColumn, type Table } from '../../demo/pages/departments/joining.ts'
import { FIELDS } from '../../demo/parties/department-fields.ts'
import { rowOf, subjects } from '../../demo/parties/department-people.ts'
import { findChromium, open, scene } from './browser.ts'

const executable = findChromium()
// CI runs all of it; a developer's run does one join from end to end and the refusals.
const full = it.skipIf(!process.env['CTID_FULL'])
const SMALLEST = 5

/** What the plain data of everybody would say: people by certificate and licence. */
function plainCounts(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const at of subjects().keys()) {
    const { certificate } = rowOf('health', at) ?? {}
    const { licence } = rowOf('market', at) ?? {}
    if (certificate === undefined || licence === undefined) continue
    const key = `${certificate}/${licence}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

describe('joining tables by every column', () => {
  const tables: readonly Table[] = [
    { id: 'a', rows: [{ x: '1', y: 'p' }, { x: '2' }] },
    { id: 'b', rows: [{ z: '2' }, { z: '2' }, { w: '3' }] },
    { id: 'c', rows: [{ v: '4' }] },
  ]

  it('counts rows that find their value in the other table, and every comparison', () => {
    expect(joinByEveryColumn(tables)).toEqual([
      { pair: ['a', 'b'], columns: 4, comparisons: 9, matched: 2 },
      { pair: ['a', 'c'], columns: 2, comparisons: 3, matched: 0 },
      { pair: ['b', 'c'], columns: 2, comparisons: 3, matched: 0 },
    ])
  })
})

describe.skipIf(!executable)('the departments in a browser', () => {
  const town = scene(executable)

  const openPage = (options: BrowserContextOptions = {}): Promise<Page> =>
    town.visit('/departments', { locale: 'en', ...options })

  const ask = async (page: Page): Promise<void> => {
    await page.click('#tab-join')
    await page.click('#order-go')
    await page.waitForSelector('#trustee-1-approve')
  }
  const decide = async (
    page: Page,
    trustee: number,
    decision: 'approve' | 'refuse' | 'lie',
  ): Promise<void> => {
    await page.click(`#trustee-${trustee}-${decision}`)
    await page.waitForSelector(`[data-trustee="${trustee}"]:not([data-decision="none"])`)
  }
  const status = (page: Page) => page.getAttribute('#join', 'data-status')
  const attempt = async (page: Page, name: string): Promise<readonly (string | null)[]> => {
    await page.click(`#try-${name}`)
    await page.waitForSelector(`[data-case="${name}"] [data-stopped]`)
    await expect
      .poll(() => page.getAttribute(`[data-case="${name}"] [data-stopped]`, 'data-stopped'))
      .toBe('true')
    return page
      .locator(`[data-case="${name}"] [data-code]`)
      .evaluateAll((lines) => lines.map((line) => line.getAttribute('data-code')))
  }

  it('joins two departments in the open: tables without a common value, one liar named, right numbers, own record', async () => {
    const page = await openPage()
    await page.click('#try-go')
    await expect.poll(() => page.getAttribute('[data-matched]', 'data-matched')).toBe('0')
    await page.click('#try-one-number')
    await page.waitForSelector('[data-naive="true"]')
    expect(Number(await page.getAttribute('[data-matched]', 'data-matched'))).toBeGreaterThan(200)

    await ask(page)
    await decide(page, 1, 'lie')
    await decide(page, 2, 'approve')
    await page.waitForSelector('[data-trustee="1"] [data-named]')
    await expect.poll(() => status(page)).toBe('waiting')
    await decide(page, 3, 'approve')
    await page.waitForSelector('#exact')
    await expect.poll(() => status(page)).toBe('done')
    await expect.poll(() => page.locator('[data-named]').count()).toBe(1)

    await page.click('#exact')
    await page.waitForSelector('#aggregate')
    const shown = await page
      .locator('#aggregate tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) =>
          [...row.querySelectorAll('td')].map((cell) =>
            cell.hasAttribute('data-suppressed') ? null : Number(cell.textContent),
          ),
        ),
      )
    const counts = plainCounts()
    const truth = FIELDS.health['certificate']?.map((certificate) =>
      FIELDS.market['licence']?.map((licence) => counts.get(`${certificate}/${licence}`) ?? 0),
    ) as number[][]
    for (const [i, row] of shown.entries()) {
      for (const [j, count] of row.entries()) {
        const real = truth[i]?.[j] ?? 0
        if (real < SMALLEST) expect(count).toBeNull()
        if (count !== null) expect(count).toBe(real)
      }
    }
    expect(shown.flat().some((count) => count !== null)).toBe(true)
    // Nobody who knows a total can subtract what is shown from it: no line keeps back one cell alone.
    const columns = (shown[0] ?? []).map((_, j) => shown.map((row) => row[j] ?? null))
    for (const line of [...shown, ...columns]) {
      expect(line.filter((count) => count === null)).not.toHaveLength(1)
    }

    const left = () => page.getAttribute('#budget', 'value')
    await page.click('#noise-1000')
    await page.waitForSelector('#aggregate[data-noise="1000"]')
    await expect.poll(() => left()).toBe('2000')

    await page.click('#discard')
    await page.waitForSelector('#join[data-status="discarded"]')
    await expect.poll(() => page.locator('#exact').count()).toBe(0)

    await page.click('#tab-record')
    await page.click('#record-go')
    await page.waitForSelector('[data-entries]')
    const entries = await page.getAttribute('[data-entries]', 'data-entries')
    await expect.poll(() => page.getAttribute('[data-entries]', 'data-verified')).toBe(entries)
    const asked = await page.locator('#record tr[data-from="health"]').allInnerTexts()
    expect(asked).toHaveLength(1)
    expect(asked[0]).toContain('Food Safety Office')
    expect(asked[0]).toContain('How many holders of a food licence lack a valid health certificate?')
  })

  full('asks again for what it could not get when it opened, and does not take it for nothing', async () => {
    const context = await town.browser.newContext({ locale: 'en' })
    await context.route('**/departments-console/state', (route) => route.abort(), { times: 2 })
    const page = await open(context, `${town.demo.url}/departments`)
    await expect.poll(() => page.innerText('#notice')).toBe('No answer from the departments.')
    await page.click('#tab-record')
    await page.click('#record-go')
    await expect.poll(() => page.innerText('#notice')).toBe('No answer from the departments.')
    expect(await page.locator('[data-entries]').count()).toBe(0)
    await page.click('#record-go')
    await page.waitForSelector('[data-entries]')
    expect(Number(await page.getAttribute('[data-entries]', 'data-entries'))).toBeGreaterThan(0)
    expect(await page.locator('#person option').count()).toBeGreaterThan(1)
    expect(await page.innerText('#notice')).toBe('')
  })

  it('refuses in earnest: grants expired, used up, exceeded; no receipt; no ceremony; invented people; a stolen table', async () => {
    const page = await openPage()
    await page.click('#tab-attempts')
    expect(await attempt(page, 'no-receipt')).toEqual(['ERR_PSEUDONYM_RECEIPT', 'ERR_PSEUDONYM_SIGNATURE'])
    expect(await attempt(page, 'expired')).toEqual(['ERR_PSEUDONYM_GRANT_TIME', 'ERR_PSEUDONYM_GRANT_TIME'])
    expect(await attempt(page, 'overused')).toEqual([
      'ERR_PSEUDONYM_GRANT_COUNT',
      'accepted',
      'ERR_PSEUDONYM_REPLAY',
    ])
    expect(await attempt(page, 'scope')).toEqual(['ERR_PSEUDONYM_GRANT_SCOPE'])
    expect(await attempt(page, 'no-ceremony')).toEqual(['ERR_PSEUDONYM_PAIR'])
    expect(await attempt(page, 'stranger')).toEqual(['ERR_PSEUDONYM_NOT_ENROLLED'])
    await page.click('#try-leak')
    await page.waitForSelector('[data-case="leak"] [data-clean="true"]')
  })

  it('does nothing when two of three refuse, and when the grant does not cover the rows', async () => {
    const page = await openPage()
    await ask(page)
    await decide(page, 1, 'approve')
    await decide(page, 2, 'refuse')
    await expect.poll(() => status(page)).toBe('waiting')
    await decide(page, 3, 'refuse')
    await expect.poll(() => status(page)).toBe('refused')
    await expect
      .poll(() => page.getAttribute('[data-refusal]', 'data-refusal'))
      .toBe('ERR_PSEUDONYM_TRUSTEES')

    await page.fill('#count', '10')
    await page.click('#order-go')
    await page.waitForSelector('#trustee-1-approve')
    await decide(page, 1, 'approve')
    // Its officer approved; the trustee itself did not.
    await expect
      .poll(() => page.getAttribute('[data-trustee="1"] [data-code]', 'data-code'))
      .toBe('ERR_PSEUDONYM_GRANT_COUNT')
    await decide(page, 2, 'approve')
    await expect.poll(() => status(page)).toBe('refused')
  })

  full('fits a phone without scrolling sideways, in Chinese, in caring mode, in the dark', async () => {
    const page = await openPage({
      viewport: { width: 360, height: 780 },
      locale: 'zh-CN',
      colorScheme: 'dark',
    })
    const width = () => page.evaluate(() => document.documentElement.scrollWidth)
    await expect.poll(() => page.innerText('h1')).toBe('部门')
    await page.click('#try-go')
    await ask(page)
    await decide(page, 2, 'approve')
    await decide(page, 3, 'approve')
    await page.click('#noise-500')
    await page.waitForSelector('#aggregate')
    await page.click('#tab-record')
    await page.click('#record-go')
    await page.waitForSelector('[data-entries]')
    await expect.poll(() => page.innerText('#record')).toContain('食品安全办公室')
    for (const isCaring of [false, true]) {
      if (isCaring) await page.click('#tool-caring')
      for (const tab of ['tables', 'join', 'record', 'attempts']) {
        await page.click(`#tab-${tab}`)
        expect(await width(), `${tab}, caring: ${isCaring}`).toBeLessThanOrEqual(360)
      }
    }
    await page.click('#tool-caring')
    await page.click('#tab-join')
    await page.click('#tool-language')
    // What the page was showing is said in the other language; nothing is asked for again.
    await expect.poll(() => page.innerText('#join')).toContain('The aggregate')
    await expect.poll(() => page.locator('#aggregate').count()).toBe(1)
  })
})
