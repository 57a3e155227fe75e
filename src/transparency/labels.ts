// Labels: the blind names of a record and of a token in the public log. Both are VRF outputs, so they cannot be chosen.
import { framed, uintBytes } from '../base/index.ts'
import { type VrfKey, vrfOutput, vrfVerify } from './vrf.ts'

/** A label (32 bytes) and the proof that it is the label of its input. The proof goes to the holder only. */
export type ProvenLabel = { readonly label: Uint8Array; readonly proof: Uint8Array }

/**
 * What the record label is computed from: the record's canonical bytes and the version of its binding (1 at
 * registration, one more at each replacement of the token).
 */
export function recordInput(record: Uint8Array, version: number): Uint8Array {
  return framed('CTID-LOG-RECORD-V1', record, uintBytes(version, 4))
}

/** What the token label is computed from. */
export function tokenInput(token: Uint8Array): Uint8Array {
  return framed('CTID-LOG-TOKEN-V1', token)
}

/** Label of an input: the first 32 bytes of the VRF output. */
export function makeLabel(key: VrfKey, input: Uint8Array): ProvenLabel {
  const proof = key.prove(input)
  return { label: vrfOutput(proof).slice(0, 32), proof }
}

/** The label that a proof shows for an input. Throws `ERR_LOG_VRF`. */
export function verifyLabel(publicKey: Uint8Array, input: Uint8Array, proof: Uint8Array): Uint8Array {
  return vrfVerify(publicKey, input, proof).slice(0, 32)
}
