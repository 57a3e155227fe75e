// Makes the published vectors of verdicts on codes: one issuer, one gate, and texts that are right or wrong in one way.
// `UPDATE_VECTORS=1 npx vitest run tests/verifier/code-cases.test.ts` writes them anew.
import { concatBytes, fromHex, utf8 } from '#ctid/base'
import { compressPoint, jwkToPoint, type Signer } from '#ctid/crypto'
import {
  audienceHash,
  type CborMap,
  type CborValue,
  coseKid,
  decodeBase45,
  encodeBase45,
  signatureInput,
  signedAs,
  writeCbor,
} from '#ctid/qr'
import { signEncodedStatus } from '#ctid/status'
import { keyId } from '#ctid/trust'
import { seededSigner } from '../qr/signers.ts'

export const NOW = 1_795_490_010 // ten seconds into a step
const STEP = Math.floor(NOW / 30)
export const BASE = 'https://issuer.example/status/'
export const issuer = seededSigner('vector issuer')
const former = seededSigner('vector issuer, former key')
export const holder = seededSigner('vector holder')
export const stranger = seededSigner('vector stranger')
const CHALLENGE = fromHex('c0c1c2c3c4c5c6c7c8c9cacb')

export type CodeCase = {
  readonly name: string
  readonly text: string
  /** Name of the policy; `library` where absent. */
  readonly policy?: string
  /** The verifier's clock; the file's `now` where absent. */
  readonly now?: number
  /** What the verifier showed, hexadecimal. */
  readonly challenge?: string
  /** Texts that the same verifier has seen just before. */
  readonly before?: readonly string[]
}

const policy = {
  name: 'city library',
  useCase: 'library-card',
  purpose: 'identity',
  region: '330000',
  accept: {
    dynamic: { minAssurance: 'substantial', required: ['status-list', 'status'] },
    paper: { minAssurance: 'low', required: ['status-list', 'status'] },
  },
  kinds: ['person'],
  alternative: { en: 'Bring a paper card to the counter.', zh: '请携带纸质证件到柜台办理。' },
}
const policies = {
  library: policy,
  'no paper': { ...policy, accept: { dynamic: policy.accept.dynamic } },
  'without status': { ...policy, accept: { dynamic: { minAssurance: 'low', required: [] } } },
  recent: { ...policy, maxAgeSeconds: 3600 },
  'another purpose': { ...policy, purpose: 'organisation' },
  'recognising region': { ...policy, region: '310000' },
  'another region': { ...policy, region: '440000' },
  health: { ...policy, purpose: 'health', kinds: ['health'], healthOutcomes: ['pass', 'green'] },
}

const keyEntry = ({ publicJwk }: Signer, notBefore: number, notAfter: number) => ({
  kid: keyId(publicJwk),
  jwk: publicJwk,
  notBefore,
  notAfter,
})
export const trustList = {
  version: 1,
  issuedAt: NOW - 86_400,
  expiresAt: NOW + 30 * 86_400,
  issuers: [
    {
      id: 'https://issuer.example',
      name: { en: 'Example issuer', zh: '示例签发机构' },
      region: '330000',
      purposes: ['identity', 'health'],
      keys: [
        keyEntry(issuer, NOW - 86_400, NOW + 365 * 86_400),
        keyEntry(former, NOW - 365 * 86_400, NOW - 86_400),
      ],
      statusListBase: BASE,
    },
  ],
  recognition: [{ region: '310000', recognises: ['330000'], purposes: ['identity'] }],
}

// Entries 0 to 3 of 32 hold their own number. Compressed once: compressors differ, and each is right.
const LIST = { bits: 2, lst: 'eJx7wgABAAcoAOU' }
const times = { now: NOW - 60, expiresInSeconds: 86_400, ttlSeconds: 300 }

export async function statusLists() {
  const list = (number: number, by: Signer, changes: Partial<typeof times> = {}) =>
    signEncodedStatus(LIST, by, { uri: `${BASE}${number}`, ...times, ...changes })
  return {
    [`${BASE}7`]: await list(7, issuer),
    [`${BASE}8`]: await list(8, stranger),
    [`${BASE}10`]: await list(10, issuer, { now: NOW - 86_401, expiresInSeconds: 7 * 86_400 }),
    [`${BASE}11`]: await list(11, issuer, { now: NOW - 3600, expiresInSeconds: 3600 }),
    [`${BASE}12`]: await list(7, issuer),
  }
}

