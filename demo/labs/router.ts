// The labs over HTTP: what they ask, a run with progress as it happens (one at a time), and whether an answer is right.
import express, { type Request, type Response, type Router } from 'express'
import { loadSodiumGroup } from '#ctid/crypto'
import { readJson } from '#ctid/http'
import { findLab, loadLabs } from './index.ts'
import type { Lab, Text } from './lab.ts'
import { toSvg } from './plot.ts'

const MAX_SEED = 64

/** What the page needs of a lab before it runs. */
export type LabSheet = Omit<Lab, 'run' | 'exercises'> & {
  readonly exercises: readonly { readonly question: Text; readonly hint: Text }[]
}

/** A line of a run's answer, one JSON document each: progress, then the result with its figures as SVG, or that it failed. */
export type RunLine =
  | { readonly log: Text }
  | { readonly result: Awaited<ReturnType<Lab['run']>>; readonly pictures: readonly Text[] }
  | { readonly failed: true }

/** `GET /`, `POST /:id/run`, `POST /:id/answer`. Expects bodies as `rawBody` leaves them. */
export function labsRouter(): Router {
  const router = express.Router()
  let isRunning = false

  router.get('/', async (_request, response) => {
    response.json((await loadLabs()).map(sheetOf))
  })

  router.post('/:id/run', async (request, response) => {
    const lab = await findLab(request.params.id)
    if (!lab) return problem(response, 404, 'There is no lab of that number.')
    if (isRunning)
      return problem(response.set('Retry-After', '5'), 503, 'Another lab is running. Try again in a moment.')
    isRunning = true
    try {
      await stream(lab, seedOf(request), response)
    } finally {
      isRunning = false
    }
  })

  router.post('/:id/answer', async (request, response) => {
    const lab = await findLab(request.params.id)
    const { exercise, answer } = readJson(request, { maxLength: 1000 })
    const asked = typeof exercise === 'number' ? lab?.exercises[exercise] : undefined
    if (!asked || typeof answer !== 'string') return problem(response, 404, 'There is no such exercise.')
    response.json({ right: asked.check(answer) })
  })
  return router
}

function sheetOf({ run: _, exercises, ...sheet }: Lab): LabSheet {
  return { ...sheet, exercises: exercises.map(({ question, hint }) => ({ question, hint })) }
}

function seedOf(request: Request): string {
  const { seed } = readJson(request, { maxLength: 1000 })
  return typeof seed === 'string' ? seed.slice(0, MAX_SEED) : 'course'
}

async function stream(lab: Lab, seed: string, response: Response): Promise<void> {
  const stop = new AbortController()
  response.on('close', () => stop.abort())
  response.type('application/x-ndjson').set('Cache-Control', 'no-store')
  const write = (line: RunLine) => void response.write(`${JSON.stringify(line)}\n`)
  try {
    const result = await lab.run({
      seed,
      scale: 'small',
      group: await loadSodiumGroup(),
      log: (log) => write({ log }),
      signal: stop.signal,
    })
    const pictures = result.figures.map((figure) => ({
      en: toSvg(figure, { language: 'en' }),
      zh: toSvg(figure, { language: 'zh' }),
    }))
    write({ result, pictures })
  } catch (error) {
    if (stop.signal.aborted) return
    write({ failed: true })
    throw error
  } finally {
    response.end()
  }
}

function problem(response: Response, status: number, title: string): void {
  response.status(status).type('application/problem+json').send(JSON.stringify({ title, status }))
}
