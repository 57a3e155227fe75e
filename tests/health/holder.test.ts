// Whom a certificate names: real ways of writing names and dates of birth; and what of a card concerns COVID-19.
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '#ctid/base'
import {
  certificateNonce,
  findingsOfHealthCard,
  type HealthCard,
  holderOfDcc,
  holderOfHealthCard,
  isSamePerson,
} from '#ctid/health'

const card = (...resources: JsonObject[]): HealthCard =>
  ({
    subject: { fhirBundle: { entry: resources.map((resource) => ({ resource })) } },
  }) as unknown as HealthCard
const dcc = (nam: JsonObject, dob: string) => holderOfDcc({ hcert: { nam, dob } })

describe('the same person', () => {
  test.each<[string, ReturnType<typeof holderOfDcc>, string, string, boolean]>([
    ['Chinese', dcc({ fn: '韩', gn: '桂英' }, '1971-01-22'), '韩桂英', '1971-01-22', true],
    [
      'minority name',
      dcc({ fn: '哈斯木', gn: '古丽娜尔' }, '1951-05-10'),
      '古丽娜尔‧哈斯木',
      '1951-05-10',
      true,
    ],
    ['forename first', dcc({ fn: 'Curie', gn: 'Marie' }, '1967-11-07'), 'Marie CURIE', '1967-11-07', true],
    [
      'transliterated',
      dcc({ fn: 'Gößinger', fnt: 'GOESSINGER', gnt: 'GABRIELE' }, '1998-02-26'),
      'GOESSINGER GABRIELE',
      '1998-02-26',
      true,
    ],
    ['decomposed letters', dcc({ fn: 'Müller', gn: 'A' }, '1998'), 'Mu\u0308ller A', '1998-02-26', true],
    ['month only', dcc({ fn: 'A', gn: 'B' }, '1998-02'), 'A B', '1998-02-26', true],
    ['date and time', dcc({ fn: 'A', gn: 'B' }, '1998-02-26T00:00:00'), 'A B', '1998-02-26', true],
    ['another month', dcc({ fn: 'A', gn: 'B' }, '1998-03'), 'A B', '1998-02-26', false],
    ['another name', dcc({ fn: 'A', gn: 'C' }, '1998-02-26'), 'A B', '1998-02-26', false],
    ['surname only', dcc({ fn: 'A' }, '1998-02-26'), 'A B', '1998-02-26', false],
    ['no date', dcc({ fn: 'A', gn: 'B' }, ''), 'A B', '1998-02-26', false],
    ['a date that is a prefix', dcc({ fn: 'A', gn: 'B' }, '199'), 'A B', '1998-02-26', false],
    ['no name anywhere', dcc({}, '1998-02-26'), '', '1998-02-26', false],
    ['names of other types', dcc({ fn: 5, gn: ['A'] }, '1998-02-26'), 'A', '1998-02-26', false],
    [
      'a card',
      holderOfHealthCard(
        card({
          resourceType: 'Patient',
          name: [{ family: 'Anyperson', given: ['John', 'B.'] }],
          birthDate: '1951-01-20',
        }),
      ),
      'John Anyperson',
      '1951-01-20',
      true,
    ],
    [
      'a card of two',
      holderOfHealthCard(
        card(
          { resourceType: 'Patient', name: [{ family: 'A' }], birthDate: '1951-01-20' },
          { resourceType: 'Patient', name: [{ family: 'A' }], birthDate: '1951-01-20' },
        ),
      ),
      'A',
      '1951-01-20',
      false,
    ],
  ])('%s', (_name, holder, name, birthDate, expected) => {
    expect(isSamePerson(holder, { name, birthDate })).toBe(expected)
  })

  test('a presentation is bound to all codes of the certificate, in any order', () => {
    expect(certificateNonce(['a', 'b'])).toBe(certificateNonce(['b', 'a']))
    expect(certificateNonce(['a', 'b'])).not.toBe(certificateNonce(['ab']))
  })
})

describe('findings of a health card', () => {
  const shot = (code: string, status = 'completed'): JsonObject => ({
    resourceType: 'Immunization',
    status,
    vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code }] },
    occurrenceDateTime: '2021-01-29',
  })
  const result = (loinc: string, value: string, status = 'final'): JsonObject => ({
    resourceType: 'Observation',
    status,
    code: { coding: [{ system: 'http://loinc.org', code: loinc }] },
    valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: value }] },
    effectiveDateTime: '2021-02-01T08:00:00+01:00',
  })

  test('vaccines against COVID-19 count, others and those not given do not', () => {
    const found = findingsOfHealthCard(
      card(shot('207'), shot('229'), shot('141'), shot('20'), shot('208', 'not-done')),
    )
    expect(found.map(({ class: name, data }) => [name, data])).toEqual([
      ['vaccination', { dose: 1, of: 2 }],
      ['vaccination', { dose: 2, of: 2 }],
    ])
  })

  test('tests for COVID-19 count by their kind; other tests, unclear and preliminary results do not', () => {
    const found = findingsOfHealthCard(
      card(
        result('94500-6', '260415000'),
        result('94558-4', '260373001'),
        result('5671-3', '260373001'),
        result('94500-6', '419984006'),
        result('94500-6', '260415000', 'preliminary'),
      ),
    )
    expect(found.map(({ data }) => data)).toEqual([
      { kind: 'naat', result: 'negative' },
      { kind: 'antigen', result: 'positive' },
    ])
  })
})
