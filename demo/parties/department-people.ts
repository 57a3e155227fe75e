// The people and companies that the departments have in common, and what each department happens to know of them. Synthetic.
import { utf8 } from '#ctid/base'
import { sha256 } from '#ctid/crypto'
import { type LegalRecord, syntheticCompanies, syntheticPeople } from '#ctid/identity'
import type { DepartmentId } from './department-fields.ts'

const SEED = 'ctid-departments'
const PEOPLE = 72
const COMPANIES = 18

export type Row = Readonly<Record<string, string>>

/** All subjects: people first, then companies. */
export function subjects(): LegalRecord[] {
  return [
    ...syntheticPeople({ seed: SEED, count: PEOPLE }),
    ...syntheticCompanies({ seed: SEED, count: COMPANIES }),
  ]
}

/** What a department knows of a subject (counted from zero); `undefined` for somebody it does not know. */
export function rowOf(department: DepartmentId, subject: number): Row | undefined {
  const isCompany = subject >= PEOPLE
  const trades = isCompany || subject % 2 === 0
  const licence = pick(subject, 'licence', ['food', 'food', 'retail', 'retail', 'haulage'])
  switch (department) {
    case 'health': {
      if (isCompany) return undefined
      const handlesFood = trades && licence === 'food'
      const certificates = handlesFood ? ['valid', 'valid', 'valid', 'lapsed'] : ['valid', 'never', 'never']
      return {
        lungs: pick(subject, 'lungs', ['asthma', 'healthy', 'healthy', 'healthy']),
        certificate: pick(subject, 'certificate', certificates),
      }
    }
    case 'transport':
      if (isCompany)
        return subject % 3 === 0 ? undefined : { fleet: pick(subject, 'fleet', ['vans', 'lorries']) }
      return { commute: pick(subject, 'commute', ['bus', 'metro', 'metro', 'bicycle', 'car']) }
    case 'civil':
      if (isCompany) return undefined
      return {
        household: pick(subject, 'household', ['alone', 'couple', 'family', 'family']),
        support: pick(subject, 'support', ['granted', 'not-asked', 'not-asked', 'not-asked']),
      }
    case 'market':
      return trades
        ? { licence, inspection: pick(subject, 'inspection', ['passed', 'passed', 'remarks']) }
        : undefined
  }
}

function pick(subject: number, field: string, from: readonly string[]): string {
  const [byte = 0] = sha256(utf8(`${SEED}/${field}/${subject}`))
  return from[byte % from.length] ?? ''
}