type Labels = { readonly [label: number]: CborValue | undefined }

/** A map of some labels, some of them replaced, added or (`undefined`) left out. */
const labelled = (usual: Labels, changes: Labels): CborMap =>
  new Map(
    Object.entries({ ...usual, ...changes }).flatMap(([label, value]) =>
      value === undefined ? [] : [[Number(label), value] as const],
    ),
  )

const ATTESTATION: Labels = {
  4: NOW + 86_400,
  6: NOW - 3600,
  7: fromHex('000102030405060708090a0b0c0d0e0f'),
  [-1]: compressPoint(jwkToPoint(holder.publicJwk)),
  [-2]: [7, 0],
  [-3]: 0,
  [-4]: 1,
}
const PAPER: Labels = { [-1]: undefined, [-4]: 0 }
const HEALTH: Labels = { [-3]: 2, [-5]: [4, fromHex('a0a1a2a3a4a5a6a7'), NOW + 3600] }

type Signing = {
  readonly by?: Signer
  readonly aad?: Uint8Array
  readonly header?: CborMap
  readonly unprotected?: CborMap
  /** Replaces what is signed. */
  readonly payload?: Uint8Array
  readonly signatureBytes?: number
}

const ES256: readonly [number, CborValue] = [1, -7]

async function sign1(
  payload: Uint8Array,
  signing: Required<Pick<Signing, 'by' | 'aad' | 'header'>> & Signing,
) {
  const { by, aad, header, unprotected = new Map(), signatureBytes = 64 } = signing
  const protectedBytes = writeCbor(header)
  const signature = await by.sign(signatureInput({ protectedBytes, payload }, aad))
  const body = writeCbor([protectedBytes, unprotected, payload, signature.slice(0, signatureBytes)])
  return concatBytes(fromHex('d2'), body)
}

function attest(changes: Labels = {}, signing: Signing = {}) {
  const by = signing.by ?? issuer
  const payload = signing.payload ?? writeCbor(labelled(ATTESTATION, changes))
  const header = new Map<number, CborValue>([ES256, [4, coseKid(by.publicJwk)]])
  return sign1(payload, { by, aad: signedAs.attestation, header, ...signing })
}

async function message(attestation: Promise<Uint8Array>, changes: Labels = {}, signing: Signing = {}) {
  const payload = signing.payload ?? writeCbor(labelled({ [-8]: await attestation, [-9]: STEP }, changes))
  return sign1(payload, { by: holder, aad: signedAs.code, header: new Map([ES256]), ...signing })
}

const dynamic = (bytes: Uint8Array) => `CTD1:${encodeBase45(bytes)}`
const code = async (attestation = attest(), changes: Labels = {}, signing: Signing = {}) =>
  dynamic(await message(attestation, changes, signing))
const person = (changes: Labels) => code(attest(changes))
const paper = async (changes: Labels = {}) => `CTP1:${encodeBase45(await attest({ ...PAPER, ...changes }))}`

/** The other signature that verifies wherever this one does: (r, n − s). */
function twin(text: string): string {
  const bytes = decodeBase45(text.slice(5))
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = bytes.subarray(-32).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  bytes.set(fromHex((n - s).toString(16).padStart(64, '0')), bytes.length - 32)
  return dynamic(bytes)
}

const file = async (note: string, cases: readonly CodeCase[]) => ({
  note,
  now: NOW,
  trustList,
  statusLists: await statusLists(),
  policies,
  cases,
})

const READ =
  'SPEC section 12.2. Each case is verified at its `now` (else the file’s) under its policy (else `library`), with a new replay memory, after the texts of `before` (for which no challenge was shown). results: a character a check in the order of the table; + passed, x failed, - not executed. code: of the verdict, absent where accepted; check: which failed. statusLists: what is at hand, by address.'

