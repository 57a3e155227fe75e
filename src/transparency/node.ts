// transparency/node: the parts of the log that need Node: files, the single-writer lock, the witness's memory on disk.
export { directorySource } from './files/directory.ts'
export {
  type Appended,
  type Cosign,
  type FileLog,
  type FileLogOptions,
  openFileLog,
} from './files/file-log.ts'
export { fileWitnessStore } from './files/witness-store.ts'
