// The issuer's public files: status lists and the trust list. Fetched by everyone alike, so fetching says nothing.
import { Router } from 'express'
import { CtidError } from '../base/index.ts'
import type { StatusPublisher } from '../issuer/index.ts'
import { STATUS_LIST_MEDIA_TYPE } from '../status/index.ts'

export type IssuerStatusDeps = {
  readonly publisher: StatusPublisher
  /** The signed trust list as it is now. */
  readonly trustList?: () => string | Promise<string>
  /** The trust anchor, PEM. */
  readonly anchorPem?: string
}

/**
 * Routes: `GET /status/N` (a status list token, `application/statuslist+jwt`), `GET /trust-list`
 * (`application/trustlist+jwt`), `GET /anchor.pem`. Readable from any web page, cacheable, never compressed again:
 * the list inside is compressed already.
 */
export function issuerStatusRouter(deps: IssuerStatusDeps): Router {
  const router = Router()
  router.use(['/status', '/trust-list', '/anchor.pem'], (_request, response, next) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('X-Content-Type-Options', 'nosniff')
    next()
  })

  router.get('/status/:list', async (request, response) => {
    const { list = '' } = request.params
    // The draft's historical resolution: the list of now would be taken for that of then.
    if (request.query['time'] !== undefined) throw new CtidError('ERR_STATUS_HISTORY')
    const answer = /^(0|[1-9]\d{0,8})$/.test(list) ? await deps.publisher.token(Number(list)) : undefined
    if (!answer) throw new CtidError('ERR_HTTP_NOT_FOUND')
    response
      .setHeader('Cache-Control', `public, max-age=${answer.maxAgeSeconds}, no-transform`)
      .setHeader('Content-Type', STATUS_LIST_MEDIA_TYPE)
      .end(answer.token)
  })

  router.get('/trust-list', async (_request, response) => {
    if (!deps.trustList) throw new CtidError('ERR_HTTP_NOT_FOUND')
    response
      .setHeader('Cache-Control', 'public, max-age=300')
      .setHeader('Content-Type', 'application/trustlist+jwt')
      .end(await deps.trustList())
  })

  router.get('/anchor.pem', (_request, response) => {
    if (deps.anchorPem === undefined) throw new CtidError('ERR_HTTP_NOT_FOUND')
    response.setHeader('Content-Type', 'application/x-pem-file').end(deps.anchorPem)
  })
  return router
}