/** The content of tests/vectors/qr-verdicts.json: well-formed codes. */
export async function makeVerdicts() {
  const good = await code()
  const health = (changes: Labels = {}) => person({ ...HEALTH, ...changes })
  const answer = { 10: CHALLENGE }
  const challenge = 'c0c1c2c3c4c5c6c7c8c9cacb'
  const [swapped] = [await message(attest({ 7: new Uint8Array(16) }))]
  const exchanged = (await message(attest())).slice()
  exchanged.set(swapped.subarray(-64), exchanged.length - 64)
  const cases: CodeCase[] = [
    { name: 'a current code', text: good },
    { name: 'at the first second of step and skew', text: good, now: STEP * 30 - 15 },
    { name: 'at the last second of step and skew', text: good, now: STEP * 30 + 44 },
    {
      name: 'challenge and audience',
      text: await code(attest(), { ...answer, [-10]: audienceHash(policy.name) }),
      challenge,
    },
    { name: 'the other signature of the same code', text: twin(good) },
    { name: 'paper', text: await paper() },
    { name: 'health: passed', text: await health(), policy: 'health' },
    { name: 'in a region that recognises the issuer’s', text: good, policy: 'recognising region' },
    { name: 'no list, and none required', text: await person({ [-2]: [9, 0] }), policy: 'without status' },
    { name: 'exactly as old as may be', text: good, policy: 'recent' },
    { name: 'paper where none is accepted', text: await paper(), policy: 'no paper' },
    { name: 'an online token', text: `CTO1:${encodeBase45(new Uint8Array(32).fill(32))}` },
    { name: 'an issuer that is not listed', text: await code(attest({}, { by: stranger })) },
    { name: 'an issuer’s key whose time is over', text: await code(attest({}, { by: former })) },
    { name: 'an issuer listed for other purposes', text: good, policy: 'another purpose' },
    { name: 'an issuer not recognised here', text: good, policy: 'another region' },
    { name: 'a trust list that has ended', text: good, now: trustList.expiresAt },
    {
      name: 'a stranger under the issuer’s key identifier',
      text: await code(attest({}, { by: { ...stranger, publicJwk: issuer.publicJwk } })),
    },
    {
      name: 'an attestation signed as a code',
      text: await code(attest({}, { aad: signedAs.code })),
    },
    { name: 'ended this second', text: await person({ 4: NOW }) },
    { name: 'begins after the skew', text: await person({ 6: NOW + 16 }) },
    { name: 'begins within the skew', text: await person({ 6: NOW + 15 }) },
    { name: 'older than the policy takes', text: await person({ 6: NOW - 3601 }), policy: 'recent' },
    { name: 'somebody else’s key signs', text: await code(attest(), {}, { by: stranger }) },
    {
      name: 'a holder key that is no point',
      text: await person({ [-1]: fromHex(`02${'ff'.repeat(32)}`) }),
    },
    { name: 'signed by the holder for another purpose', text: await code(attest(), {}, { aad: utf8('') }) },
    { name: 'signatures of two codes exchanged', text: dynamic(exchanged) },
    { name: 'a step that is over', text: good, now: STEP * 30 + 45 },
    { name: 'a step still to come', text: good, now: STEP * 30 - 16 },
    { name: 'another challenge', text: await code(attest(), { 10: new Uint8Array(12) }), challenge },
    { name: 'a challenge, and none was shown', text: await code(attest(), answer) },
    { name: 'no challenge, and one was shown', text: good, challenge },
    { name: 'for another verifier', text: await code(attest(), { [-10]: audienceHash('city hall') }) },
    { name: 'revoked', text: await person({ [-2]: [7, 1] }) },
    { name: 'suspended', text: await person({ [-2]: [7, 2] }) },
    { name: 'a status value without a meaning', text: await person({ [-2]: [7, 3] }) },
    { name: 'an index outside the list', text: await person({ [-2]: [7, 32] }) },
    { name: 'a list signed by a stranger', text: await person({ [-2]: [8, 0] }) },
    { name: 'a list that is not at hand', text: await person({ [-2]: [9, 0] }) },
    { name: 'a list older than a day', text: await person({ [-2]: [10, 0] }) },
    { name: 'a list that has ended', text: await person({ [-2]: [11, 0] }) },
    { name: 'another list under this address', text: await person({ [-2]: [12, 0] }) },
    {
      name: 'revoked, where no status is required',
      text: await person({ [-2]: [7, 1] }),
      policy: 'without status',
    },
    { name: 'paper revoked', text: await paper({ [-2]: [7, 1] }) },
    { name: 'assurance too low', text: await person({ [-4]: 0 }) },
    { name: 'another kind', text: await person({ [-3]: 1 }) },
    {
      name: 'health: not passed',
      text: await health({ [-5]: [5, new Uint8Array(8), NOW + 3600] }),
      policy: 'health',
    },
    {
      name: 'health: over this second',
      text: await health({ [-5]: [4, new Uint8Array(8), NOW] }),
      policy: 'health',
    },
    { name: 'a person where health is asked', text: good, policy: 'health' },
    { name: 'a second time', text: good, before: [good] },
    { name: 'a second time with the other signature', text: twin(good), before: [good] },
    {
      name: 'the next step of the same copy',
      text: await code(attest(), { [-9]: STEP + 1 }),
      now: NOW + 30,
      before: [good],
    },
    { name: 'the same step for a challenge', text: await code(attest(), answer), challenge, before: [good] },
    {
      name: 'after a wrong code of the same copy and step',
      text: good,
      before: [await code(attest(), {}, { by: stranger })],
    },
    { name: 'revoked and too late', text: await person({ [-2]: [7, 1] }), now: STEP * 30 + 45 },
  ]
  return file(READ, cases)
}

