// The synthetic town: who lives in it, and who comes to the registrar's desk in the demo. Runs in the browser too:
// the citizen's page makes the same documents itself, so that no server ever sends one out.
import { type LegalRecord, parseLegalRecord, syntheticCompanies, syntheticDocuments } from '#ctid/identity'

const SEED = 'ctid-demo'
const PEOPLE = 20
const COMPANIES = 4
/** Positions of those who are not enrolled at the start: an adult, elders, rare and minority names, a child, a foreigner. */
const WALK_IN = [0, 3, 5, 9, 11, 13, 15]

/** A document as it is handed over at the desk. */
export type Document = { readonly [member: string]: string }

function documents(): Document[] {
  const people = syntheticDocuments({ seed: SEED, count: PEOPLE })
  const companies = syntheticCompanies({ seed: SEED, count: COMPANIES })
  return [...people, ...companies].map((document) => ({ ...document }))
}

/** Documents of those who may walk in: seven people, one company, and one who was enrolled long ago. */
export function walkIns(): Document[] {
  const all = documents()
  return [...WALK_IN, PEOPLE, 1].flatMap((at) => all.slice(at, at + 1))
}

/** Records of those who are enrolled when the demo begins. */
export function residents(): LegalRecord[] {
  return documents()
    .filter((_, at) => !WALK_IN.includes(at) && at !== PEOPLE)
    .map((document) => parseLegalRecord(document))
}
