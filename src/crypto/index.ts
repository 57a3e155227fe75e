// crypto: the few primitives we use, each with one fixed algorithm. It knows no protocol and no person.
export { open, type SealOptions, seal } from './aead.ts'
export { type DleqStatement, proveDleq, VOPRF_CONTEXT, verifyDleq } from './dleq.ts'
export {
  compressPoint,
  decompressPoint,
  generateSigner,
  importVerifyKey,
  jwkThumbprint,
  jwkToPoint,
  type P256PrivateJwk,
  type P256PublicJwk,
  parsePublicJwk,
  pointToJwk,
  type Signer,
  signerFromCryptoKey,
  signerFromJwk,
  type VerifyKey,
  verifyEs256,
} from './es256.ts'
export { type Group, type Point, type Scalar, scalarFromInt } from './group.ts'
export { nobleGroup } from './group-noble.ts'
export { loadSodiumGroup } from './group-sodium.ts'
export { type HkdfOptions, hkdfSha256, hmacSha256, sha256, sha256Into, sha512 } from './hash.ts'
export { nodeCrypto } from './native.ts'
export {
  applyRefresh,
  combineAtZero,
  type DkgBroadcast,
  type DkgMessage,
  type DkgOptions,
  type DkgState,
  dealRefresh,
  dkgBroadcast,
  dkgMessage,
  dkgRound1,
  dkgRound2,
  dkgRound3,
  exportDkgState,
  importDkgState,
  isDkgBroadcast,
  lagrangeAtZero,
  type PublicShare,
  type RefreshDeal,
  refreshedKey,
  runDkg,
  type Share,
  type SharedKey,
} from './threshold.ts'
