// Companies, passports and residence permits: published examples, check digits, and refusals.

import { describe, expect, it } from 'vitest'
import {
  mrzCheckDigit,
  organisationCheckCharacter,
  parseIssuingState,
  parsePassportNumber,
  parseResidencePermit,
  parseUscc,
  residentCheckCharacter,
  usccCheckCharacter,
} from '#ctid/identity'

const refuses = (call: () => unknown, code: string) =>
  expect(call).toThrowError(expect.objectContaining({ code }))

describe('Unified Social Credit Code, GB 32100-2015', () => {
  it('accepts the example of the standard, and both its check characters', () => {
    expect(parseUscc('91350100M000100Y43')).toBe('91350100M000100Y43')
    expect(usccCheckCharacter('91350100M000100Y4')).toBe('3')
    expect(organisationCheckCharacter('M000100Y')).toBe('4')
  })

  it('detects every wrong single character', () => {
    const code = '91350100M000100Y43'
    for (let i = 0; i < 18; i++) {
      for (const character of '0123456789ABCDEFGHJKLMNPQRTUWXY') {
        if (character !== code[i])
          expect(() => parseUscc(code.slice(0, i) + character + code.slice(i + 1))).toThrow()
      }
    }
  })

  it('refuses an inner organisation code that is wrong though the outer check fits', () => {
    const body = '91350100M000100Y5'
    refuses(() => parseUscc(body + usccCheckCharacter(body)), 'ERR_IDENTITY_CHECK_DIGIT')
  })

  it('refuses the letters the standard leaves out, and unknown regions', () => {
    for (const letter of 'IOSVZ')
      refuses(() => parseUscc(`9135010${letter}M000100Y43`), 'ERR_IDENTITY_DOCUMENT_NUMBER')
    const body = `91990100M000100Y4`
    refuses(() => parseUscc(body + usccCheckCharacter(body)), 'ERR_IDENTITY_REGION')
  })
})

describe('passport, ICAO Doc 9303', () => {
  it('computes the check digits of the specimen in part 4 appendix A', () => {
    expect(mrzCheckDigit('L898902C3')).toBe(6)
    expect(mrzCheckDigit('740812')).toBe(2)
    expect(mrzCheckDigit('120415')).toBe(9)
    expect(mrzCheckDigit('ZE184226B<<<<<')).toBe(1)
    expect(mrzCheckDigit('L898902C3674081221204159ZE184226B<<<<<1')).toBe(0)
  })

  it('reads numbers of 5 to 9 characters with a digit', () => {
    expect(parsePassportNumber('L898902C3')).toBe('L898902C3')
    for (const bad of ['', '1234', 'ABCDEFGHI', '1234567890', 'L898<902C']) {
      refuses(() => parsePassportNumber(bad), 'ERR_IDENTITY_DOCUMENT_NUMBER')
    }
  })

  it('knows states, and one code for Germany', () => {
    expect(parseIssuingState('CHN')).toBe('CHN')
    expect(parseIssuingState('D')).toBe('DEU')
    expect(parseIssuingState('D<<')).toBe('DEU')
    for (const bad of ['', 'chn', 'XYZ', 'CN', 'UTO'])
      refuses(() => parseIssuingState(bad), 'ERR_IDENTITY_ISSUING_STATE')
  })
})

describe('residence permits', () => {
  const withCheck = (digits17: string) => digits17 + residentCheckCharacter(digits17)

  it('reads Hong Kong, Macau and Taiwan permits', () => {
    for (const region of ['810000', '820000', '830000']) {
      const number = withCheck(`${region}19900101001`)
      expect(parseResidencePermit(number)).toEqual({ number, birthDate: '1990-01-01', sex: 'M' })
    }
  })

  it('reads the foreign permanent residence card of 2023 and of 2004', () => {
    const number = withCheck('91184019900101002')
    expect(parseResidencePermit(number)).toEqual({ number, birthDate: '1990-01-01', sex: 'F' })
    // Two numbers other implementations use as valid examples.
    expect(parseResidencePermit('911124198108030024').birthDate).toBe('1981-08-03')
    expect(parseResidencePermit('KAZ110090123105')).toEqual({ number: 'KAZ110090123105' })
  })

  it('refuses wrong checks, countries, regions, dates and resident IDs', () => {
    refuses(() => parseResidencePermit('KAZ110090123104'), 'ERR_IDENTITY_CHECK_DIGIT')
    refuses(
      () => parseResidencePermit(`KAA11009012310${mrzCheckDigit('KAA11009012310')}`),
      'ERR_IDENTITY_REGION',
    )
    refuses(
      () => parseResidencePermit(`KAZ99009012310${mrzCheckDigit('KAZ99009012310')}`),
      'ERR_IDENTITY_REGION',
    )
    refuses(
      () => parseResidencePermit(`KAZ11009002300${mrzCheckDigit('KAZ11009002300')}`),
      'ERR_IDENTITY_DATE',
    )
    refuses(() => parseResidencePermit('11010519491231002X'), 'ERR_IDENTITY_DOCUMENT_TYPE')
    refuses(() => parseResidencePermit(withCheck('91100019900101002')), 'ERR_IDENTITY_REGION')
    refuses(() => parseResidencePermit(withCheck('84000019900101002')), 'ERR_IDENTITY_REGION')
    refuses(() => parseResidencePermit('E12345678'), 'ERR_IDENTITY_DOCUMENT_NUMBER')
  })
})
