// A witness over HTTP (C2SP tlog-witness): one call that changes anything, and its key for whoever wants to trust it.
import { type Request, type Response, Router } from 'express'
import { CtidError, fromUtf8 } from '../base/index.ts'
import { formatNoteKey, type Witness } from '../transparency/index.ts'
import { bodyBytes } from './problem.ts'

export type WitnessRouterDeps = {
  readonly witness: Witness
  /** Submission and monitoring prefix. Default `/witness`. */
  readonly prefix?: string
}

/** `POST {prefix}/add-checkpoint` with the answers of the specification, and `GET {prefix}/key`. */
export function witnessRouter({ witness, prefix = '/witness' }: WitnessRouterDeps): Router {
  const router = Router()
  router.post(`${prefix}/add-checkpoint`, async (request: Request, response: Response) => {
    let body: string
    try {
      body = fromUtf8(bodyBytes(request))
    } catch {
      throw new CtidError('ERR_HTTP_BAD_REQUEST')
    }
    const answer = await witness.addCheckpoint(body)
    // Not through `type()`, which would add a charset that the specification does not have.
    response.status(answer.status).setHeader('Content-Type', answer.contentType)
    response.end(answer.body)
  })
  router.get(`${prefix}/key`, (_request, response) => {
    response.type('text/plain; charset=utf-8').send(`${formatNoteKey(witness.key)}\n`)
  })
  return router
}
