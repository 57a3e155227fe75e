// Back pressure: a service that is behind says so at once, instead of letting everybody wait.
import type { RequestHandler } from 'express'
import { CtidError } from '../base/index.ts'

export type BackPressureOptions = {
  /** Most requests under way. Default 256. */
  readonly maxInFlight?: number
  /** How late the event loop may run, which is how long a new request would wait. Default 500. */
  readonly maxDelayMilliseconds?: number
  readonly retryAfterSeconds?: number
}

export type BackPressure = {
  /** Refuses with 503 and `Retry-After` (`ERR_HTTP_BUSY`) while the service is behind. First of all handlers. */
  readonly handler: RequestHandler
  inFlight(): number
  close(): void
}

const PROBE_MILLISECONDS = 50

/** Measures the queue in two ways: requests that were begun, and the time a timer comes late while many wait to begin. */
export function backPressure(options: BackPressureOptions = {}): BackPressure {
  const { maxInFlight = 256, maxDelayMilliseconds = 500, retryAfterSeconds = 1 } = options
  let inFlight = 0
  let late = 0
  let expected = performance.now() + PROBE_MILLISECONDS
  const probe = setInterval(() => {
    const now = performance.now()
    late = Math.max(0, now - expected)
    expected = now + PROBE_MILLISECONDS
  }, PROBE_MILLISECONDS)
  probe.unref()
  return {
    handler: (_request, response, next) => {
      if (inFlight >= maxInFlight || late > maxDelayMilliseconds) {
        response.set('Retry-After', String(retryAfterSeconds))
        next(new CtidError('ERR_HTTP_BUSY'))
        return
      }
      inFlight++
      response.once('close', () => {
        inFlight--
      })
      next()
    },
    inFlight: () => inFlight,
    close: () => clearInterval(probe),
  }
}
