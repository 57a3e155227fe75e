// Fetches what an online code stands for: once, sealed, from a relay that cannot read it.
import { fromUtf8, isCtidError } from '#ctid/base'
import { fetchOnline, parseCode } from '#ctid/qr'
import type { Verdict } from '#ctid/verifier'
import { relay } from '../../ui/relay.ts'

export type Fetched =
  | { readonly code: string }
  | { readonly code?: undefined; readonly error: Pick<Verdict, 'code'>; readonly reason: { reason?: string } }

export async function fetchFromRelay(text: string): Promise<Fetched> {
  try {
    const parsed = parseCode(text)
    if (parsed.form !== 'online') return { error: { code: 'ERR_QR_FORM' }, reason: {} }
    return { code: fromUtf8(await fetchOnline(parsed.secret, relay)) }
  } catch (error) {
    if (!isCtidError(error)) throw error
    const reason = error.code === 'ERR_QR_RELAY_UNREACHABLE' ? { reason: 'reason.network' } : {}
    return { error: { code: error.code }, reason }
  }
}
