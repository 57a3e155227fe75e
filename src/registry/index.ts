// registry: token and sealed record, one to one, with their life cycle and keys. It cannot compute a token from a
// document, and cannot open a record without the vault key.
export type { Audit, AuditCheck, AuditOptions } from './audit.ts'
export type { Anchored } from './binding.ts'
export type { Because } from './change.ts'
export type { KeyRow, KeyState, Label, RegistryDependencies, RollKind } from './desk.ts'
export {
  type Application,
  type Draft,
  type Drafting,
  draft as draftEnrolment,
  type Enrolment,
  type RegistryRecord,
} from './enrol.ts'
export type { Entry } from './entry.ts'
export {
  addKeyVersion,
  type BindingKey,
  createRegistryKeys,
  dropOldVersions,
  exportRegistryKeys,
  importRegistryKeys,
  type KeyKind,
  type RegistryKeys,
  type SectorKey,
} from './keys.ts'
export { type EventKind, type Reason, STEPS, type State, type StoredState, stateAt } from './life-cycle.ts'
export { commitmentOf, type EventRow, publicLabels, type RegistryLog, type RegistryLogEntry } from './log.ts'
export type { AnchorRotation } from './move.ts'
export { openRegistry, type Registry, type RegistryEvent } from './registry.ts'
export type { AnchorProgress, Progress, RotateOptions } from './rotate.ts'
export { registryMigrations } from './schema.ts'
export { type Secret, secret } from './secret.ts'
export { createVaultKey, localVault, type Vault, vaultKeyId, type WrappedKey } from './vault.ts'
