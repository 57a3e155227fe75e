// qr: what is in the square, and the square itself. It knows keys, times and handles; it knows no person, no token,
// no registry, and trusts nobody: reading a code verifies nothing.
export {
  ASSURANCE_LEVELS,
  type Assurance,
  type Attestation,
  type AttestationClaims,
  type HealthClaim,
  type HealthOutcome,
  type Kind,
  makeAttestation,
  parseAttestation,
} from './attestation.ts'
export { decodeBase45, encodeBase45 } from './base45.ts'
export {
  type CborLabel,
  type CborMap,
  type CborValue,
  type ReadCborOptions,
  readCbor,
  readCborMap,
  writeCbor,
} from './cbor.ts'
export {
  audienceHash,
  type CodeForm,
  codeForm,
  type DynamicCode,
  MAX_CODE_LENGTH,
  type MakeCodeOptions,
  makeCode,
  makePaperCode,
  type OnlineCode,
  type PaperCode,
  type ParsedCode,
  PREFIX,
  parseCode,
  STEP_SECONDS,
} from './code.ts'
export {
  COSE_ALG,
  COSE_KID,
  coseKid,
  type DecodeSign1Options,
  decodeSign1,
  ES256,
  type Sign1,
  type SignSign1Options,
  signatureInput,
  signedAs,
  signSign1,
  verifySign1,
} from './cose.ts'
export { httpRelay } from './http-relay.ts'
export { decodeImage, type RgbaImage } from './image.ts'
export { type DropOptions, dropOnline, fetchOnline, ONLINE_TTL_SECONDS, type Relay } from './online.ts'
export { type MemoryRelayOptions, memoryRelay } from './relay.ts'
export {
  linkMatrix,
  type Matrix,
  QUIET_ZONE,
  type SvgOptions,
  toMatrix,
  toPixels,
  toSvg,
  toTerminal,
} from './render.ts'
