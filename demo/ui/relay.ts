// The relay of this demo, as wallet and verifier reach it.
import { httpRelay } from '#ctid/qr'

export const relay = httpRelay(location.origin, (input, init) => fetch(input, init))
