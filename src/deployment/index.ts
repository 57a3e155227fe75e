// deployment: from a key folder and a store to parties that work together on one machine or several. It holds every key of
// a development deployment, so no party may import it.
export { type BulkFileOptions, bulkSetting, enrolFile } from './bulk.ts'
export type { Carried, CeremonyTools } from './carried.ts'
export {
  beginCeremonyIn,
  confirmRefreshIn,
  dealRefreshIn,
  exchangeSharesIn,
  type Finished,
  finishCeremonyIn,
  finishRefreshIn,
  gatherRegistrar,
} from './ceremony.ts'
export { type IssuerKeys, openIssuerKeys } from './issuer-keys.ts'
export { type IssuerParty, type IssuerPartyOptions, openIssuerParty } from './issuer-party.ts'
export {
  type Keyring,
  type KeyringOptions,
  openKeyring,
  openRegistrarKeyring,
  REGISTRAR,
  type RegistrarKeyring,
  shareFile,
} from './keyring.ts'
export type { DeploymentLog, HolderProof, IssuerLog, LogElsewhere, LogOptions } from './log.ts'
export { type Deployment, type DeploymentOptions, openDeployment } from './parties.ts'
export {
  openRegistrarParty,
  type RegistrarOptions,
  type RegistrarParty,
} from './registrar-party.ts'
export { openStoreReplayCache, replayMigrations, type StoreReplayCache } from './replay-store.ts'
export {
  type EvaluatorRotation,
  type EvaluatorsElsewhere,
  rotateEvaluators,
  rotateEvaluatorsElsewhere,
} from './rotate-evaluators.ts'
export {
  adoptRotationIn,
  confirmRotationIn,
  dealProductIn,
  finishRotationIn,
  type RotationFolders,
} from './rotation-ceremony.ts'
export { evidenceOfSector, type SectorDesk } from './sector-evidence.ts'
export { ENTRANCE_POLICY } from './verifier.ts'
