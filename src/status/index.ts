// status: says whether a credential still stands, without asking anybody about one person. It knows indices, never
// whose they are.
export {
  type AllocatorOptions,
  type IndexAllocator,
  memoryIndexAllocator,
  randomIndex,
  type StatusPlace,
} from './allocate.ts'
export {
  createStatusChecker,
  requireValid,
  type StatusChecker,
  type StatusCheckerOptions,
  type StatusPointer,
  type StatusReading,
} from './check-status.ts'
export {
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  getStatus,
  MAX_LIST_BYTES,
  STATUS_INVALID,
  STATUS_SUSPENDED,
  STATUS_VALID,
  type StatusBits,
  type StatusList,
  setStatus,
  statusListSize,
} from './status-list.ts'
export {
  type CheckedStatusList,
  type CheckStatusTokenOptions,
  checkStatusToken,
  STATUS_LIST_MEDIA_TYPE,
  STATUS_LIST_TYP,
  type StatusTokenOptions,
  signEncodedStatus,
  signStatusToken,
} from './status-token.ts'
export { deflate, inflate } from './zlib.ts'
