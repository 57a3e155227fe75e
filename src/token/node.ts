// token, the Node-only door: share files and the count log of an evaluator process. Not for browsers.
export { type CountEntry, type CountLog, openCountLog } from './count-log.ts'
export {
  type Caller,
  type EvaluatorSecrets,
  newCaller,
  readPrivateJson,
  readShareFile,
  writePrivateFile,
  writeShareFile,
} from './share-file.ts'
