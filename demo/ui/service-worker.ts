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

const CACHE = 'ctid-pages'
const FIRST = ['/verifier', '/assets/verifier.js', '/assets/verifier.css', '/public/icons.svg']

worker.addEventListener('install', (event: ExtendableEvent) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FIRST).then(() => worker.skipWaiting())))
})

worker.addEventListener('activate', (event: ExtendableEvent) => {
  event.waitUntil(worker.clients.claim())
})

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