/** The content of tests/vectors/qr-malformed.json: texts that are refused by their form alone. */
export async function makeMalformed() {
  const good = await code()
  const bytes = await message(attest())
  const inner = await attest()
  const map = (hex: string, end: string) =>
    code(attest(), {}, { payload: concatBytes(fromHex(hex), inner, fromHex(end)) })
  const head = `58${inner.length.toString(16)}`
  const step = `281a${STEP.toString(16).padStart(8, '0')}`
  const attestationBytes = writeCbor(labelled(ATTESTATION, {}))
  const cases: CodeCase[] = [
    { name: 'well-formed', text: good },
    { name: 'nothing', text: '' },
    { name: 'lower case', text: good.toLowerCase() },
    { name: 'a space in front', text: ` ${good}` },
    { name: 'another version', text: good.replace('CTD1', 'CTD2') },
    { name: 'too long, of an unknown form', text: 'X'.repeat(801) },
    { name: 'too long', text: `CTD1:${'0'.repeat(796)}` },
    { name: 'base45: a character outside the alphabet', text: good.replace(/.$/, 'a') },
    { name: 'base45: one character left over', text: `${good.slice(0, 5 + 3 * 40)}0` },
    { name: 'base45: three characters above 65,535', text: `CTD1::::${good.slice(8)}` },
    { name: 'base45: a last pair above 255', text: `${good.slice(0, 5 + 3 * 40)}::` },
    { name: 'a byte too many', text: dynamic(concatBytes(bytes, Uint8Array.of(0))) },
    { name: 'a byte too few', text: dynamic(bytes.slice(0, -1)) },
    { name: 'no tag', text: dynamic(bytes.slice(1)) },
    { name: 'the CWT tag in front', text: dynamic(concatBytes(fromHex('d83d'), bytes)) },
    {
      name: 'an indefinite array',
      text: dynamic(concatBytes(fromHex('d29f'), bytes.slice(2), fromHex('ff'))),
    },
    { name: 'a longer head than needed', text: dynamic(concatBytes(fromHex('d2845803'), bytes.slice(3))) },
    { name: 'paper under the dynamic prefix', text: (await paper()).replace('CTP1', 'CTD1') },
    { name: 'a dynamic code under the paper prefix', text: good.replace('CTD1', 'CTP1') },
    { name: 'another algorithm', text: await code(attest(), {}, { header: new Map([[1, -35]]) }) },
    {
      name: 'a key identifier in the code',
      text: await code(attest(), {}, { header: new Map<number, CborValue>([ES256, [4, new Uint8Array(8)]]) }),
    },
    {
      name: 'an attestation without key identifier',
      text: await code(attest({}, { header: new Map([ES256]) })),
    },
    {
      name: 'an unprotected header',
      text: await code(attest(), {}, { unprotected: new Map<number, CborValue>([[4, new Uint8Array(8)]]) }),
    },
    { name: 'a signature of 63 bytes', text: await code(attest(), {}, { signatureBytes: 63 }) },
    { name: 'code map: twice the same label', text: await map(`a327${head}`, `${step}${step}`) },
    { name: 'code map: labels not in order', text: await map(`a2${step}27${head}`, '') },
    { name: 'code map: indefinite', text: await map(`bf27${head}`, `${step}ff`) },
    { name: 'code map: a text as label', text: await map(`a327${head}`, `${step}617801`) },
    { name: 'code map: a float as step', text: await map(`a227${head}`, '28f94000') },
    {
      name: 'code map: a longer head than needed',
      text: await map(`a227${head}`, `281b00000000${step.slice(4)}`),
    },
    { name: 'code map: a tag inside', text: await map(`a227${head}`, `28c1${step.slice(2)}`) },
    { name: 'code map: no map', text: await code(attest(), {}, { payload: writeCbor([1, 2]) }) },
    { name: 'code map: an unknown label', text: await code(attest(), { [-11]: 1 }) },
    { name: 'code map: no step', text: await code(attest(), { [-9]: undefined }) },
    { name: 'code map: no attestation', text: await code(attest(), { [-8]: undefined }) },
    { name: 'code map: a step of 2^32', text: await code(attest(), { [-9]: 2 ** 32 }) },
    { name: 'code map: a negative step', text: await code(attest(), { [-9]: -1 }) },
    { name: 'code map: a challenge of 7 bytes', text: await code(attest(), { 10: new Uint8Array(7) }) },
    { name: 'code map: a challenge of 33 bytes', text: await code(attest(), { 10: new Uint8Array(33) }) },
    { name: 'code map: an audience of 7 bytes', text: await code(attest(), { [-10]: new Uint8Array(7) }) },
    { name: 'attestation: no tag', text: await code(Promise.resolve(inner.slice(1))) },
    {
      name: 'attestation: a byte too many',
      text: await code(Promise.resolve(concatBytes(inner, Uint8Array.of(0)))),
    },
    { name: 'attestation: above 400 bytes', text: await person({ 7: new Uint8Array(280) }) },
    { name: 'attestation: paper above 400 bytes', text: await paper({ 7: new Uint8Array(340) }) },
    { name: 'attestation: an unknown label', text: await person({ [-6]: 1 }) },
    { name: 'attestation: no status', text: await person({ [-2]: undefined }) },
    { name: 'attestation: a status of three', text: await person({ [-2]: [7, 0, 0] }) },
    { name: 'attestation: a handle of 15 bytes', text: await person({ 7: new Uint8Array(15) }) },
    { name: 'attestation: ends when it begins', text: await person({ 4: NOW, 6: NOW }) },
    { name: 'attestation: kind 3', text: await person({ [-3]: 3 }) },
    { name: 'attestation: assurance 3', text: await person({ [-4]: 3 }) },
    { name: 'attestation: health without its kind', text: await person({ ...HEALTH, [-3]: 0 }) },
    { name: 'attestation: kind health without health', text: await person({ [-3]: 2 }) },
    {
      name: 'attestation: outcome 6',
      text: await person({ ...HEALTH, [-5]: [6, new Uint8Array(8), NOW + 9] }),
    },
    {
      name: 'attestation: a rule set of 7 bytes',
      text: await person({ ...HEALTH, [-5]: [4, new Uint8Array(7), NOW + 9] }),
    },
    {
      name: 'attestation: a holder key that begins with 04',
      text: await person({ [-1]: fromHex(`04${'01'.repeat(32)}`) }),
    },
    { name: 'attestation: no holder key in a dynamic code', text: await person(PAPER) },
    { name: 'attestation: a holder key on paper', text: await paper({ [-1]: ATTESTATION[-1] }) },
    { name: 'attestation: paper of assurance substantial', text: await paper({ [-4]: 1 }) },
    {
      name: 'attestation: labels not in order',
      text: await code(attest({}, { payload: reordered(attestationBytes) })),
    },
  ]
  return file(READ.replace('12.2', '11.2 to 11.6 and 12.2'), cases)
}

// Labels 4 and 6, whose entries have six bytes each, exchanged.
const reordered = (map: Uint8Array) =>
  concatBytes(map.slice(0, 1), map.slice(7, 13), map.slice(1, 7), map.slice(13))
