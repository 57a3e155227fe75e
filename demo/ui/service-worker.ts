// Lets the pages open without a network: the network first, and what was last seen when there is none.
// Only pages, scripts, styles and pictures are kept; answers of the parties are never stored here.

type ExtendableEvent = Event & { waitUntil(work: Promise<unknown>): void }
type FetchEvent = ExtendableEvent & {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

const worker = globalThis as unknown as {
  readonly location: Location
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
  addEventListener(type: string, listener: (event: never) => void): void
}

/** Every page, script, style and picture of this edition; put in when the worker is bundled. */
declare const PARTS: readonly string[]

const CACHE = 'ctid-pages'

worker.addEventListener('install', (event: ExtendableEvent) => {
  event.waitUntil(keepAll())
})

worker.addEventListener('activate', (event: ExtendableEvent) => {
  event.waitUntil(worker.clients.claim())
})

// What an earlier edition left is dropped once everything of this one is here.
async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE)
  await cache.addAll([...PARTS])
  for (const request of await cache.keys()) {
    if (!PARTS.includes(new URL(request.url).pathname)) await cache.delete(request)
  }
  await worker.skipWaiting()
}

worker.addEventListener('fetch', (event: FetchEvent) => {
  const { request } = event
  const url = new URL(request.url)
  const isPage = request.mode === 'navigate'
  const isPart = /^\/(assets|public)\//.test(url.pathname)
  if (request.method !== 'GET' || url.origin !== worker.location.origin || !(isPage || isPart)) return
  event.respondWith(networkFirst(request))
})

async function networkFirst(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  try {
    const response = await fetch(request)
    if (response.ok) await cache.put(request, response.clone())
    return response
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: request.mode === 'navigate' })
    if (kept) return kept
    throw error
  }
}
