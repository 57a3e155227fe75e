// `GET /health` of a service that writes: 503 while it cannot.
import type { RequestHandler } from 'express'

/** @param ready rejects while nothing can be written */
export function healthRoute(ready: () => Promise<unknown>): RequestHandler {
  return async (_request, response) => {
    const isReady = await ready().then(
      () => true,
      () => false,
    )
    response.status(isReady ? 200 : 503).json({ status: isReady ? 'ok' : 'unavailable' })
  }
}
