// The words for each check, in English and Chinese, so that a verifier's page and the command line say the same.
import { ERRORS } from '../base/index.ts'
import type { Check } from '../trust/index.ts'
import type { CodeCheck } from './checks.ts'

export type Language = 'en' | 'zh'

/** What each check asks, as a short heading. */
export const CHECK_WORDS: Readonly<Record<CodeCheck, Readonly<Record<Language, string>>>> = {
  form: { en: 'Form accepted here', zh: '本处接受此类码' },
  structure: { en: 'Well-formed code', zh: '码的结构正确' },
  issuer: { en: 'Issuer recognised', zh: '签发机构受信任' },
  'issuer-signature': { en: 'Issuer signature', zh: '签发机构签名' },
  validity: { en: 'Within validity', zh: '在有效期内' },
  age: { en: 'Recent enough', zh: '签发时间足够近' },
  'holder-signature': { en: 'Holder signature', zh: '持有人签名' },
  'time-step': { en: 'Current time step', zh: '时间片有效' },
  challenge: { en: 'Answers our challenge', zh: '应答本次挑战' },
  audience: { en: 'Made for this verifier', zh: '为本核验方生成' },
  'status-list': { en: 'Status list fresh', zh: '状态列表为最新' },
  status: { en: 'Not revoked or suspended', zh: '未被撤销或暂停' },
  assurance: { en: 'Assurance level', zh: '保证等级' },
  kind: { en: 'Kind of attestation', zh: '证明类型' },
  health: { en: 'Health outcome', zh: '健康状态' },
  replay: { en: 'Not used before', zh: '未被使用过' },
}

/** Words for a result; `not executed` is spelt out, because it is not `passed`. */
export const RESULT_WORDS: Readonly<Record<Check['result'], Readonly<Record<Language, string>>>> = {
  passed: { en: 'passed', zh: '通过' },
  failed: { en: 'failed', zh: '未通过' },
  'not-executed': { en: 'not executed', zh: '未执行' },
}

const REASONS_ZH: Partial<Record<keyof typeof ERRORS, string>> = {
  ERR_QR_TOO_LARGE: '内容过大，不予处理。',
  ERR_QR_FORM: '不是本系统的码。',
  ERR_QR_BASE45: '编码错误，请重新扫描。',
  ERR_QR_CBOR: '数据编码不规范。',
  ERR_QR_COSE: '签名信封不符合要求。',
  ERR_QR_CLAIMS: '内容缺失、未知或超出范围。',
  ERR_TRUST_UNKNOWN_KEY: '签发机构不在信任列表中。',
  ERR_TRUST_PURPOSE: '该机构不具备此用途的签发资格。',
  ERR_TRUST_REGION: '该机构在本地区未获互认。',
  ERR_TRUST_KEY_PERIOD: '签发密钥当前无效。',
  ERR_TRUST_LIST_EXPIRED: '信任列表已过期，请联网更新。',
  ERR_VERIFIER_FORM: '本处不接受此类码。',
  ERR_VERIFIER_ISSUER_SIGNATURE: '签发机构签名无效。',
  ERR_VERIFIER_NOT_YET_VALID: '尚未生效，请检查时钟。',
  ERR_VERIFIER_EXPIRED: '已过期，请获取新的副本。',
  ERR_VERIFIER_TOO_OLD: '签发时间过久，请获取新的副本。',
  ERR_VERIFIER_HOLDER_SIGNATURE: '持有人签名无效。',
  ERR_VERIFIER_STEP_OLD: '码已失效，请出示当前的码，而非截图。若已是当前的码，请核对时钟。',
  ERR_VERIFIER_STEP_FUTURE: '码的时间在未来，请检查时钟。',
  ERR_VERIFIER_CHALLENGE: '未应答本次挑战，请重新扫描挑战码。',
  ERR_VERIFIER_AUDIENCE: '此码是为其他核验方生成的。',
  ERR_VERIFIER_STATUS_STALE: '状态列表过旧，请联网更新。',
  ERR_VERIFIER_REVOKED: '该证明已被撤销。',
  ERR_VERIFIER_SUSPENDED: '该证明已被暂停。',
  ERR_VERIFIER_ASSURANCE: '保证等级低于要求。',
  ERR_VERIFIER_KIND: '证明类型与要求不符。',
  ERR_VERIFIER_HEALTH: '健康状态不符合要求或已过期。',
  ERR_VERIFIER_REPLAYED: '此码已被使用，请出示新的码。',
  ERR_VERIFIER_REPLAY_FULL: '核验设备繁忙，请稍后重试。',
  ERR_VERIFIER_INCOMPLETE: '有必需的检查未执行。',
}

/** One line for a check: heading, result and reason. */
export function checkWords(
  check: Check<CodeCheck>,
  language: Language,
): { readonly heading: string; readonly result: string; readonly reason: string } {
  const { code } = check
  const reason = code === undefined ? '' : reasonWords(code, language)
  return { heading: CHECK_WORDS[check.name][language], result: RESULT_WORDS[check.result][language], reason }
}

/** The sentence for an error code; Chinese where there is one, else the English of the table. */
export function reasonWords(code: keyof typeof ERRORS, language: Language): string {
  return (language === 'zh' ? REASONS_ZH[code] : undefined) ?? ERRORS[code].message
}
