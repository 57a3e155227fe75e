// The demo as one Express application: pages, their parts, and the parties' interfaces.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express, { type Express, type RequestHandler, type Router } from 'express'
import { notFound, problemHandler, rawBody } from '#ctid/http'
import { bundlePages } from './bundle.ts'
import { composePage, readPreferences } from './compose.ts'
import { ownPagesOnly, safeHeaders } from './headers.ts'
import { labsRouter } from './labs/router.ts'
import { type Page, pages } from './pages.ts'

export type DemoDeps = {
  /** Routers of the parties. */
  readonly routers: readonly Router[]
  /** Hears of unexpected errors; they never reach the client. */
  readonly onInternal?: (error: unknown) => void
}

const here = fileURLToPath(new URL('.', import.meta.url))

/** Builds the application. The caller listens. */
export async function createDemo(deps: DemoDeps): Promise<Express> {
  const assets = await bundlePages(
    pages.map((page) => page.name),
    [...pages.map((page) => page.path), '/public/icons.svg', '/public/favicon.svg', '/public/waves.svg'],
  )
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', 'strong')
  app.use(safeHeaders, ownPagesOnly)
  for (const page of pages) app.get(page.path, servePage(page))
  app.get('/assets/:name', (request, response, next) => {
    const asset = assets.get(request.params['name'] ?? '')
    if (!asset) return next()
    response.set('Cache-Control', 'no-cache').type(asset.type).send(Buffer.from(asset.body))
  })
  app.get('/sw.js', (_request, response) => {
    const worker = assets.get('sw.js')
    response
      .set('Cache-Control', 'no-cache')
      .type('text/javascript')
      .send(Buffer.from(worker?.body ?? []))
  })
  app.use(
    '/public',
    express.static(`${here}public`, {
      cacheControl: false,
      index: false,
      setHeaders: (response) => response.setHeader('Cache-Control', 'no-cache'),
    }),
  )
  app.use('/labs/api', rawBody(), labsRouter())
  for (const router of deps.routers) app.use(router)
  app.use(notFound)
  app.use(problemHandler(deps.onInternal))
  return app
}

function servePage(page: Page): RequestHandler {
  const markup = readFileSync(`${here}pages/${page.name}/page.html`, 'utf8')
  return (request, response) => {
    const preferences = readPreferences(request.headers.cookie, request.headers['accept-language'])
    response
      .set({ 'Cache-Control': 'no-cache', Vary: 'Cookie, Accept-Language' })
      .type('html')
      .send(composePage(page, markup, preferences))
  }
}
