// Makes the published vectors of records and names, read and refused.
// `UPDATE_VECTORS=1 npx vitest run tests/identity/identity-cases.test.ts` writes them anew.
import {
  mrzCheckDigit,
  organisationCheckCharacter,
  residentCheckCharacter,
  usccCheckCharacter,
} from '#ctid/identity'
import type { JsonObject } from '../../src/base/index.ts'

export type RecordCase = { readonly case: string; readonly record: JsonObject }
export type NameCase = { readonly case: string; readonly typed: string }

/** 24 November 2026, 00:30 in China. */
const NOW = Date.UTC(2026, 10, 23, 16, 30) / 1000

const right = (digits17: string) => digits17 + residentCheckCharacter(digits17)
const old = (digits14: string) => digits14 + mrzCheckDigit(digits14)
const company = (body8: string, organisation8: string) => {
  const body = body8 + organisation8 + organisationCheckCharacter(organisation8)
  return body + usccCheckCharacter(body)
}

const name = '样例'
const resident = (documentNumber: string, others: JsonObject = {}) => ({
  documentType: 'resident-id',
  documentNumber,
  name,
  ...others,
})
const permit = (documentNumber: string, others: JsonObject = {}) => ({
  ...resident(documentNumber, others),
  documentType: 'residence-permit',
})
const passport = (issuingState: string, documentNumber = 'L898902C3', others: JsonObject = {}) => ({
  documentType: 'passport',
  issuingState,
  documentNumber,
  name,
  ...others,
})
const uscc = (documentNumber: string, others: JsonObject = {}) => ({
  ...resident(documentNumber, others),
  documentType: 'uscc',
})
const EXAMPLE = '11010519491231002X'

const RECORDS: readonly (readonly [string, JsonObject])[] = [
  ['what the number tells is filled in', resident(EXAMPLE)],
  ['given and told agree', resident(EXAMPLE, { birthDate: '1949-12-31', sex: 'F' })],
  ['spaces, small and full-width letters', resident(' 110105 1949１２３１\u3000002ｘ')],
  ['a leap day', resident(right('11010520000229001'))],
  ['born today by the calendar of China', resident(right('11010520261124001'))],
  ['Taiwan, GB/T 2260', resident(right('71010519800101001'))],
  ['permit: Macau', permit(right('82000019900101001'))],
  ['permit of 2023', permit(right('91184019900101002'))],
  ['permit of 2004: the century is not told', permit('KAZ110090123105', { birthDate: '1990-12-31' })],
  ['permit of 2004: a leap day of the year 00', permit(old('KAZ11000002291'))],
  ['passport: D', passport('D')],
  ['passport: D<<', passport('D<<')],
  ['passport: of the United Nations', passport('UNO')],
  ['passport: stateless', passport('XXA')],
  ['passport: British overseas citizen', passport('GBO')],
  [
    'passport: Kosovo',
    passport('RKS', 'K1234567', { sex: 'X', birthDate: '1990-02-28', validUntil: '2036-02-29' }),
  ],
  ['company registered nationally', uscc(company('11100000', '00001416'))],
  ['another member', resident(EXAMPLE, { phone: '1' })],
  ['another document type', { ...resident(EXAMPLE), documentType: 'library-card' }],
  ['no document type', { documentNumber: EXAMPLE, name }],
  ['a number that is no text', { ...resident(EXAMPLE), documentNumber: 11010519491231 }],
  ['a birth date that is no text', resident('1', { birthDate: 19491231 })],
  ['no name', { documentType: 'resident-id', documentNumber: EXAMPLE }],
  ['passport without a state', { documentType: 'passport', documentNumber: 'L898902C3', name }],
  ['passport: a state in small letters', passport('chn')],
  ['passport: no state', passport('UTO')],
  ['passport: alpha-2', passport('CN')],
  ['resident number of another state', resident(EXAMPLE, { issuingState: 'HKG' })],
  ['a number of 65 characters', resident(`${EXAMPLE}${' '.repeat(47)}`)],
  ['hyphens', resident('110105-19491231-002X')],
  ['digits of another script', resident('١١٠١٠٥١٩٤٩١٢٣١٠٠٢X')],
  ['an invisible character', resident(`\u200b${EXAMPLE}`)],
  ['no number', resident('  ')],
  ['17 characters', resident('11010519491231002')],
  ['X inside', resident('1101051949123100X2')],
  ['another check character', resident('110105194912310021')],
  ['15 digits of sequence 996', resident('440524010101996')],
  ['sequence 000', resident(right('11010519800101000'))],
  ['29 February of a common year', resident(right('11010520230229001'))],
  ['29 February 1900', resident(right('11010519000229001'))],
  ['born tomorrow', resident(right('11010520261125001'))],
  ['born in 1799', resident(right('11010517991231001'))],
  ['a permit as resident number', resident(right('81000019900101001'))],
  ['a permit of 2023 as resident number', resident(right('91184019900101002'))],
  ['no province', resident(right('99010519800101001'))],
  ['a province without a county', resident(right('11000019800101001'))],
  ['a resident number as permit', permit(EXAMPLE)],
  ['permit of a Chinese national', permit(right('91115619900101002'))],
  ['permit of 2023: no province', permit(right('99984019900101002'))],
  ['permit of 2004: another check digit', permit('KAZ110090123104')],
  ['permit of 2004: no country', permit(old('KAA11009012310'))],
  ['permit of 2004: an addition of ICAO', permit(old('GBD11009012310'))],
  ['permit of 2004: CHN', permit(old('CHN11009012310'))],
  ['permit of 2004: no province', permit(old('KAZ99009012310'))],
  ['permit of 2004: no day', permit(old('KAZ11009002301'))],
  ['passport: no digit', passport('CHN', 'ABCDEFGHI')],
  ['passport: ten characters', passport('CHN', 'A123456789')],
  ['company: letter O', uscc('9135010OM000100Y43')],
  ['company: another check character', uscc('91350100M000100Y44')],
  [
    'company: another organisation check',
    uscc('91350100M000100Y5'.concat(usccCheckCharacter('91350100M000100Y5'))),
  ],
  ['company: no province', uscc(company('91990100', 'M000100Y'))],
  ['company with a birth date', uscc('91350100M000100Y43', { birthDate: '1990-01-01' })],
  ['company with a sex', uscc('91350100M000100Y43', { sex: 'X' })],
  ['another birth date', resident(EXAMPLE, { birthDate: '1949-12-30' })],
  ['a birth date without hyphens', passport('CHN', 'E12345678', { birthDate: '19491231' })],
  ['another sex', resident(EXAMPLE, { sex: 'M' })],
  ['a sex that is none', resident(EXAMPLE, { sex: 'f' })],
  ['valid until no day', resident(EXAMPLE, { validUntil: '2035-02-29' })],
  ['a name that is none', { ...resident(EXAMPLE), name: '·王' }],
]

