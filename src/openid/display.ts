// How credentials and claims are called in a wallet, in English and Chinese (OpenID4VCI 1.0 section 12.2.4).
import type { CredentialProfile } from '../credential/index.ts'
import type { CredentialConfiguration, Translated } from './issuer-config.ts'

const CLAIMS: Readonly<Record<string, Translated>> = {
  approved: { en: 'Approved on', zh: '核准日期' },
  birthdate: { en: 'Date of birth', zh: '出生日期' },
  business_scope: { en: 'Business scope', zh: '经营范围' },
  derivation: { en: 'Record of the derivation', zh: '推导记录摘要' },
  derived_at: { en: 'Derived at', zh: '推导时间' },
  document_expiry: { en: 'Document valid until', zh: '证件有效期至' },
  document_number_masked: { en: 'Document number, masked', zh: '证件号码（掩码）' },
  document_type: { en: 'Document', zh: '证件类型' },
  established: { en: 'Established', zh: '成立日期' },
  family_name: { en: 'Family name', zh: '姓' },
  given_name: { en: 'Given name', zh: '名' },
  holder_role: { en: 'Role of the holder', zh: '持有人身份' },
  issuing_state: { en: 'Issuing state', zh: '签发国' },
  legal_name: { en: 'Legal name', zh: '名称' },
  legal_representative: { en: 'Legal representative', zh: '法定代表人' },
  name: { en: 'Name', zh: '姓名' },
  organisation_type: { en: 'Type of organisation', zh: '类型' },
  outcome: { en: 'Status', zh: '状态' },
  pairwise_audience: { en: 'Service of the identifier', zh: '标识所属服务' },
  pairwise_id: { en: 'Identifier for one service', zh: '单一服务标识' },
  passes: { en: 'Requirements met', zh: '满足的要求' },
  reasons: { en: 'Reasons', zh: '依据' },
  region: { en: 'Region', zh: '地区' },
  registered_capital: { en: 'Registered capital', zh: '注册资本' },
  registration_authority: { en: 'Registration authority', zh: '登记机关' },
  rule_set: { en: 'Rules', zh: '规则' },
  sex: { en: 'Sex', zh: '性别' },
  unified_social_credit_code: { en: 'Unified Social Credit Code', zh: '统一社会信用代码' },
  until: { en: 'Until', zh: '有效至' },
  valid_until: { en: 'Valid until', zh: '营业期限至' },
}

/** The configuration under which a profile is offered: every claim with its names, where there are some. */
export function configurationOf(profile: CredentialProfile, id: string): CredentialConfiguration {
  const { vct, name, forms } = profile
  return {
    id,
    vct,
    scope: id.replaceAll('-', '_'),
    name,
    claims: Object.keys(forms).flatMap((claim) => {
      const words =
        claim === 'age_equal_or_over' ? { en: 'Age has been reached', zh: '已达年龄' } : CLAIMS[claim]
      return words === undefined ? [] : [{ path: [claim], name: words }]
    }),
  }
}
