// pseudonym, Node only: what needs files. Not part of the door that browsers use.
export { openJournalFile } from './journal-file.ts'
