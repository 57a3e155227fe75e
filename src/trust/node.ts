// The Node-only door of trust: certificate chains and the development PKI.
export {
  type ChainOptions,
  type ChainResolverOptions,
  type CheckedChain,
  chainResolver,
  checkChain,
  x509Hash,
} from './chain.ts'
export {
  type CertifiedKey,
  createDevelopmentPki,
  type DevelopmentPki,
  type DevelopmentPkiOptions,
  DOCUMENT_SIGNING,
  loadOrCreatePki,
  type PartyName,
  READER_AUTHENTICATION,
} from './pki.ts'
