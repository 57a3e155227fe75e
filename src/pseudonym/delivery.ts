// What reaches the receiver: a row's ciphertext and the payload sealed to it, padded so that lengths tell nothing.
import { CtidError, concatBytes, framed, type RandomBytes, uintBytes, utf8 } from '../base/index.ts'
import type { Group, Point, Scalar } from '../crypto/index.ts'
import { openBox, sealBox } from './box.ts'
import { type Ciphertext, decryptPoint } from './elgamal.ts'

/** One converted row on its way to the receiver. */
export type Delivery = { readonly ciphertext: Ciphertext; readonly payload: Uint8Array }
/** One converted row as the receiver reads it. */
export type Received = { readonly point: Point; readonly payload: Uint8Array }

const MAX_PAYLOAD = 16_384

/** Asking sector: seals each row's payload to the receiver; all to the length of the longest. */
export async function sealPayloads(
  group: Group,
  count: number,
  payloads: readonly Uint8Array[] | undefined,
  options: { readonly recipient: Point; readonly to: string; readonly random: RandomBytes },
): Promise<Uint8Array[]> {
  if (payloads === undefined) return Array.from({ length: count }, () => new Uint8Array())
  const longest = Math.max(...payloads.map((payload) => payload.length))
  if (payloads.length !== count || longest > MAX_PAYLOAD) {
    throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'one payload a row, of at most 16,384 bytes' })
  }
  const { recipient, to, random } = options
  const sealed: Uint8Array[] = []
  for (const payload of payloads) {
    const padded = concatBytes(
      uintBytes(payload.length, 2),
      payload,
      new Uint8Array(longest - payload.length),
    )
    sealed.push(await sealBox(group, recipient, padded, { context: payloadContext(to), random }))
  }
  return sealed
}

/** Receiver: opens one payload; empty stays empty. */
export async function openPayload(
  group: Group,
  secretKey: Scalar,
  payload: Uint8Array,
  to: string,
): Promise<Uint8Array> {
  if (payload.length === 0) return payload
  const padded = await openBox(group, secretKey, payload, { context: payloadContext(to) })
  const length = ((padded[0] ?? 0) << 8) | (padded[1] ?? 0)
  if (padded.length < 2 || length > padded.length - 2) throw new CtidError('ERR_PSEUDONYM_ROWS')
  return padded.slice(2, 2 + length)
}

/** Receiver: reads the sector points and payloads that are addressed to it. */
export async function receive(
  group: Group,
  secretKey: Scalar,
  deliveries: readonly Delivery[],
  { to }: { readonly to: string },
): Promise<Received[]> {
  const rows: Received[] = []
  for (const { ciphertext, payload } of deliveries) {
    rows.push({
      point: decryptPoint(group, secretKey, ciphertext),
      payload: await openPayload(group, secretKey, payload, to),
    })
  }
  return rows
}

function payloadContext(to: string): Uint8Array {
  return framed(utf8('CTID-payload-v1'), to)
}
