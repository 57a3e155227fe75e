// Trust anchors that can grow while a service runs: what most others lack is a way to add the one that is missing.
import { Router } from 'express'
import { CtidError, fromUtf8 } from '../base/index.ts'
import { bodyBytes } from '../http/index.ts'
import { splitPem } from './pem.ts'

export type Anchors = {
  /** PEM texts, to be read anew for each check. */
  list(): readonly string[]
  add(pems: readonly string[]): void
}

/** A set of anchors in memory. */
export function anchorSet(initial: readonly string[]): Anchors {
  const anchors = new Set(initial.map((pem) => pem.trim()))
  return {
    list: () => [...anchors],
    add: (pems) => {
      for (const pem of pems) anchors.add(pem.trim())
    },
  }
}

/**
 * `GET /anchors` lists the anchors as PEM. `POST /anchors` adds those of a PEM body; only where `isOpen`, which is for
 * development: whoever may add an anchor decides whom this service believes.
 */
export function anchorsRouter(anchors: Anchors, options: { readonly isOpen: boolean }): Router {
  const router = Router()
  router.get('/anchors', (_request, response) => {
    response.type('application/x-pem-file').send(`${anchors.list().join('\n')}\n`)
  })
  router.post('/anchors', (request, response) => {
    if (!options.isOpen) throw new CtidError('ERR_HTTP_NOT_FOUND')
    let text: string
    try {
      text = fromUtf8(bodyBytes(request))
    } catch {
      throw new CtidError('ERR_HTTP_BAD_REQUEST')
    }
    const added = splitPemBody(text)
    anchors.add(added)
    response.status(201).json({ added: added.length, anchors: anchors.list().length })
  })
  return router
}

function splitPemBody(text: string): string[] {
  try {
    return splitPem(text)
  } catch {
    throw new CtidError('ERR_HTTP_BAD_REQUEST', { detail: 'PEM certificates' })
  }
}