const NAMES: readonly (readonly [string, string])[] = [
  ['middle dot', '阿依古丽·买买提'],
  ['U+2022', '阿依古丽•买买提'],
  ['U+30FB, spaces around it', '阿依古丽 ・ 买买提'],
  ['U+FF65', '阿依古丽･买买提'],
  ['U+0387, by NFC', '阿依古丽\u0387买买提'],
  ['full-width full stop between Han characters', '阿依古丽．买买提'],
  ['full stop and spaces between Han characters', '阿依古丽 . 买买提'],
  ['full stops elsewhere stay', 'J. R. Smith Jr.'],
  ['a full stop at the end', 'Li.'],
  ['spaces between and around Han characters', '  王 小\u3000明 '],
  ['runs of spaces', 'Maria\u00a0 \u2003Silva'],
  ['spaces between two scripts', '王  Anna'],
  ['full width', 'ＳＭＩＴＨ　ＪＯＨＮ'],
  ['combining marks', 'Nguye\u0302\u0303n'],
  ['private use of GB 18030-2000', '王\ue81e'],
  ['private use of GB 18030-2000, beyond the first plane', '王\ue816'],
  ['another private use', '王\ue000'],
  ['nothing but private use', '\ue000'],
  ['beyond the first plane', '王𬭼'],
  ['200 units', '王'.repeat(200)],
  ['empty', ''],
  ['spaces', ' \u3000'],
  ['201 units', '王'.repeat(201)],
  ['no letter', '1234'],
  ['a dot at the beginning', '·王'],
  ['a dot at the end', '王·'],
  ['two dots together', '张··三'],
  ['two dots with a space between', '张· •三'],
  ['a control', '王\u0000'],
  ['a line feed', '王\n明'],
  ['a line separator', '王\u2028明'],
  ['zero width', '王\u200b明'],
  ['right to left', '\u202e王'],
  ['half a pair', '王\ud800'],
]

/** The content of tests/vectors/identity-verdicts.json without what is read. */
export const made = {
  note: 'SPEC sections 5.2 to 5.5. records: read at `now`: read is the record in its one spelling, canonical its identity in hexadecimal; or code and, where a member is to blame, detail. names: name in its one spelling and warnings; or code.',
  now: NOW,
  records: RECORDS.map(([text, record]): RecordCase => ({ case: text, record })),
  names: NAMES.map(([text, typed]): NameCase => ({ case: text, typed })),
}
