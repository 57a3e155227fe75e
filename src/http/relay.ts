// The relay of online codes over HTTP: mailboxes of sealed bytes, put once, fetched once. It can read none of them.
import { type Request, type Response, Router } from 'express'
import { CtidError } from '../base/index.ts'
import type { Relay } from '../qr/index.ts'
import { bodyBytes } from './problem.ts'

export type RelayRouterDeps = { readonly relay: Relay }

/**
 * `PUT /relay/{mailbox}?ttl=60` with the sealed bytes, and `DELETE /relay/{mailbox}` which answers with them once.
 * Fetching is a DELETE because it changes what is there: no cache, prefetch or retry may repeat it.
 */
export function relayRouter({ relay }: RelayRouterDeps): Router {
  const router = Router()
  router.put('/relay/:mailbox', async (request: Request<{ mailbox: string }>, response: Response) => {
    await relay.put(request.params.mailbox, bodyBytes(request), { ttlSeconds: ttlOf(request.query['ttl']) })
    response.status(204).end()
  })
  router.delete('/relay/:mailbox', async (request: Request<{ mailbox: string }>, response: Response) => {
    const sealed = await relay.take(request.params.mailbox)
    if (!sealed) throw new CtidError('ERR_QR_RELAY_EMPTY')
    response.type('application/octet-stream').send(Buffer.from(sealed))
  })
  return router
}

function ttlOf(value: unknown): number {
  if (value === undefined) return 60
  if (typeof value !== 'string' || !/^[1-9]\d{0,3}$/.test(value)) throw new CtidError('ERR_QR_ONLINE')
  return Number(value)
}
