// Why a step failed, as a sentence in the reader's language: what a party refuses, no answer, or a fault of this page.
import { ERRORS, isCtidError, isErrorCode } from '#ctid/base'
import { reasonWords } from '#ctid/verifier'
import { ApiError } from './api.ts'
import type { Language } from './words.ts'

/** Chinese for the refusals that the parties of the demo give; the English is that of the error table itself. */
const CHINESE: Partial<Record<keyof typeof ERRORS, string>> = {
  ERR_HTTP_BAD_REQUEST: '请求格式不正确。',
  ERR_HTTP_NOT_FOUND: '该地址没有内容。',
  ERR_HTTP_BODY_TOO_LARGE: '请求内容过大。',
  ERR_HTTP_INTERNAL: '服务器内部出错，未写入任何内容。请稍后再试。',
  ERR_HTTP_UNAVAILABLE: '服务暂不可用，请稍后再试。',
  ERR_HTTP_BUSY: '服务繁忙，请稍后再试。',
  ERR_TOKEN_QUORUM: '正确作答的求值机构不足，请稍后再试。',
  ERR_TOKEN_RATE: '求值次数已用完，请稍后再试。',
  ERR_REGISTRY_TOKEN: '登记库中没有此条目。',
  ERR_REGISTRY_STATE: '条目当前状态不允许此操作。',
  ERR_REGISTRY_CONFLICT: '与已登记的条目冲突，没有写入任何内容。',
  ERR_REGISTRY_REASON: '请从列表中选择事由。',
  ERR_REGISTRY_ERASED: '记录已清除，只留标识。',
  ERR_REGISTRY_ROTATION: '另一次轮换正在进行。',
  ERR_ISSUER_BATCH: '副本数量不在允许范围内。',
  ERR_ISSUER_PROOF: '持有密钥的证明无效。',
  ERR_ISSUER_PROOF_NONCE: '持有密钥的证明已过时，请重试。',
  ERR_ISSUER_DOCUMENT_EXPIRED: '证件已过期，请换发后再来。',
  ERR_HEALTH_APPEAL: '申诉无法受理或裁决。',
  ERR_HEALTH_DEMAND: '该状态当前不能用于此核验。',
  ERR_HEALTH_MANUAL_ENTRY: '人工录入不符合规定。',
  ERR_STORE_BUSY: '数据库繁忙，请稍后再试。',
  ERR_STORE_CLOSED: '服务正在停止，请稍后再试。',
  ERR_PSEUDONYM_STALE: '请求的时间不对，请核对时钟后重新发出。',
  ERR_TRUST_SIGNATURE: '签名验证失败。',
  ERR_QR_RELAY_UNREACHABLE: '中继没有应答。请联网，或改用动态码。',
  ERR_QR_RELAY_EMPTY: '中继处已无内容：已过期或已被取走。请对方重新生成。',
  ERR_QR_RELAY_FULL: '中继已满，请稍后再试。',
  ERR_QR_RELAY_TAKEN: '中继的邮箱已被占用，请重新生成。',
  ERR_QR_ONLINE: '在线码的内容无法读取。',
  ERR_CRYPTO_DECRYPT: '内容无法解密：已被改动，或不属于此码。',
  ERR_WALLET_EMPTY: '副本已用完，请领取新副本。',
  ERR_WALLET_KEY: '设备密钥已丢失，请重新登记本设备。',
  ERR_WALLET_STATE: '本设备上的卡包无法读取。',
  ERR_WALLET_COPY: '收到的副本不属于本设备。',
  ERR_WALLET_ENDED: '此次出示已结束，请重新出示。',
}

/** Whether nobody answered at all, so that trying again later is all there is to say. */
export const isNoAnswer = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 'ERR_NETWORK' || error.code === 'ERR_QR_RELAY_UNREACHABLE')

/** The sentence for a refusal. What is neither a party's nor the library's own refusal is a defect, and thrown on. */
export function reasonOf(error: unknown, language: Language): string {
  if (!(error instanceof ApiError) && !isCtidError(error)) throw error
  return wordsOfCode(error.code, language, error.message)
}

/** The sentence for an error code. One that is not the library's keeps the words it came with. */
export function wordsOfCode(code: string, language: Language, otherwise = code): string {
  // An answer that is no problem document comes from something before the parties, a proxy for instance.
  const named = code.startsWith('HTTP_5') ? 'ERR_HTTP_UNAVAILABLE' : code
  if (!isErrorCode(named)) return otherwise
  if (language === 'en') return ERRORS[named].message
  const chinese = CHINESE[named] ?? reasonWords(named, 'zh')
  // A code without Chinese is shown as the code: half a page in another language helps nobody.
  return chinese === ERRORS[named].message ? code : chinese
}
