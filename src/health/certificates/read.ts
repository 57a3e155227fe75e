// The texts of a certificate as somebody brings them: read, checked, and what they say of whom.
import { CtidError } from '../../base/index.ts'
import { signatureInput } from '../../qr/index.ts'
import { checkDcc, type DccKey, decodeDcc } from './dcc.ts'
import { type DatedFinding, findingsOfDcc, findingsOfHealthCard } from './findings.ts'
import { type CertificateHolder, holderOfDcc, holderOfHealthCard } from './holder.ts'
import { checkHealthCard, type HealthCardKey, readHealthCardCodes } from './shc.ts'

export type CertificateKeys = {
  readonly dcc: readonly DccKey[]
  readonly healthCards: readonly HealthCardKey[]
}

export type ReadCertificate = {
  readonly findings: readonly DatedFinding[]
  readonly holder: CertificateHolder
  /** What the signature covers. */
  readonly signed: Uint8Array
}

/**
 * Reads an `HC1:` text, or the texts of a `shc:/` card, signed by one of the keys and fresh at `now` (Unix seconds).
 *
 * @throws {CtidError} `ERR_HEALTH_CERTIFICATE`, `ERR_HEALTH_CERTIFICATE_KEY`, `ERR_HEALTH_TIME`
 */
export async function readCertificate(
  texts: readonly string[],
  keys: CertificateKeys,
  now: number,
): Promise<ReadCertificate> {
  const [first = ''] = texts
  if (first.startsWith('shc:/')) {
    const card = await readHealthCardCodes(texts)
    const { signature, fresh } = await checkHealthCard(card, keys.healthCards, now)
    if (!signature) throw new CtidError('ERR_HEALTH_CERTIFICATE_KEY')
    if (!fresh) throw new CtidError('ERR_HEALTH_TIME', { detail: 'certificate' })
    return {
      findings: findingsOfHealthCard(card),
      holder: holderOfHealthCard(card),
      signed: card.signingInput,
    }
  }
  if (texts.length !== 1) throw new CtidError('ERR_HEALTH_CERTIFICATE', { detail: 'one text' })
  const dcc = await decodeDcc(first)
  const report = await checkDcc(dcc, keys.dcc, now)
  if (!report.signature || !report.usage || !report.keyInForce)
    throw new CtidError('ERR_HEALTH_CERTIFICATE_KEY')
  if (!report.fresh) throw new CtidError('ERR_HEALTH_TIME', { detail: 'certificate' })
  return { findings: findingsOfDcc(dcc), holder: holderOfDcc(dcc), signed: signatureInput(dcc.message) }
}
