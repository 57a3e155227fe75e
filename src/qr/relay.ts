// A relay in memory: bounded, forgetful, and giving each message away once.
import { type Clock, CtidError } from '../base/index.ts'
import { MAX_SEALED_BYTES, type Relay } from './online.ts'

export type MemoryRelayOptions = {
  readonly clock: Clock
  /** Most messages kept at once. Default 10,000. */
  readonly maxMessages?: number
  /** Longest time a message may ask for. Default 120 s. */
  readonly maxTtlSeconds?: number
}

/** A mailbox number: 32 lower-case hexadecimal digits. */
const MAILBOX = /^[0-9a-f]{32}$/
/**
 * A relay that keeps its messages in memory; a restart loses them, and the wallet makes a new token. `put` throws `ERR_QR_ONLINE` for a
 * mailbox number of another form, and what {@link Relay} says.
 */
export function memoryRelay(options: MemoryRelayOptions): Relay & { readonly size: number } {
  const { clock, maxMessages = 10_000, maxTtlSeconds = 120 } = options
  const messages = new Map<string, { sealed: Uint8Array; expiresAt: number }>()

  function forgetExpired(now: number): void {
    for (const [mailbox, { expiresAt }] of messages) if (expiresAt <= now) messages.delete(mailbox)
  }
  return {
    get size() {
      return messages.size
    },
    put(mailbox, sealed, { ttlSeconds }) {
      if (!MAILBOX.test(mailbox)) throw new CtidError('ERR_QR_ONLINE')
      if (sealed.length > MAX_SEALED_BYTES) throw new CtidError('ERR_QR_TOO_LARGE')
      const now = clock()
      if (messages.size >= maxMessages) forgetExpired(now)
      if (messages.size >= maxMessages) throw new CtidError('ERR_QR_RELAY_FULL')
      const present = messages.get(mailbox)
      if (present && present.expiresAt > now) throw new CtidError('ERR_QR_RELAY_TAKEN')
      const expiresAt = now + Math.min(Math.max(ttlSeconds, 1), maxTtlSeconds)
      messages.set(mailbox, { sealed: sealed.slice(), expiresAt })
    },
    take(mailbox) {
      const message = messages.get(mailbox)
      messages.delete(mailbox)
      return message && message.expiresAt > clock() ? message.sealed : undefined
    },
  }
}
