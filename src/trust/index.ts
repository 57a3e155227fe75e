// trust: whose signature counts, for what, where and when. It knows keys and issuers, never a holder. Runs in a
// browser; certificates (chain.ts, pki.ts) need Node and have their own door, node.ts.
export {
  encodeHeader,
  isInForce,
  type ParseJwsOptions,
  parseJws,
  signEncoded,
  signJws,
  type UnverifiedJws,
  verifyJws,
} from './jws.ts'
export { keyId } from './key-id.ts'
export { type Check, type CheckList, checkList } from './report.ts'
export {
  findSigner,
  firstResolver,
  recognises,
  type SignerResolver,
  type TrustedSigner,
  type TrustQuery,
  trustListResolver,
} from './signer.ts'
export {
  type CheckTrustListOptions,
  checkTrustList,
  type Purpose,
  parseTrustList,
  type Recognition,
  signTrustList,
  TRUST_LIST_TYP,
  type TrustedIssuer,
  type TrustedKey,
  type TrustList,
} from './trust-list.ts'
