// wallet: the holder's side. It keeps copies and keys, shows one copy to one verifier, and remembers what was shown.
// It may not know the registry or the issuer's insides, and tells nobody what it did.
export { type BoxedCredential, type CredentialBox, openCredentialBox } from './credential-box.ts'
export { type Preview, type PreviewLine, previewAttestation } from './preview.ts'
export type { Copy, Shown, WaitingKey } from './state.ts'
export {
  type CryptoKeyStore,
  type DeviceKeys,
  memoryStorage,
  type StoredKey,
  type WalletStorage,
  webDeviceKeys,
} from './storage.ts'
export {
  type CurrentCode,
  createWallet,
  type IssuedCopy,
  type Refill,
  type Showing,
  type ShowOptions,
  type Stock,
  type Wallet,
  type WalletOptions,
} from './wallet.ts'
