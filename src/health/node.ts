// The parts of health that need Node: document signer certificates and the database.
export { kindsOfUsage, readDocumentSigner } from './certificates/document-signer.ts'
export { healthMigrations, sqlHealthStore } from './sql-store.ts'
