// Tools of a hostile wallet: JWTs with any header, requests with any body, and what every refusal must look like.
import { createHmac, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { expect } from 'vitest'
import { systemClock, toBase64url, utf8 } from '#ctid/base'
import { sha256 } from '#ctid/crypto'
import type { KeyPair } from './third-party.ts'

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A compact JWS with any header and payload, signed as `header.alg` says; unknown algorithms get an ES256 signature. */
export function craft(header: Record<string, unknown>, payload: unknown, key: KeyPair): string {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${signatureFor(header['alg'], input, key)}`
}

function signatureFor(alg: unknown, input: string, key: KeyPair): string {
  if (alg === 'none') return ''
  if (alg === 'HS256') {
    return createHmac('sha256', JSON.stringify(key.publicJwk)).update(input).digest('base64url')
  }
  if (alg === 'ES384') {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    return sign('sha384', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
      'base64url',
    )
  }
  const privateKey = createPrivateKey({ key: { ...key.privateJwk }, format: 'jwk' })
  return sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
    'base64url',
  )
}

/** A right DPoP proof, with members replaced; `undefined` removes one. */
export function dpop(
  key: KeyPair,
  url: string,
  change: {
    readonly header?: Record<string, unknown>
    readonly payload?: Record<string, unknown>
    readonly accessToken?: string
  } = {},
): string {
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: key.publicJwk, ...change.header }
  const payload = {
    htm: 'POST',
    htu: url,
    iat: systemClock(),
    jti: randomBytes(16).toString('base64url'),
    ...(change.accessToken === undefined ? {} : { ath: toBase64url(sha256(utf8(change.accessToken))) }),
    ...change.payload,
  }
  return craft(header, payload, key)
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Record<string, unknown>
}

export async function post(
  url: string,
  body: string | Uint8Array | URLSearchParams | object | undefined,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isJson =
    typeof body === 'object' && !(body instanceof URLSearchParams) && !(body instanceof Uint8Array)
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as string) }),
  })
  return read(response)
}

export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: Record<string, unknown> = {}
  try {
    body = JSON.parse(text)
  } catch {
    // Not JSON: `refused` will say so.
  }
  return { status: response.status, headers: response.headers, text, body }
}

/** A request with two headers of one name, which fetch cannot send. */
export function postTwice(
  url: string,
  name: string,
  values: readonly string[],
  body: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', [name]: [...values] },
    })
    outgoing.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Every refusal: 4xx, an error word and a reason, and nothing of our insides or of what was sent. */
export function refused(answer: Answer, error: string, status: number | readonly number[] = 400): void {
  expect([status].flat(), answer.text).toContain(answer.status)
  expect(answer.body['error'], answer.text).toBe(error)
  expect(String(answer.body['error_description']).length).toBeGreaterThan(10)
  expect(answer.body['code']).toMatch(/^ERR_/)
  expect(answer.text).not.toMatch(/\.ts:|node_modules|at \w+ \(|SyntaxError|eyJ/)
}

export const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
