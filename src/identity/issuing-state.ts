// Issuing states of travel documents: ISO 3166-1 alpha-3 and the additions of ICAO Doc 9303 part 3 section 5.
import { CtidError } from '../base/index.ts'

const ISO_3166 =
  'ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM ' +
  'BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR ' +
  'CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB ' +
  'GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA ' +
  'JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA ' +
  'MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR ' +
  'NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS ' +
  'SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON ' +
  'TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE'

// British sub-types, Kosovo, United Nations and other organisations, stateless persons and refugees.
const ICAO =
  'GBD GBN GBO GBP GBS RKS UNO UNA UNK EUE XBA XIM XCC XCE XCO XEC XPO XES XMP XOM XDC XXA XXB XXC XXX'

const COUNTRIES: ReadonlySet<string> = new Set(ISO_3166.split(' '))
const STATES: ReadonlySet<string> = new Set([...COUNTRIES, ...ICAO.split(' ')])

/**
 * An issuing state in its one form: three capital letters. Germany's `D`, as its passports have it in the machine
 * readable zone, becomes `DEU`.
 *
 * @throws {CtidError} `ERR_IDENTITY_ISSUING_STATE`
 */
export function parseIssuingState(text: string): string {
  const code = text === 'D' || text === 'D<<' ? 'DEU' : text
  if (!STATES.has(code)) throw new CtidError('ERR_IDENTITY_ISSUING_STATE')
  return code
}

/** Whether the code is a country of ISO 3166-1, as residence permits carry it. */
export function isCountry(code: string): boolean {
  return COUNTRIES.has(code)
}
