// What the four departments know of their people, and the joins that the page proposes. Runs in the browser too.

export const DEPARTMENTS = ['health', 'transport', 'civil', 'market'] as const
export type DepartmentId = (typeof DEPARTMENTS)[number]

/** Fields of each department with all their values. */
export const FIELDS: Readonly<Record<DepartmentId, Readonly<Record<string, readonly string[]>>>> = {
  health: { lungs: ['healthy', 'asthma'], certificate: ['valid', 'lapsed', 'never'] },
  transport: { commute: ['bus', 'metro', 'bicycle', 'car'], fleet: ['vans', 'lorries'] },
  civil: { household: ['alone', 'couple', 'family'], support: ['granted', 'not-asked'] },
  market: { licence: ['food', 'retail', 'haulage'], inspection: ['passed', 'remarks'] },
}

/** One side of a join. */
export type Side = { readonly department: DepartmentId; readonly field: string }

/** Joins that somebody might ask for; their words are the page's. */
export const PROPOSALS: Readonly<Record<string, readonly [Side, Side]>> = {
  traders: [
    { department: 'health', field: 'certificate' },
    { department: 'market', field: 'licence' },
  ],
  asthma: [
    { department: 'health', field: 'lungs' },
    { department: 'transport', field: 'commute' },
  ],
  companies: [
    { department: 'market', field: 'licence' },
    { department: 'transport', field: 'fleet' },
  ],
}

export function isDepartment(value: unknown): value is DepartmentId {
  return DEPARTMENTS.some((id) => id === value)
}

/** Smallest cells that can be asked for. */
export const MINIMUM_CELLS = [3, 5, 10] as const
/** Prices of an answer with noise, in thousandths of ε. */
export const EPSILONS_MILLI = [250, 500, 1000] as const
