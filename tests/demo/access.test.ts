// Access for everybody: no serious finding of axe-core in either language and theme, keyboard alone, a narrow phone,
// caring mode, Chinese, and contrast computed from what the browser paints.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { pages } from '../../demo/pages.ts'
import { enrol, findChromium, open, scene, showCode } from './browser.ts'

const executable = findChromium()
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Violation = { readonly id: string; readonly nodes: readonly string[] }

async function axe(page: Page): Promise<Violation[]> {
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as {
        axe: {
          run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>
        }
      }
    ).axe.run()
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
    }))
  })
}

// A minute of page loads: CI does it, and whoever changes a page.
describe.skipIf(!executable || !process.env['CTID_FULL'])('access to the demo', () => {
  const town = scene(executable)

  const visit = async (
    path: string,
    options: { language?: string; theme?: 'light' | 'dark'; caring?: boolean; width?: number } = {},
  ) => {
    const { language = 'en', theme = 'light', caring = false, width = 1280 } = options
    const context = await town.browser.newContext({
      viewport: { width, height: 800 },
      colorScheme: theme,
      reducedMotion: 'reduce',
    })
    const cookies = { ctid_lang: language, ctid_caring: caring ? '1' : '0' }
    await context.addCookies(
      Object.entries(cookies).map(([name, value]) => ({ name, value, url: town.demo.url })),
    )
    return open(context, town.demo.url + path)
  }

  it.each(pages.map(({ path }) => path))('has no finding of axe-core on %s, light and dark', async (path) => {
    for (const [language, theme] of [
      ['en', 'light'],
      ['zh', 'dark'],
    ] as const) {
      const page = await visit(path, { language, theme })
      expect(await axe(page)).toEqual([])
      await page.context().close()
    }
  })

  it('has no finding in the wallet, the verdict and the open record', async () => {
    const wallet = await visit('/citizen')
    await enrol(wallet)
    const code = await showCode(wallet)
    for (const tab of ['file', 'seen', 'history', 'safety']) {
      await wallet.click(`#more-${tab}`)
      expect(await axe(wallet)).toEqual([])
    }
    const gate = await visit('/verifier', { theme: 'dark' })
    await gate.click('#tab-paste')
    for (const text of [code, code]) {
      await gate.fill('#paste-text', text)
      await gate.click('#paste-form button')
      await gate.waitForSelector('.verdict')
      expect(await axe(gate)).toEqual([])
    }
    const office = await visit('/authority')
    await office.click('[data-action="open"]')
    await office.click('#act-go')
    await office.waitForSelector('.record-open')
    expect(await axe(office)).toEqual([])
  })

  it.each(pages.map(({ path }) => path))(
    'never scrolls sideways on a phone of 360 pixels: %s',
    async (path) => {
      for (const caring of [false, true]) {
        for (const language of ['en', 'zh']) {
          const page = await visit(path, { width: 360, caring, language })
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          expect({ caring, language, overflow: Math.max(0, overflow) }).toEqual({
            caring,
            language,
            overflow: 0,
          })
          await page.context().close()
        }
      }
    },
  )

  it('keeps what a verifier sees on the screen of the narrowest phone, and the header in one row', async () => {
    for (const language of ['en', 'zh']) {
      const wallet = await visit('/citizen', { width: 320, language })
      await enrol(wallet, language === 'en' ? 1 : 2)
      await showCode(wallet)
      await wallet.click('#more-seen')
      await wallet.waitForSelector('#panel-seen .badge')
      const { overflow, header } = await wallet.evaluate(() => ({
        overflow: document.documentElement.scrollWidth - innerWidth,
        header: document.querySelector('.top')?.getBoundingClientRect().height ?? 0,
      }))
      expect(overflow).toBeLessThanOrEqual(0)
      expect(header).toBeLessThan(70)
      await wallet.context().close()
    }
  })

  it('shows what is chosen where the reader’s own colours take the place of the page’s', async () => {
    const gate = await visit('/verifier')
    await gate.emulateMedia({ forcedColors: 'active' })
    const colour = (selector: string) =>
      gate.$eval(selector, (element) => getComputedStyle(element).backgroundColor)
    expect(await colour('#tab-camera')).not.toBe(await colour('#tab-paste'))
    expect(await colour('.nav [aria-current]')).not.toBe(await colour('.nav a:not([aria-current])'))
  })

  it('shows the whole code on a phone that lies on its side', async () => {
    const wallet = await visit('/citizen')
    await wallet.setViewportSize({ width: 640, height: 360 })
    await enrol(wallet, 3)
    await showCode(wallet)
    await wallet.locator('#code').scrollIntoViewIfNeeded()
    const room = await wallet.evaluate(() => {
      const bottom = document.querySelector('.top')?.getBoundingClientRect().bottom ?? 0
      return innerHeight - bottom - (document.querySelector('#code')?.getBoundingClientRect().height ?? 0)
    })
    expect(room).toBeGreaterThanOrEqual(0)
  })

  it('does the whole journey by keyboard alone', async () => {
    const wallet = await visit('/citizen')
    const press = async (...keys: string[]) => {
      for (const key of keys) await wallet.keyboard.press(key)
    }
    const focused = () =>
      wallet.evaluate(() => document.activeElement?.id || document.activeElement?.className || '')
    await press('Tab')
    await expect.poll(() => focused()).toBe('skip')
    await press('Enter', 'Tab')
    await press('ArrowDown', 'Enter')
    await wallet.waitForSelector('#open-wallet')
    await expect.poll(() => focused()).toBe('steps-title')
    await press('Tab')
    await expect.poll(() => focused()).toBe('open-wallet')
    await press('Enter')
    await wallet.waitForSelector('#show-start')
    await expect.poll(focused).toBe('show-dynamic')
    await press('Tab')
    await expect.poll(() => focused()).toBe('show-start')
    await press('Enter')
    await wallet.waitForSelector('#code svg')
    const code = (await wallet.getAttribute('#code', 'data-text')) ?? ''

    const gate = await visit('/verifier')
    await gate.focus('#tab-camera')
    await gate.keyboard.press('ArrowRight')
    await gate.keyboard.press('ArrowRight')
    await expect.poll(() => gate.evaluate(() => document.activeElement?.id)).toBe('tab-paste')
    await gate.keyboard.press('Tab')
    await gate.keyboard.insertText(code)
    await gate.keyboard.press('Tab')
    await gate.keyboard.press('Enter')
    await gate.waitForSelector('.verdict[data-ok="true"]')
    // The result takes the focus, so that a screen reader reads it and the next Tab reaches "next".
    await expect.poll(() => gate.evaluate(() => document.activeElement?.id)).toBe('result-title')
    await gate.keyboard.press('Tab')
    await expect.poll(() => gate.evaluate(() => document.activeElement?.id)).toBe('next')
  })

  it('shows where the focus is, on every control of every page', async () => {
    for (const { path } of pages) {
      const page = await visit(path)
      const unseen = await page.evaluate(() => {
        const controls = [
          ...document.querySelectorAll<HTMLElement>('a, button, input, select, textarea, summary'),
        ]
        return controls
          .filter((control) => control.offsetParent !== null)
          .filter((control) => {
            control.focus({ focusVisible: true } as FocusOptions)
            // A radio button or a choice of files may be hidden in its label, which then shows it.
            const hidden = control.closest('.person') ?? control.closest('label:has(> .visually-hidden)')
            const ring = getComputedStyle(hidden ?? control)
            return ring.outlineStyle === 'none' || ring.outlineWidth === '0px'
          })
          .map((control) => control.outerHTML.slice(0, 120))
      })
      expect(unseen).toEqual([])
      await page.context().close()
    }
  })

  it('switches to Chinese in place and keeps what was done', async () => {
    const page = await visit('/citizen')
    await enrol(page, 7)
    await page.click('#tool-language')
    await expect.poll(() => page.getAttribute('html', 'lang')).toBe('zh-CN')
    await expect.poll(() => page.title()).toContain('居民')
    await page.waitForSelector('#show-start')
    await expect.poll(() => page.innerText('#show-start')).toBe('出示二维码')
    // Nothing on the page is left in English but names of formats and identifiers.
    const left = await page.evaluate(() =>
      [...document.querySelectorAll('[data-t]')]
        .map((element) => element.textContent ?? '')
        .filter((text) => /[a-z]{4}/.test(text) && !/[\u4e00-\u9fff]/.test(text)),
    )
    expect(left).toEqual(['English'])
    // The choice is remembered, and the server speaks it at once.
    const response = await page.request.get(`${town.demo.url}/verifier`, {
      headers: { cookie: 'ctid_lang=zh' },
    })
    expect(await response.text()).toContain('<html lang="zh-CN"')
  })

  it('makes type larger and the page simpler in caring mode', async () => {
    const page = await visit('/verifier')
    const size = () => page.evaluate(() => Number.parseFloat(getComputedStyle(document.body).fontSize))
    const before = await size()
    await expect.poll(() => page.isVisible('#lists')).toBe(true)
    await page.click('#tool-caring')
    await expect.poll(() => page.getAttribute('#tool-caring', 'aria-pressed')).toBe('true')
    expect((await size()) / before).toBeGreaterThan(1.3)
    await expect.poll(() => page.isVisible('#lists')).toBe(false)
    await page.reload()
    expect((await size()) / before).toBeGreaterThan(1.3)
  })
})
