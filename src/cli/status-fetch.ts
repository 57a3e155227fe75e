// Fetching a status list: the address stands in somebody's credential, so time, size, type and redirects are bounded.
import { CtidError, readBody } from '../base/index.ts'
import { STATUS_LIST_MEDIA_TYPE } from '../status/index.ts'

const STATUS_TIMEOUT_MS = 5_000
const MAX_STATUS_TOKEN = 4_194_304
const MAX_REDIRECTS = 3
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

/**
 * Verifier: the text of a status list token. Redirects are followed, as section 8.2 of the status list draft asks, a few at most.
 *
 * @throws {CtidError} `ERR_STATUS_UNAVAILABLE`, `ERR_STATUS_LIST_TOO_LARGE`; errors of the network as they come
 */
export async function fetchStatusToken(uri: string): Promise<string> {
  const signal = AbortSignal.timeout(STATUS_TIMEOUT_MS)
  let at = uri
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (!/^https?:\/\//.test(at)) break
    const headers = { accept: STATUS_LIST_MEDIA_TYPE }
    const response = await fetch(at, { headers, redirect: 'manual', signal })
    const type = response.headers.get('content-type')?.split(';')[0]?.trim()
    if (response.ok && type === STATUS_LIST_MEDIA_TYPE) return await boundedText(response)
    await response.body?.cancel()
    const next = REDIRECTS.includes(response.status) ? response.headers.get('location') : null
    if (next === null || !URL.canParse(next, at)) break
    // Not from TLS to plain text: the list is signed, but who looks at it is nobody's business.
    if (at.startsWith('https:') && !new URL(next, at).href.startsWith('https:')) break
    at = new URL(next, at).href
  }
  throw new CtidError('ERR_STATUS_UNAVAILABLE')
}

async function boundedText(response: Response): Promise<string> {
  const bytes = await readBody(response, MAX_STATUS_TOKEN)
  if (!bytes) throw new CtidError('ERR_STATUS_LIST_TOO_LARGE')
  return new TextDecoder().decode(bytes).trim()
}
