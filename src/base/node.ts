// base, Node only: what needs files. Not part of the door that browsers use.
export { acquireLock, type Lock, waitForLock } from './lock.ts'
