// The registrar's desk: checks a document, has its number evaluated blindly, enrols, and tells what happened in bytes.
import express, { type Router } from 'express'
import { type RandomBytes, toHex } from '#ctid/base'
import { type Group, type P256PublicJwk, type Point, parsePublicJwk } from '#ctid/crypto'
import { readJson } from '#ctid/http'
import { canonicalIdentity } from '#ctid/identity'
import { enrolDocument } from '#ctid/registrar'
import type { Registry } from '#ctid/registry'
import type { Evaluator } from '#ctid/token'
import type { Evaluators } from './evaluators.ts'

export type RegistrarDeps = {
  readonly evaluators: Evaluators
  readonly registry: Registry
  readonly group: Group
  readonly random: RandomBytes
  readonly clock: () => number
  /** Names the key of the person's device, which speaks for the entry from now on. */
  readonly appoint: (token: Uint8Array, key: P256PublicJwk) => Promise<void>
  /** Makes the person known to the health authority, under a pseudonym of its own and another key. */
  readonly enrolInHealth: (anchor: Point, key: P256PublicJwk) => Promise<void>
}

/** What went over the wire between registrar and evaluators, in hexadecimal. None of it tells who it was. */
export type Transcript = {
  readonly canonicalBytes: number
  readonly blinded: string
  readonly answers: readonly {
    readonly evaluator: number
    readonly publicKey: string
    readonly evaluated: string
    readonly proof: string
  }[]
}

export type EnrolAnswer = {
  readonly status: 'created' | 'existing'
  readonly state: string
  readonly transcript: Transcript
}

/** `POST /enrol` with a document and the key of the person's device. The answer holds no personal data and no token. */
export function registrarRouter(deps: RegistrarDeps): Router {
  const router = express.Router()
  router.post('/enrol', async (request, response) => {
    const { document, key, healthKey } = readJson(request)
    const keys = { desk: parsePublicJwk(key), health: parsePublicJwk(healthKey) }
    const heard = await listen(deps)
    const { keySet } = deps.evaluators
    let anchor: Point | undefined
    const registry: Pick<Registry, 'enrol'> = {
      enrol: (application) => {
        anchor = application.anchor
        return deps.registry.enrol(application)
      },
    }
    const party = { ...deps, registry, evaluators: heard.evaluators, keySet: keySet(), officer: 'desk-1' }
    const { token, status, entry, record } = await enrolDocument(document, party)
    await deps.appoint(token, keys.desk)
    if (anchor && record.documentType !== 'uscc') await deps.enrolInHealth(anchor, keys.health)
    const canonicalBytes = canonicalIdentity(record).length
    const answer: EnrolAnswer = {
      status,
      state: entry.state,
      transcript: { canonicalBytes, ...heard.transcript() },
    }
    response.json(answer)
  })
  return router
}

// Evaluators that keep what passed between them and the registrar, for the page that shows it.
async function listen({ evaluators, group }: RegistrarDeps) {
  const keys = new Map(evaluators.keySet().shares.map(({ id, publicKey }) => [id, publicKey]))
  const answers: Transcript['answers'][number][] = []
  let blinded = ''
  const heard = (await evaluators.list()).map(
    (evaluator): Evaluator => ({
      ...evaluator,
      evaluate: async (elements, call) => {
        const answer = await evaluator.evaluate(elements, call)
        blinded = toHex(group.parsePoint(elements[0] as Point))
        answers.push({
          evaluator: evaluator.id,
          publicKey: toHex(keys.get(evaluator.id) as Point),
          evaluated: toHex(answer.evaluated[0] as Point),
          proof: toHex(answer.proof),
        })
        return answer
      },
    }),
  )
  return { evaluators: heard, transcript: () => ({ blinded, answers }) }
}
