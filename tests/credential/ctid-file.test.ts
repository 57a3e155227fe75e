// The CTID file profile: what it says, how long it lives, and what can never be in it.

import { describe, expect, it } from 'vitest'
import {
  acceptCredential,
  addMonths,
  BUSINESS_LICENCE,
  CTID_FILE,
  type CtidFileSubject,
  credentialValidity,
  ctidFileClaims,
  disclosablePaths,
  issueCredential,
  maskDocumentNumber,
  ORGANISATION_FILE,
  organisationClaims,
  pairwiseIdOf,
  presentCredential,
} from '#ctid/credential'
import { normaliseName } from '#ctid/identity'
import { systemRandom } from '../../src/base/index.ts'
import { issuer, policy } from './setup.ts'

const at = (text: string) => Date.parse(text) / 1000
const NOW = at('2026-11-24T03:25:49Z')
// A person who does not exist; the number is that of the GB 11643 standard's own example.
const PERSON: CtidFileSubject = {
  documentType: 'resident-id',
  issuingState: 'CHN',
  name: '测试·玉英',
  birthDate: '2008-11-24',
  sex: 2,
  region: '330106',
  documentExpiry: '2031-05-17',
}

describe('validity', () => {
  it('is six calendar months, in whole days', () => {
    expect(credentialValidity({ now: NOW })).toEqual({ iat: at('2026-11-24'), exp: at('2027-05-24') })
  })
  it('is shorter when the document ends earlier', () => {
    expect(credentialValidity({ now: NOW, documentExpiresAt: at('2026-12-01T16:00:00Z') }).exp).toBe(
      at('2026-12-01'),
    )
  })
  it('does not exist for an expired document', () => {
    expect(() => credentialValidity({ now: NOW, documentExpiresAt: NOW })).toThrow(
      /profile.*document expired/,
    )
  })
  it('is the same for everyone issued on one day', () => {
    expect(credentialValidity({ now: at('2026-11-24T23:59:59Z') })).toEqual(
      credentialValidity({ now: at('2026-11-24') }),
    )
  })
  it.each([
    ['2026-08-31', '2027-02-28'],
    ['2027-08-31', '2028-02-29'],
    ['2026-12-31', '2027-06-30'],
    ['2026-01-15', '2026-07-15'],
  ])('%s and six months is %s', (from, to) => {
    expect(addMonths(at(from), 6)).toBe(at(to))
  })
})

describe('the CTID file', () => {
  it('knows ages by the day in China', () => {
    const claims = ctidFileClaims(PERSON, { now: NOW })
    expect(claims['age_equal_or_over']).toEqual({
      14: true,
      16: true,
      18: true,
      21: false,
      60: false,
      65: false,
    })
    // 15:59 UTC on the 23rd is one minute before midnight in Shanghai; 16:00 is the birthday.
    const eve = (now: number) => (ctidFileClaims(PERSON, { now })['age_equal_or_over'] as { 18: boolean })[18]
    expect(eve(at('2026-11-23T15:59:59Z'))).toBe(false)
    expect(eve(at('2026-11-23T16:00:00Z'))).toBe(true)
    const leap = { ...PERSON, birthDate: '2008-02-29' }
    const young = (now: number) => (ctidFileClaims(leap, { now })['age_equal_or_over'] as { 18: boolean })[18]
    expect(young(at('2026-02-28T10:00:00Z'))).toBe(false)
    expect(young(at('2026-03-01T10:00:00Z'))).toBe(true)
  })

  it('proves "over 18" and shows nothing else', async () => {
    const subject = ctidFileClaims(PERSON, { now: NOW })
    const credential = await issueCredential(
      { vct: CTID_FILE.vct, ...credentialValidity({ now: NOW }), ...subject },
      { signer: issuer },
      { disclosable: disclosablePaths(subject), random: systemRandom },
    )
    const shown = await presentCredential(credential, { disclose: [['age_equal_or_over', '18']] })
    const { claims } = await acceptCredential(shown, {
      ...policy,
      now: NOW,
      keyBinding: 'none',
      expectedTypes: [CTID_FILE.vct],
    })
    expect(claims).toEqual({
      vct: CTID_FILE.vct,
      iat: at('2026-11-24'),
      exp: at('2027-05-24'),
      age_equal_or_over: { 18: true },
    })
  })

  it.each([
    ['for private use', '王\ue000'],
    ['of a newer Unicode than the platform’s', '王\u{2fff0}'],
  ])('takes a name with a character %s, as the identity room does', (_title, name) => {
    expect(normaliseName(name).name).toBe(name)
    expect(ctidFileClaims({ ...PERSON, name }, { now: NOW })['name']).toBe(name)
  })

  it('masks a document number and never carries a whole one', () => {
    expect(maskDocumentNumber('11010519491231002X')).toBe('1****************X')
    const claims = ctidFileClaims({ ...PERSON, documentNumber: '11010519491231002X' }, { now: NOW })
    expect(JSON.stringify(claims)).not.toContain('1949')
    expect(Object.keys(CTID_FILE.forms).filter((name) => /token|handle|document_number$/.test(name))).toEqual(
      [],
    )
  })

  it('gives a pairwise identifier to its service only', () => {
    const id = new Uint8Array(32).fill(7)
    const claims = ctidFileClaims(PERSON, {
      now: NOW,
      pairwise: { id, audience: 'x509_san_dns:library.example' },
    })
    expect(pairwiseIdOf(claims, 'x509_san_dns:library.example')).toEqual(id)
    expect(() => pairwiseIdOf(claims, 'x509_san_dns:bank.example')).toThrow(/profile/)
    expect(() => pairwiseIdOf({}, 'x509_san_dns:bank.example')).toThrow(/profile/)
  })

  it.each([
    ['a date that does not exist', { birthDate: '2008-02-30' }],
    ['an empty name', { name: '' }],
    ['a control character in the name', { name: 'a\u0007b' }],
    ['a region finer than a district', { region: '330106001' }],
    ['a country of two letters', { issuingState: 'CN' }],
  ])('refuses %s', (_title, change) => {
    expect(() => ctidFileClaims({ ...PERSON, ...change }, { now: NOW })).toThrow(/do not fit/)
  })
})

describe('legal persons', () => {
  const company = {
    document_type: 'uscc',
    issuing_state: 'CHN',
    legal_name: '杭州示例科技有限公司',
    unified_social_credit_code: '91350100M000100Y43',
    region: '330106',
  }
  it('organisation file and business licence take their claims and no others', () => {
    expect(organisationClaims(ORGANISATION_FILE, company)).toBe(company)
    const licence = {
      unified_social_credit_code: company.unified_social_credit_code,
      legal_name: company.legal_name,
      organisation_type: '有限责任公司',
      established: '2020-02-29',
      registration_authority: '示例市场监督管理局',
      business_scope: '软件开发；技术服务',
    }
    expect(organisationClaims(BUSINESS_LICENCE, licence)).toBe(licence)
    expect(() => organisationClaims(ORGANISATION_FILE, licence)).toThrow(/profile/)
    expect(() => organisationClaims(BUSINESS_LICENCE, { ...licence, owner: 'x' })).toThrow(
      /outside the profile/,
    )
    expect(() => organisationClaims(BUSINESS_LICENCE, { ...licence, established: '2021-02-29' })).toThrow(
      /established/,
    )
  })
})
