// Words of the interface: each key has its English and its Chinese side by side, so that neither can be forgotten.

export type Language = 'en' | 'zh'
export type Words = { readonly [key: string]: readonly [english: string, chinese: string] }

/** The text for a key, with `{name}` replaced by `values.name`. An unknown key is a programming error. */
export function say(
  words: Words,
  language: Language,
  key: string,
  values: Readonly<Record<string, string | number>> = {},
): string {
  const pair = words[key]
  if (!pair) throw new Error(`no words for ${key}`)
  return pair[language === 'zh' ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  )
}

/** Words of the frame around every page. */
export const shellWords: Words = {
  'shell.skip': ['Skip to the content', '跳到正文'],
  'shell.brand': ['CTID open reference, front page', 'CTID 开放参考实现，首页'],
  'shell.menu': ['Menu', '菜单'],
  'shell.nav': ['Pages', '页面'],
  'shell.tools': ['Display', '显示设置'],
  'shell.language': ['中文', 'English'],
  'shell.languageLabel': ['切换到中文', 'Switch to English'],
  'shell.caring': ['Large', '关怀'],
  'shell.caringLabel': ['Caring mode: large type and fewer details', '关怀模式：大字体，更简单'],
  'shell.theme': ['Light or dark', '浅色或深色'],
  'shell.footSynthetic': [
    'Every person here is synthetic: the numbers have valid check digits and belong to nobody.',
    '这里的每个人都是合成的：号码校验位正确，但不属于任何人。',
  ],
  'shell.footNature': [
    'An open reference implementation of the CTID pattern for study and reuse. It is not the national system and has no connection with it.',
    'CTID 模式的开放参考实现，供学习与复用。它不是国家系统，与国家系统没有关联。',
  ],
  'shell.fault': [
    'This page could not finish what it was doing. What was done before is kept. Load the page again to go on.',
    '本页面未能完成操作。此前已完成的内容都已保存，请重新载入页面后继续。',
  ],
  'shell.clockFast': [
    'The clock of this device is {time} fast. Codes live by the clock: set it right, or they are refused.',
    '本设备的时钟快了{time}。二维码依赖时钟，请先校准，否则会被拒绝。',
  ],
  'shell.clockSlow': [
    'The clock of this device is {time} slow. Codes live by the clock: set it right, or they are refused.',
    '本设备的时钟慢了{time}。二维码依赖时钟，请先校准，否则会被拒绝。',
  ],
  'shell.reload': ['Load again', '重新载入'],
  'nav.front': ['Overview', '概览'],
  'nav.citizen': ['Citizen', '居民'],
  'nav.health': ['Health', '健康'],
  'nav.health-desk': ['Health desk', '卫健'],
  'nav.log': ['Log', '日志'],
  'nav.labs': ['Labs', '实验'],
  'nav.verifier': ['Verifier', '核验'],
  'nav.authority': ['Authority', '管理机关'],
  'nav.departments': ['Departments', '部门'],
}

/** The closed list of reasons for a step in the registry. */
export const reasonNames: Words = {
  'reason.enrolment': ['enrolment', '登记'],
  'reason.holder-request': ['request of the holder', '本人申请'],
  'reason.device-lost': ['device lost', '设备遗失'],
  'reason.suspected-misuse': ['suspected misuse', '疑似冒用'],
  'reason.record-disputed': ['record disputed', '记录有争议'],
  'reason.court-order': ['court order', '法院裁定'],
  'reason.matter-resolved': ['matter resolved', '事由消除'],
  'reason.death': ['death', '死亡'],
  'reason.dissolution': ['dissolution', '注销'],
  'reason.enrolment-error': ['error at enrolment', '登记有误'],
  'reason.proven-fraud': ['proven fraud', '查实欺诈'],
  'reason.document-renewed': ['document renewed', '证件换发'],
  'reason.record-corrected': ['record corrected', '记录更正'],
  'reason.document-replaced': ['document replaced', '证件更换'],
  'reason.document-type-changed': ['type of document changed', '证件类型变更'],
  'reason.identity-dispute': ['identity dispute', '身份争议'],
  'reason.supervision': ['supervision', '监督检查'],
  'reason.retention-ended': ['retention ended', '保存期满'],
}

/** Words of health evidence, by class and member. */
export const healthNames: Words = {
  'colour.green': ['Green', '绿码'],
  'colour.yellow': ['Yellow', '黄码'],
  'colour.red': ['Red', '红码'],
  'colour.undetermined': ['Not decided', '未判定'],
  'class.test': ['Test', '检测'],
  'class.vaccination': ['Vaccination', '接种'],
  'class.recovery': ['Recovery', '康复'],
  'class.case': ['Clinical finding', '临床结论'],
  'class.symptom': ['Symptoms', '症状'],
  'class.contact': ['Contact', '接触'],
  'class.stay': ['Stay in an area', '停留'],
  'class.travel': ['Travel', '旅行'],
  'class.residence': ['Residence', '居住'],
  'class.trip': ['Trip declared', '行程申报'],
  'class.screening': ['Screening', '筛查'],
  'class.duty': ['Duty', '岗位'],
  'class.transfer': ['Transfer', '转码'],
  'class.decision': ['Decision', '裁决'],
  'class.manual': ['Entry by two officers', '双人录入'],
  'value.naat': ['nucleic acid', '核酸'],
  'value.antigen': ['antigen', '抗原'],
  'value.negative': ['negative', '阴性'],
  'value.positive': ['positive', '阳性'],
  'value.confirmed': ['confirmed', '确诊'],
  'value.discharged': ['discharged', '出院'],
  'value.excluded': ['excluded', '已排除'],
  'value.close': ['close contact', '密切接触'],
  'value.companion': ['same place and time', '时空伴随'],
  'value.high': ['high risk', '高风险'],
  'value.abroad': ['from abroad', '自境外'],
  'value.330106': ['area 330106', '区域 330106'],
  'value.discharge-on-paper': ['discharge, on paper', '出院（纸质）'],
  'value.negative-test-on-paper': ['negative test, on paper', '阴性检测（纸质）'],
  'value.contact-notice-by-telephone': ['contact notice, by telephone', '接触通知（电话）'],
}
