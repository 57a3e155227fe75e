// The headers of every answer: nothing inline, nothing from elsewhere, no framing, no referrer, nothing kept. And who may ask: the
// consoles have no log-in, so no other site may speak to them through somebody's browser.
import type { RequestHandler } from 'express'
import { CtidError } from '#ctid/base'

const POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export const safeHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(self), geolocation=(), microphone=()',
    'Cache-Control': 'no-store',
  })
  next()
}

const HERE = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Refuses names that are not this machine's (a page of another site whose name was made to point here would read and open
 * everything), and whatever else a browser sends for a page of another site but looking at a page.
 */
export const ownPagesOnly: RequestHandler = (request, _response, next) => {
  const { host = '', origin } = request.headers
  const isForeign = origin !== undefined && origin !== `http://${host}`
  const looks = request.method === 'GET' || request.method === 'HEAD'
  if (!HERE.test(host)) return next(new CtidError('ERR_HTTP_NOT_FOUND'))
  if (isForeign && !looks && !FOR_EVERYBODY.test(request.path))
    return next(new CtidError('ERR_HTTP_NOT_FOUND'))
  next()
}

/** Foreign wallets and verifiers speak to these. */
const FOR_EVERYBODY = /^\/(open|openid4vp|relay)\//
