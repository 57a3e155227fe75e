// The health sector's keys: its pseudonym key and those of its sources and officers, in one file of mode 0600.
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DAY, fromBase64url, parseJsonObject, type RandomBytes, toBase64url } from '#ctid/base'
import { type Group, generateSigner, type P256PrivateJwk, type Signer, signerFromJwk } from '#ctid/crypto'
import type { EvidenceClass, Source, SourceRegister } from '#ctid/health'
import { generateSectorKeys, type SectorKeys } from '#ctid/token'
import { keyId } from '#ctid/trust'

/** Who may say what. An officer's key signs manual entries, two of different offices together, and nothing else. */
const SOURCES: readonly (readonly [id: string, en: string, zh: string, classes: readonly EvidenceClass[]])[] =
  [
    ['lab', 'Provincial laboratory', '省检验中心', ['test']],
    ['clinic', 'First hospital', '第一医院', ['case', 'vaccination', 'recovery', 'symptom']],
    ['tracing', 'Contact tracing centre', '流调中心', ['contact', 'stay', 'screening', 'duty']],
    ['border', 'Border post', '口岸检疫', ['travel']],
    ['intake', 'Declaration desk', '健康申报台', ['symptom', 'residence', 'trip']],
    ['certificates', 'Certificate desk', '证明受理台', ['test', 'vaccination', 'recovery']],
    ['appeals', 'Appeals board', '申诉委员会', ['decision']],
  ]
const OFFICERS = [
  ['officer-north', 'district-north', 'Officer, north district', '北区经办人'],
  ['officer-south', 'district-south', 'Officer, south district', '南区经办人'],
] as const

export type HealthKeys = {
  readonly sector: SectorKeys
  readonly signers: ReadonlyMap<string, Signer>
  readonly register: SourceRegister
}

type Stored = {
  readonly madeAt: number
  readonly x: string
  readonly tokenKey: string
  readonly sources: { readonly [id: string]: P256PrivateJwk }
}

/** Reads the file, or makes it. */
export async function openHealthKeys(
  file: string,
  options: { readonly group: Group; readonly random: RandomBytes; readonly now: number },
): Promise<HealthKeys> {
  const { group } = options
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.new`, `${JSON.stringify(await make(options), null, 2)}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  chmodSync(file, 0o600)
  const stored = parseJsonObject(readFileSync(file, 'utf8')) as unknown as Stored
  const signers = new Map<string, Signer>()
  for (const [id, jwk] of Object.entries(stored.sources)) signers.set(id, await signerFromJwk(jwk))
  return {
    sector: {
      version: 1,
      x: group.parseScalar(fromBase64url(stored.x)),
      tokenKey: fromBase64url(stored.tokenKey),
    },
    signers,
    register: registerOf(signers, stored.madeAt),
  }
}

async function make({
  group,
  random,
  now,
}: {
  group: Group
  random: RandomBytes
  now: number
}): Promise<Stored> {
  const { x, tokenKey } = generateSectorKeys(group, { version: 1, random })
  const sources: Record<string, P256PrivateJwk> = {}
  for (const [id] of [...SOURCES, ...OFFICERS]) sources[id] = (await generateSigner()).privateJwk
  return { madeAt: now, x: toBase64url(x), tokenKey: toBase64url(tokenKey), sources }
}

function registerOf(signers: ReadonlyMap<string, Signer>, madeAt: number): SourceRegister {
  const shared = (id: string) => {
    const signer = signers.get(id)
    if (!signer) throw new Error(`no key of ${id}`)
    const { publicJwk } = signer
    const key = {
      kid: keyId(publicJwk),
      jwk: publicJwk,
      notBefore: madeAt - 60 * DAY,
      notAfter: madeAt + 3650 * DAY,
    }
    return { regions: ['CN'], maxLifeSeconds: 400 * DAY, keys: [key] }
  }
  const sources: Source[] = SOURCES.map(([id, en, zh, classes]) => ({
    id,
    name: { en, zh },
    kind: 'source',
    classes,
    ...shared(id),
  }))
  const officers: Source[] = OFFICERS.map(([id, office, en, zh]) => ({
    id,
    name: { en, zh },
    kind: 'officer',
    office,
    classes: ['manual'],
    ...shared(id),
  }))
  return { format: 'ctid-health-sources/1', version: 1, previous: null, sources: [...sources, ...officers] }
}
