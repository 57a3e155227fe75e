// registrar: the desk where a document is seen. It turns the document into an anchor with the evaluators' help, enrols it,
// and says what a credential may state. It holds no evaluator share and cannot open the vault.
export { credentialSubject } from './claims.ts'
export { type Enrolled, enrolDocument, type RegistrarDeps } from './enrol.ts'
