// What a verifier will see, read from the very bytes that it will get: nothing is promised, everything is listed.
import { isoTime, toBase64url, toHex } from '../base/index.ts'
import type { CodeForm } from '../qr/index.ts'
import { parseAttestation } from '../qr/index.ts'

/** One thing that becomes visible. */
export type PreviewLine = {
  readonly name:
    | 'issuer-key'
    | 'kind'
    | 'assurance'
    | 'health'
    | 'valid-from'
    | 'valid-until'
    | 'handle'
    | 'status-entry'
    | 'holder-key'
    | 'claim'
  readonly words: { readonly en: string; readonly zh: string }
  readonly value: string
  /** Whether the same value can turn up at another verifier: `never` for what is new in each copy. */
  readonly linkable: 'never' | 'shared-by-many'
}

export type Preview = {
  readonly form: CodeForm | 'presentation'
  readonly lines: readonly PreviewLine[]
  /** What a person may expect to be visible and is not. */
  readonly notShown: { readonly en: string; readonly zh: string }
}

/** Lists everything in an attestation, and the claims that go with it. */
export function previewAttestation(
  bytes: Uint8Array,
  options: { readonly form: Preview['form']; readonly claims?: readonly string[] },
): Preview {
  const { kid, kind, assurance, health, issuedAt, expiresAt, handle, status, holderKey } =
    parseAttestation(bytes)
  const lines: PreviewLine[] = [
    line('issuer-key', 'Who issued it', '签发机构密钥', toHex(kid), 'shared-by-many'),
    line('kind', 'What kind of holder', '证明类型', kind, 'shared-by-many'),
    line('assurance', 'How surely identified', '保证等级', assurance, 'shared-by-many'),
    line('valid-from', 'Issued', '签发时间', isoTime(issuedAt), 'shared-by-many'),
    line('valid-until', 'Valid until', '有效期至', isoTime(expiresAt), 'shared-by-many'),
    line('handle', 'One-time number of this copy', '本副本一次性编号', toBase64url(handle), 'never'),
    line(
      'status-entry',
      'Place in the status list',
      '状态列表位置',
      `${status.list}/${status.index}`,
      'never',
    ),
  ]
  if (health)
    lines.splice(3, 0, line('health', 'Health outcome', '健康状态', health.outcome, 'shared-by-many'))
  if (holderKey) lines.push(line('holder-key', 'Key of this copy', '本副本密钥', toHex(holderKey), 'never'))
  for (const claim of options.claims ?? []) {
    lines.push(line('claim', 'Disclosed from the credential', '披露的信息', claim, 'shared-by-many'))
  }
  return {
    form: options.form,
    lines,
    notShown: {
      en: 'Not your name, document number, token, location, or where you showed a code before.',
      zh: '不显示姓名、证件号码、标识、位置，也不显示您曾在何处出示过。',
    },
  }
}

function line(
  name: PreviewLine['name'],
  en: string,
  zh: string,
  value: string,
  linkable: PreviewLine['linkable'],
): PreviewLine {
  return { name, words: { en, zh }, value, linkable }
}
