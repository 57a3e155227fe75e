// Three editions of the Chinese rules as they were in force, and one for teaching. Periods: see the references.
// Provinces disagreed and texts reached us as notices and reposts, so a correction is a change of data only.
import type { RuleSet } from '../rule-set.ts'
import { CHINESE_ACCEPTS, chineseRequirements, chineseRules, type Periods } from './chinese.ts'

type Edition = Pick<RuleSet, 'id' | 'region' | 'name' | 'validFrom' | 'validTo' | 'sunset' | 'references'> & {
  readonly periods: Periods
}

function makeEdition({ periods, ...edition }: Edition): RuleSet {
  return {
    format: 'ctid-health-rules/1',
    version: 1,
    purpose: { en: 'Control of an epidemic. No other use.', zh: '仅用于疫情防控，不得用于其他目的。' },
    ...edition,
    parameters: Object.fromEntries(
      Object.entries(periods).filter((entry): entry is [string, number] => entry[1] !== null),
    ),
    accepts: CHINESE_ACCEPTS,
    requires: chineseRequirements(periods),
    rules: chineseRules(periods),
  }
}

const day = (date: string): number => Date.parse(`${date}T00:00:00+08:00`) / 1000

const PROVINCIAL = [
  {
    title: 'Guangxi code rules 2021 no. 48 and second edition 2022-07-20',
    address: 'm.ccschy.com/news/115576.html',
  },
  {
    title: 'Gansu CDC notice 2022-03-07',
    address: 'gansu.gansudaily.com.cn/system/2022/03/08/030512309.shtml',
  },
]

/** Eighth edition of the control plan, 2021: 14 days, then 7 of monitoring. */
export const EDITION_8: RuleSet = makeEdition({
  id: 'CN-edition-8',
  region: 'CN',
  name: { en: 'Eighth edition of the control plan', zh: '新型冠状病毒肺炎防控方案（第八版）' },
  validFrom: day('2021-05-14'),
  validTo: day('2022-06-28'),
  sunset: day('2022-06-28'),
  references: [
    {
      title: 'Code conversion guide of the time of the eighth edition',
      address: 'm.trfsz.com/newsview1144085.html',
    },
    ...PROVINCIAL,
  ],
  periods: {
    closeContact: 14,
    secondaryContact: 7,
    arrival: 14,
    highRiskArea: 14,
    mediumRiskArea: 14,
    transferred: null,
    afterDischarge: 14,
    afterCloseContact: 7,
    afterArrival: 7,
    symptoms: 14,
    companion: null,
    screening: 14,
    sameVehicle: 7,
    highRiskDuty: null,
    unreleased: 14,
    declaration: 14,
  },
})

/** Ninth edition, 2022-06-28: 7 days, then 3. */
export const EDITION_9: RuleSet = makeEdition({
  id: 'CN-edition-9',
  region: 'CN',
  name: { en: 'Ninth edition of the control plan', zh: '新型冠状病毒肺炎防控方案（第九版）' },
  validFrom: day('2022-06-28'),
  validTo: day('2022-11-11'),
  sunset: day('2022-11-11'),
  references: [
    {
      title: 'Ninth edition of the control plan, 2022-06-28',
      address: '163.com/dy/article/HB2O19DG0514TRJ8.html',
    },
    ...PROVINCIAL,
  ],
  periods: {
    closeContact: 7,
    secondaryContact: 7,
    arrival: 7,
    highRiskArea: 7,
    mediumRiskArea: 7,
    transferred: null,
    afterDischarge: 7,
    afterCloseContact: 3,
    afterArrival: 3,
    symptoms: 14,
    companion: null,
    screening: 14,
    sameVehicle: 7,
    highRiskDuty: 7,
    unreleased: 14,
    declaration: 14,
  },
})

/** The twenty measures of 2022-11-11: 5 days, then 3; no contacts of contacts, no medium risk. Ended 2022-12-07. */
export const TWENTY_MEASURES: RuleSet = makeEdition({
  id: 'CN-twenty-measures',
  region: 'CN',
  name: { en: 'Twenty measures', zh: '进一步优化疫情防控的二十条措施' },
  validFrom: day('2022-11-11'),
  validTo: day('2022-12-07'),
  sunset: day('2022-12-07'),
  references: [
    {
      title: 'Twenty measures, 2022-11-11',
      address: 'iotonline.org.cn/news/guonei/202211/t20221111_21011.shtml',
    },
    { title: "Tai'an code rules 2022-11", address: 'm.jxyuer.com/news/jiaodian/344392.html' },
    {
      title: 'End of code checks, 2022-12-07',
      address: 'ccschy.com/news/aa9affbeaa32b54d8c8bb9346fe7d373.html',
    },
  ],
  periods: {
    closeContact: 5,
    secondaryContact: null,
    arrival: 5,
    highRiskArea: 7,
    mediumRiskArea: null,
    transferred: 7,
    afterDischarge: 7,
    afterCloseContact: 3,
    afterArrival: 3,
    symptoms: 14,
    companion: null,
    screening: 14,
    sameVehicle: null,
    highRiskDuty: 5,
    unreleased: 14,
    declaration: 14,
  },
})

/** For teaching and the demo: every rule there was, short periods, in force around `now` (Unix seconds). */
export function teachingEdition(now: number, region = '330000'): RuleSet {
  const start = Math.floor(now / 86_400) * 86_400 - 30 * 86_400
  return makeEdition({
    id: `teaching-${region}`,
    region,
    name: { en: 'Teaching edition', zh: '教学版规则' },
    validFrom: start,
    validTo: start + 365 * 86_400,
    sunset: start + 365 * 86_400,
    references: [
      { title: 'Made for teaching after the three historical editions; no rule in force anywhere' },
    ],
    periods: {
      closeContact: 5,
      secondaryContact: 3,
      arrival: 5,
      highRiskArea: 5,
      mediumRiskArea: 3,
      transferred: 5,
      afterDischarge: 5,
      afterCloseContact: 2,
      afterArrival: 2,
      symptoms: 5,
      companion: 3,
      screening: 3,
      sameVehicle: 3,
      highRiskDuty: 3,
      unreleased: 5,
      declaration: 14,
    },
  })
}
