// Which region prefixes occur in which numbers: GB/T 2260 province codes, and the prefixes of residence permits.

/** The 31 province-level divisions of the mainland, and 71 (Taiwan), GB/T 2260. */
const PROVINCES: ReadonlySet<string> = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71'.split(
    ' ',
  ),
)

/** 810000 Hong Kong, 820000 Macau, 830000 Taiwan: the residence permits of 2018, whole six digits. */
const PERMIT_REGIONS: ReadonlySet<string> = new Set(['810000', '820000', '830000'])

/** Whether a two-digit code is a province of resident ID numbers. */
export function isProvince(code: string): boolean {
  return PROVINCES.has(code)
}

/** Whether a six-digit code marks the residence permit of a Hong Kong, Macau or Taiwan resident. */
export function isPermitRegion(code: string): boolean {
  return PERMIT_REGIONS.has(code)
}

/** All province codes, ascending. */
export const provinceCodes: readonly string[] = [...PROVINCES]
