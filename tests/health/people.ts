// Synthetic sources, officers and pseudonyms for the health tests. Keys are made anew each run.
import { DAY, toBase64url } from '#ctid/base'
import { generateSigner, type Signer } from '#ctid/crypto'
import { keyId } from '#ctid/trust'
import {
  type Evidence,
  type EvidenceClaims,
  signEvidence,
  verifyEvidence,
} from '../../src/health/evidence.ts'
import type { EvidenceClass } from '../../src/health/evidence-class.ts'
import { type Source, type SourceRegister, sourceLookup } from '../../src/health/sources.ts'

/** 2026-11-24T00:00:00Z */
export const NOW = 1_795_478_400
export const REGION = '330000'

/** A repeatable stream of bytes; no secret is made of it. */
export function seeded(seed: number): (length: number) => Uint8Array {
  let state = seed >>> 0 || 1
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    })
}

export function pseudonym(n: number): string {
  return toBase64url(Uint8Array.from({ length: 32 }, (_, i) => (n >> (8 * (i % 4))) & 255))
}

export type World = {
  readonly register: SourceRegister
  readonly signers: Readonly<Record<string, Signer>>
  readonly lookup: ReturnType<typeof sourceLookup>
  sign(
    source: string,
    subject: string,
    finding: Pick<EvidenceClaims, 'class' | 'data'>,
    options?: Partial<EvidenceClaims>,
  ): Promise<Evidence>
}

const SOURCES: readonly [id: string, en: string, zh: string, classes: readonly EvidenceClass[]][] = [
  ['lab', 'Provincial laboratory', '省检验中心', ['test']],
  ['clinic', 'First hospital', '第一医院', ['case', 'vaccination', 'recovery', 'symptom']],
  ['tracing', 'Contact tracing centre', '流调中心', ['contact', 'stay', 'screening', 'duty']],
  ['border', 'Border post', '口岸', ['travel']],
  ['intake', 'Declaration desk', '健康申报台', ['symptom', 'residence', 'trip']],
  ['exchange', 'National platform', '国家平台', ['transfer']],
  ['appeals', 'Appeals board', '申诉委员会', ['decision']],
]

export async function makeWorld(): Promise<World> {
  const signers: Record<string, Signer> = {}
  const sources: Source[] = []
  const add = async (source: Omit<Source, 'keys' | 'regions' | 'maxLifeSeconds'>): Promise<void> => {
    const signer = await generateSigner()
    signers[source.id] = signer
    const key = {
      kid: keyId(signer.publicJwk),
      jwk: signer.publicJwk,
      notBefore: NOW - 2400 * DAY,
      notAfter: NOW + 999 * DAY,
    }
    sources.push({ ...source, regions: ['CN'], maxLifeSeconds: 60 * DAY, keys: [key] })
  }
  for (const [id, en, zh, classes] of SOURCES) await add({ id, name: { en, zh }, kind: 'source', classes })
  for (const [id, office] of [
    ['officer-a', 'district-1'],
    ['officer-b', 'district-2'],
    ['officer-c', 'district-1'],
  ] as const)
    await add({ id, name: { en: id, zh: id }, kind: 'officer', office, classes: ['manual'] })
  const register: SourceRegister = { format: 'ctid-health-sources/1', version: 1, previous: null, sources }
  const lookup = sourceLookup(register)
  const random = seeded(7)
  return {
    register,
    signers,
    lookup,
    sign: async (source, subject, finding, options = {}) => {
      const at = options.at ?? NOW
      const claims = {
        subject,
        at,
        issuedAt: at,
        expiresAt: at + 40 * DAY,
        region: REGION,
        precision: { seconds: 0 },
        ...finding,
        ...options,
      } as EvidenceClaims
      const text = await signEvidence(claims, signers[source] as Signer, { sourceId: source, random })
      return verifyEvidence(text, {
        sources: lookup,
        now: Math.max(NOW, claims.issuedAt),
        acceptExpired: true,
      })
    },
  }
}
