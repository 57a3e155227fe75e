// GB 11643-1999 numbers: the standard's examples, both forms of one person, and what must be refused.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseResidentId, residentCheckCharacter } from '#ctid/identity'

const NOW = Date.UTC(2026, 10, 24) / 1000

describe('check character', () => {
  it.each(['11010519491231002X', '440524188001010014', '34052419800101001X'])(
    'accepts the published example %s',
    (number) => {
      expect(residentCheckCharacter(number)).toBe(number[17])
      expect(parseResidentId(number, { now: NOW }).number).toBe(number)
    },
  )

  it('detects every wrong single character and every swap of neighbours', () => {
    const number = '11010519491231002X'
    for (let i = 0; i < 18; i++) {
      for (const digit of '0123456789X') {
        if (digit === number[i] || (digit === 'X' && i < 17)) continue
        const wrong = number.slice(0, i) + digit + number.slice(i + 1)
        expect(() => parseResidentId(wrong, { now: NOW })).toThrowError(
          expect.objectContaining({ code: 'ERR_IDENTITY_CHECK_DIGIT' }),
        )
      }
      const swapped =
        number.slice(0, i) +
        number
          .slice(i, i + 2)
          .split('')
          .reverse()
          .join('') +
        number.slice(i + 2)
      if (swapped !== number) expect(() => parseResidentId(swapped)).toThrow()
    }
  })
})

describe('forms and meaning', () => {
  it('gives the 15-digit and the 18-digit form of one person the same number', () => {
    expect(parseResidentId('110105491231002').number).toBe('11010519491231002X')
  })

  it('does so for every person born from 1900 to 1999', () => {
    const day = fc.date({ min: new Date('1900-01-01'), max: new Date('1999-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 995 }), (date, order) => {
        const digits17 = `320199${date.toISOString().slice(0, 10).replaceAll('-', '')}${String(order).padStart(3, '0')}`
        const long = digits17 + residentCheckCharacter(digits17)
        const short = digits17.slice(0, 6) + digits17.slice(8)
        expect(parseResidentId(short)).toEqual(parseResidentId(long))
      }),
      { seed: 11643, numRuns: 300 },
    )
  })

  it('reads birth date and sex', () => {
    expect(parseResidentId('11010519491231002X')).toMatchObject({ birthDate: '1949-12-31', sex: 'F' })
    expect(parseResidentId('34052419800101001X')).toMatchObject({ birthDate: '1980-01-01', sex: 'M' })
  })

  it('refuses the ambiguous century of 15-digit numbers kept for centenarians', () => {
    expect(() => parseResidentId('440524010101996')).toThrowError(
      expect.objectContaining({ code: 'ERR_IDENTITY_DATE' }),
    )
  })
})

describe('refusals', () => {
  const withCheck = (digits17: string) => digits17 + residentCheckCharacter(digits17)
  it.each([
    ['29 February of a common year', withCheck('11010520230229001'), 'ERR_IDENTITY_DATE'],
    ['29 February 1900', withCheck('11010519000229001'), 'ERR_IDENTITY_DATE'],
    ['a 31st of April', withCheck('11010520200431001'), 'ERR_IDENTITY_DATE'],
    ['month 13', withCheck('11010520201301001'), 'ERR_IDENTITY_DATE'],
    ['a birth tomorrow', withCheck('11010520261125001'), 'ERR_IDENTITY_DATE'],
    ['a birth in the 18th century', withCheck('11010517991231001'), 'ERR_IDENTITY_DATE'],
    ['an unknown province', withCheck('99010519800101001'), 'ERR_IDENTITY_REGION'],
    ['a province without a county', withCheck('11000019800101001'), 'ERR_IDENTITY_REGION'],
    ['sequence 000', withCheck('11010519800101000'), 'ERR_IDENTITY_DOCUMENT_NUMBER'],
    ['a residence permit', withCheck('81000019800101001'), 'ERR_IDENTITY_DOCUMENT_TYPE'],
    ['17 characters', '11010519491231002', 'ERR_IDENTITY_DOCUMENT_NUMBER'],
    ['an X inside', '1101051949123100X2', 'ERR_IDENTITY_DOCUMENT_NUMBER'],
    ['nothing', '', 'ERR_IDENTITY_DOCUMENT_NUMBER'],
  ])('%s', (_what, number, code) => {
    expect(() => parseResidentId(number, { now: NOW })).toThrowError(expect.objectContaining({ code }))
  })

  it('accepts 29 February 2000 and a birth today by the calendar of China', () => {
    expect(parseResidentId(withCheck('11010520000229001')).birthDate).toBe('2000-02-29')
    // 23 November 16:30 UTC is already 24 November in China.
    expect(
      parseResidentId(withCheck('11010520261124001'), { now: Date.UTC(2026, 10, 23, 16, 30) / 1000 }),
    ).toBeTruthy()
    expect(() =>
      parseResidentId(withCheck('11010520261124001'), { now: Date.UTC(2026, 10, 23, 15, 30) / 1000 }),
    ).toThrow()
  })
})
