// What the browser tests share: a demo on a free port with keys and database of its own, Chromium, and a fake camera.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '#ctid/base'
import { listen } from '#ctid/http'
import { STEP_SECONDS, toMatrix } from '#ctid/qr'
import { createDemo } from '../../demo/app.ts'
import { wireTown } from '../../demo/wiring.ts'

const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
]

/** Chromium's path, from CTID_CHROMIUM or the usual places; `undefined` (and a line that says so) when there is none. */
export function findChromium(): string | undefined {
  const found = [process.env['CTID_CHROMIUM'] ?? '', ...USUAL].find((path) => path !== '' && existsSync(path))
  if (!found) console.warn('Browser tests skipped: no Chromium found; set CTID_CHROMIUM to its path.')
  return found
}

export type Demo = {
  readonly url: string
  readonly folder: string
  /** Ends the server and starts it again at the same address, with the same keys and database. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** The whole demo in this process, with a fresh town. */
export async function startDemo(): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'ctid-demo-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const errors: unknown[] = []
  const start = async () => {
    const town = await wireTown({
      keyFolder: join(folder, 'keys'),
      stateFolder: join(folder, 'state'),
      baseUrl: url,
      clock: systemClock,
    })
    const app = await createDemo({ routers: town.routers, onInternal: (error) => errors.push(error) })
    const server = await listen(app, { port })
    return async () => {
      await server.close()
      await town.close()
    }
  }
  let end = await start()
  return {
    url,
    folder,
    restart: async () => {
      await end()
      end = await start()
    },
    stop: async () => {
      await end()
      rmSync(folder, { recursive: true, force: true })
      if (errors.length > 0) throw new AggregateError(errors, 'the demo had internal errors')
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** How long a page may take: a busy machine is slow, and its tests' own time limit ends what hangs. */
const PATIENCE_MS = 120_000

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]
const OFFLINE_DNS = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'

/** Starts Chromium; with a code's text, what its camera sees is that code. */
export function launch(
  executablePath: string,
  options: { readonly seen?: string; readonly folder?: string } = {},
): Promise<Browser> {
  const camera: string[] = []
  if (options.seen !== undefined) {
    const file = join(options.folder ?? tmpdir(), `camera-${Date.now()}.y4m`)
    writeFileSync(file, cameraFrame(options.seen))
    camera.push(
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${file}`,
    )
  }
  return chromium.launch({ executablePath, args: [...FLAGS, OFFLINE_DNS, ...camera] })
}

/** One 640 × 480 frame in YUV4MPEG2: the code in the middle of a grey room. Chromium repeats it. */
export function cameraFrame(text: string): Uint8Array {
  const [width, height] = [640, 480]
  const matrix = toMatrix(text)
  const quiet = 4
  const scale = Math.floor(440 / (matrix.size + 2 * quiet))
  const side = (matrix.size + 2 * quiet) * scale
  const left = Math.floor((width - side) / 2)
  const top = Math.floor((height - side) / 2)
  const luma = new Uint8Array(width * height).fill(126)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const isDark = matrix.isDark(Math.floor(x / scale) - quiet, Math.floor(y / scale) - quiet)
      luma[(top + y) * width + left + x] = isDark ? 16 : 235
    }
  }
  const chroma = new Uint8Array((width * height) / 2).fill(128)
  const header = `YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\nFRAME\n`
  return Buffer.concat([Buffer.from(header), luma, chroma])
}

/** Opens a page of the demo and waits until its module has finished starting. Errors of the page fail the test. */
export async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(url)
  await page.waitForSelector('html[data-ready]')
  return page
}

export type Scene = {
  readonly demo: Demo
  readonly browser: Browser
  /** Opens a page as somebody new: in a context of its own. */
  readonly visit: (path: string, options?: BrowserContextOptions) => Promise<Page>
}

/** A demo and Chromium for the tests of one `describe`: started before them and ended after them. */
export function scene(executablePath = ''): Scene {
  let started: { readonly demo: Demo; readonly browser: Browser } | undefined
  beforeAll(async () => {
    const [demo, browser] = await Promise.all([startDemo(), launch(executablePath)])
    started = { demo, browser }
  })
  afterAll(async () => {
    await started?.browser.close()
    await started?.demo.stop()
  })
  const running = () => {
    if (!started) throw new Error('the scene has not started')
    return started
  }
  return {
    get demo() {
      return running().demo
    },
    get browser() {
      return running().browser
    },
    visit: async (path, options = {}) =>
      open(await running().browser.newContext(options), running().demo.url + path),
  }
}

/** Enrols one of the walk-ins (counted from zero) and opens the wallet. */
export async function enrol(page: Page, person = 0): Promise<void> {
  await page.click(`label.person:nth-child(${person + 1})`)
  await page.click('#enrol-go')
  await page.click('#open-wallet')
  await page.waitForSelector('#show-start')
}

/** Shows a code with a fresh copy and returns its text. */
export async function showCode(page: Page): Promise<string> {
  const isFirst = await page.isVisible('#show-start')
  // Two clicks at once count as one.
  if (!isFirst) await page.waitForTimeout(800)
  await page.click(isFirst ? '#show-start' : '#show-another')
  await page.waitForSelector('#code svg')
  await freshStep(page)
  return (await page.getAttribute('#code', 'data-text')) ?? ''
}

/** In the long form, waits for the next code when most of this one's time is gone: a busy machine may need it all. */
async function freshStep(page: Page): Promise<void> {
  const age = (Date.now() / 1000) % STEP_SECONDS
  if (!process.env['CTID_FULL'] || age < STEP_SECONDS / 2) return
  const old = await page.getAttribute('#code', 'data-text')
  await page.waitForFunction(
    (text) => document.querySelector('#code')?.getAttribute('data-text') !== text,
    old,
  )
}

export type Result = {
  readonly ok: boolean
  readonly words: string
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

/** Gives the verifier's page a code as text. */
export async function check(page: Page, code: string): Promise<Result> {
  if (await page.isVisible('#next')) await page.click('#next')
  await page.click('#tab-paste')
  await page.fill('#paste-text', code)
  await page.click('#paste-form button')
  return readResult(page)
}

/** Waits for a verdict and reads it. */
export async function readResult(page: Page): Promise<Result> {
  const box = await page.waitForSelector('.verdict')
  const list = (result: string) =>
    page
      .locator(`[data-result="${result}"]`)
      .evaluateAll((items) => items.map((item) => item.getAttribute('data-check') ?? ''))
  return {
    ok: (await box.getAttribute('data-ok')) === 'true',
    words: await box.innerText(),
    failed: await list('failed'),
    skipped: await list('not-executed'),
  }
}
