// Evidence from another sector, for the health rules: what a conversion to the health sector delivered, signed by that
// sector's desk in the health sector. It is the only way: another sector knows its people by points from which no health
// pseudonym follows, so that it can name nobody there without grant, trustees, and an entry in the person's record.
import {
  type Clock,
  CtidError,
  fromUtf8,
  isJsonObject,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
} from '../base/index.ts'
import type { Group, Point, Scalar, Signer } from '../crypto/index.ts'
import { type EvidenceClaims, signEvidence } from '../health/index.ts'
import { type Delivery, type OpenedGrant, receive, requireInForce } from '../pseudonym/index.ts'

/** The desk that signs for one other sector. Its key is in the health sector's register of sources, for those classes only. */
export type SectorDesk = {
  /** The health sector's id in the directory, and y of its receiving key. */
  readonly sector: string
  readonly secretKey: Scalar
  /** The health sector's pseudonym of a point. */
  readonly subjectOf: (point: Point) => string
  readonly sourceId: string
  readonly signer: Signer
  /** How long what it signs counts, at most the source's `maxLifeSeconds`. */
  readonly lifeSeconds: number
  readonly clock: Clock
  readonly random: RandomBytes
}

const MEMBERS = ['at', 'class', 'data', 'precision', 'region']
const MAX_FINDING = 4096

/**
 * Turns deliveries into signed evidence, to be handed to the health authority, which judges class, region and time. Each
 * payload is a finding as JSON: `at`, `region`, `precision`, `class`, `data`. The grant's fields name the classes.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_GRANT_SCOPE` for a grant to another sector or a class that it does not name,
 *   `ERR_PSEUDONYM_GRANT_TIME`, `ERR_PSEUDONYM_ROWS` for a payload that is no finding; then nothing is signed
 */
export async function evidenceOfSector(
  group: Group,
  { grant, deliveries }: { readonly grant: OpenedGrant; readonly deliveries: readonly Delivery[] },
  desk: SectorDesk,
): Promise<string[]> {
  const { sector, secretKey, subjectOf, sourceId, signer, lifeSeconds, clock, random } = desk
  const now = clock()
  requireInForce(grant, now)
  if (grant.to !== sector) throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'sectors' })
  const findings = (await receive(group, secretKey, deliveries, { to: sector })).map(({ point, payload }) => {
    const finding = parseFinding(payload)
    if (!grant.fields.includes(String(finding['class']))) {
      throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'fields' })
    }
    return { ...finding, subject: subjectOf(point) }
  })
  const texts: string[] = []
  for (const finding of findings) {
    const claims = { ...finding, issuedAt: now, expiresAt: now + lifeSeconds } as unknown as EvidenceClaims
    texts.push(await signEvidence(claims, signer, { sourceId, random }))
  }
  return texts
}

function parseFinding(payload: Uint8Array): JsonObject {
  try {
    const finding = parseJsonObject(fromUtf8(payload), { maxLength: MAX_FINDING, maxDepth: 3 })
    const isSound =
      Object.keys(finding).sort().join() === MEMBERS.join() &&
      isJsonObject(finding['data']) &&
      isJsonObject(finding['precision'])
    if (isSound) return finding
  } catch {
    // falls through to the refusal
  }
  throw new CtidError('ERR_PSEUDONYM_ROWS')
}
