// Wrong on purpose: every department files its rows under the national number, so that any two tables are one.
import type { Row } from '../02-one-number.ts'

/** The row as deployed systems keep it: number and exact attributes. */
export function filedUnderNumber(person: { readonly number: string; readonly exact: Row['shown'] }): Row {
  return { id: person.number, shown: person.exact }
}
