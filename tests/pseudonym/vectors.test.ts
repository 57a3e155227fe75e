// The committed vectors: fixed inputs, every intermediate value. With UPDATE_VECTORS=1 they are written anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { fromHex, fromUtf8, type JsonObject, toBase64url, toHex, utf8 } from '#ctid/base'
import {
  type Group,
  generateSigner,
  loadSodiumGroup,
  nobleGroup,
  type Point,
  type Scalar,
  scalarFromInt,
} from '#ctid/crypto'
import {
  auditHandle,
  type Ciphertext,
  type ConversionRequest,
  combineParts,
  conversionContext,
  convertRows,
  type Directory,
  decryptPoint,
  directoryToJson,
  formatPart,
  formatRequest,
  legacyBpk,
  makeRequest,
  openPseudonym,
  openRecordSecret,
  openRequest,
  pairId,
  parseDirectory,
  parsePart,
  parseRequest,
  pseudonymIndex,
  publishReceiverKey,
  readOwnRecord,
  recordLeaf,
  signGrant,
  storePseudonym,
  verifierIdentifier,
  verifierKey,
  verifyCopies,
  verifyPart,
} from '#ctid/pseudonym'
import { sealBox } from '../../src/pseudonym/box.ts'
import { openPayload, sealPayloads } from '../../src/pseudonym/delivery.ts'
import { sealEntry, WALLET_BOX } from '../../src/pseudonym/record.ts'
import { NOW, seededRandom } from './world.ts'

const path = new URL('../vectors/pseudonym.json', import.meta.url)
type Vectors = {
  readonly seed: string
  readonly signed: { readonly directory: unknown; readonly request: JsonObject & { readonly now: number } }
  readonly sealed: Awaited<ReturnType<typeof sealedExample>>
}

let group: Group
beforeAll(async () => {
  group = await loadSodiumGroup()
})

type Keys = { readonly [name: string]: Scalar }

const storage = {
  sector: 'health',
  version: 1,
  index: new Uint8Array(32).fill(3),
  seal: new Uint8Array(32).fill(4),
}

/** Everything that is determined by the seed. */
function derive(on: Group) {
  const random = seededRandom('CTID vectors 1')
  const scalar = () => on.randomScalar(random)
  const keys: Keys = { xA: scalar(), xB: scalar(), xL: scalar(), w: scalar(), yB: scalar(), yL: scalar() }
  const { xA, xB, xL, w, yB, yL } = keys as { [name: string]: Scalar } as Record<
    'xA' | 'xB' | 'xL' | 'w' | 'yB' | 'yL',
    Scalar
  >
  const ids = [1, 2, 3]
  const pair = (to: Scalar) => {
    const factor = on.scalarMultiply(to, on.scalarInvert(xA))
    const strip = on.scalarNegate(on.scalarMultiply(factor, w))
    const deal = (secret: Scalar) => {
      const slope = scalar()
      const secrets = ids.map((id) => on.scalarAdd(secret, on.scalarMultiply(slope, scalarFromInt(id))))
      return {
        key: {
          threshold: 2,
          groupKey: on.multiplyBase(secret),
          shares: secrets.map((value, i) => ({ id: i + 1, publicKey: on.multiplyBase(value) })),
        },
        secrets,
      }
    }
    return { factor: deal(factor), strip: deal(strip) }
  }
  const toB = pair(xB)
  const toL = pair(xL)
  const anchor = on.hashToGroup(utf8('synthetic person'), utf8('CTID vectors'))
  const pointA = on.multiply(xA, anchor)
  const r = scalar()
  const c1 = on.multiplyBase(r)
  const envelope = on.multiplyBase(w)
  const keyB = on.multiplyBase(yB)
  const keyL = on.multiplyBase(yL)
  const row = {
    c1,
    to: on.add(on.multiply(r, on.add(keyB, envelope)), pointA),
    audit: on.add(on.multiply(r, on.add(keyL, envelope)), pointA),
  }
  const context = conversionContext(new Uint8Array(32).fill(7), 'convert')
  const statement = (id: number) => ({
    publicShare: {
      id,
      factor: toB.factor.key.shares[id - 1]?.publicKey as Point,
      strip: toB.strip.key.shares[id - 1]?.publicKey as Point,
    },
    inputs: [{ c1: row.c1, c2: row.to }],
    recipient: keyB,
    context,
  })
  const parts = [1, 3].map((id) =>
    convertRows(
      on,
      { factor: toB.factor.secrets[id - 1] as Scalar, strip: toB.strip.secrets[id - 1] as Scalar },
      { ...statement(id), random },
    ),
  )
  const combined = combineParts(on, parts)
  const record = new Uint8Array(32).fill(9)
  const hex = (values: Readonly<Record<string, Uint8Array>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toHex(value)]))
  const deterministic = {
    secrets: hex(keys),
    shares: {
      factor: toB.factor.secrets.map(toHex),
      strip: toB.strip.secrets.map(toHex),
    },
    points: hex({ anchor, pointA, pointB: on.multiply(xB, anchor), pointL: on.multiply(xL, anchor) }),
    row: hex({ r, ...row }),
    context: toHex(context),
    parts: parts.map((part) => formatPart(part)),
    combined: combined.map(({ c1: z1, c2: z2 }) => hex({ c1: z1, c2: z2 })),
    record: {
      secret: toHex(record),
      epoch: 700,
      handle: toHex(auditHandle(record, 700)),
      leafOf: toHex(utf8('sealed')),
      leaf: hex({ ...recordLeaf(record, utf8('sealed')) }),
    },
    department: {
      sector: storage.sector,
      version: storage.version,
      indexKey: toHex(storage.index),
      sealKey: toHex(storage.seal),
      index: pseudonymIndex(pointA, storage),
    },
    verifier: {
      masterKey: toHex(new Uint8Array(32).fill(5)),
      id: 'https://library.example',
      key: toHex(verifierKey(new Uint8Array(32).fill(5), 'https://library.example')),
      identifier: toHex(
        verifierIdentifier(verifierKey(new Uint8Array(32).fill(5), 'https://library.example'), pointA),
      ),
    },
    legacyBpk: legacyBpk('Qq03dPrgcHsx3G0lKSH6SQ==', 'BW'),
  }
  return { deterministic, keys, toB, toL, pointA, parts, statement, envelope, random }
}

/** A directory and a signed request: signatures are not deterministic, so this part is checked, not recomputed. */
async function signedExample(): Promise<{ directory: unknown; request: unknown }> {
  const { keys, toB, toL, pointA, envelope, random } = derive(group)
  const signers = {
    registrar: await generateSigner(),
    a: await generateSigner(),
    log: await generateSigner(),
  }
  const authority = await generateSigner()
  const point = (name: string) => group.multiplyBase(keys[name] as Scalar)
  const published = (sector: string, name: string) =>
    publishReceiverKey(group, sector, keys[name] as Scalar, { random })
  const directory: Directory = {
    threshold: 2,
    envelope,
    audit: 'audit',
    log: signers.log.publicJwk,
    epochSeconds: 2_592_000,
    authorities: [authority.publicJwk],
    sectors: new Map([
      ['health', { commitment: point('xA'), signer: signers.a.publicJwk }],
      [
        'transport',
        { commitment: point('xB'), ...published('transport', 'yB'), signer: signers.a.publicJwk },
      ],
      ['audit', { commitment: point('xL'), ...published('audit', 'yL'), signer: signers.log.publicJwk }],
    ]),
    factors: new Map([
      [pairId('health', 'transport'), { factor: toB.factor.key, strip: toB.strip.key }],
      [pairId('health', 'audit'), { factor: toL.factor.key, strip: toL.strip.key }],
    ]),
  }
  const grant = await signGrant(
    {
      requester: 'Institute of Public Health',
      purpose: { code: 'study', text: { en: 'Vectors' } },
      from: 'health',
      to: 'transport',
      fields: [],
      count: 10,
      notBefore: NOW - 60,
      notAfter: NOW + 60,
      serial: 'vector-1',
    },
    authority,
  )
  const options = { directory, grant, signer: signers.a, nowSeconds: NOW, random }
  const { request } = await makeRequest(group, [pointA, group.add(pointA, pointA)], options)
  const { id } = await openRequest(group, request, { directory, nowSeconds: NOW })
  return {
    directory: directoryToJson(directory),
    request: { ...formatRequest(request), now: NOW, id: toBase64url(id) },
  }
}

/** What is sealed: to a receiver, to a wallet, under a record, in a department's table. Checked by opening it. */
async function sealedExample() {
  const { keys, pointA, random } = derive(group)
  const walletKey = group.randomScalar(random)
  const secret = new Uint8Array(32).fill(9)
  const handle = auditHandle(secret, 700)
  const entry = await sealEntry(secret, ENTRY, { handle, random })
  const [payload] = await sealPayloads(group, 1, [utf8(PAYLOAD)], {
    recipient: group.multiplyBase(keys['yB'] as Scalar),
    to: 'transport',
    random,
  })
  const box = await sealBox(group, group.multiplyBase(walletKey), secret, { context: WALLET_BOX, random })
  const stored = await storePseudonym(pointA, storage, { random })
  return {
    payload: { to: 'transport', plaintext: PAYLOAD, sealed: toHex(payload ?? new Uint8Array()) },
    wallet: { secretKey: toHex(walletKey), box: toHex(box) },
    entry: { content: ENTRY, sealed: toHex(entry) },
    department: toHex(stored.sealed),
  }
}

const PAYLOAD = '{"asthma":"yes"}'
const ENTRY = { at: NOW, from: 'health', to: 'transport' }

if (process.env['UPDATE_VECTORS']) {
  test('write the vectors', async () => {
    const { deterministic } = derive(group)
    const more = { signed: await signedExample(), sealed: await sealedExample() }
    writeFileSync(path, `${JSON.stringify({ seed: 'CTID vectors 1', ...deterministic, ...more }, null, 1)}\n`)
  })
}

describe('the committed vectors', () => {
  const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors

  test.each(['noble', 'sodium'])('are what this code derives from their seed (%s)', (backend) => {
    const { deterministic } = derive(backend === 'noble' ? nobleGroup : group)
    const { seed, signed: _, sealed: __, ...stored } = vectors
    expect(seed).toBe('CTID vectors 1')
    expect(deterministic).toEqual(stored)
  })

  test('hold together: the parts verify, combine and decrypt to the point of the receiver', () => {
    const { statement, keys, deterministic } = derive(group)
    const parts = deterministic.parts.map((part) => parsePart(group, part))
    for (const part of parts) expect(verifyPart(group, part, statement(part.trustee))).toBe(true)
    const [result] = combineParts(group, parts).map((row: Ciphertext) =>
      decryptPoint(group, keys['yB'] as Scalar, row),
    )
    expect(result).toEqual(fromHex(deterministic.points['pointB'] as string))
  })

  test('what is sealed opens, for its receiver only', async () => {
    const { keys, pointA } = derive(group)
    const { payload, wallet, entry, department } = vectors.sealed
    const yB = keys['yB'] as Scalar
    expect(fromUtf8(await openPayload(group, yB, fromHex(payload.sealed), payload.to))).toBe(PAYLOAD)
    await expect(openPayload(group, yB, fromHex(payload.sealed), 'civil')).rejects.toThrow()
    const walletKey = group.parseScalar(fromHex(wallet.secretKey))
    const secret = await openRecordSecret(group, walletKey, fromHex(wallet.box))
    expect(secret).toEqual(new Uint8Array(32).fill(9))
    const source = { entries: async () => [[{ sealed: fromHex(entry.sealed) }]] }
    const [read] = await readOwnRecord(secret, source, { fromEpoch: 700, toEpoch: 700 })
    expect(read).toMatchObject(entry.content)
    const index = pseudonymIndex(pointA, storage)
    const stored = { version: 1, index, sealed: fromHex(department) }
    expect(await openPseudonym(group, stored, storage)).toEqual(pointA)
  })

  test('the signed request opens and its copies are proved', async () => {
    const directory = parseDirectory(group, vectors.signed.directory)
    const { now, id, ...body } = vectors.signed.request
    const { request }: { request: ConversionRequest } = parseRequest(body)
    const opened = await openRequest(group, request, { directory, nowSeconds: now })
    expect(toBase64url(opened.id)).toBe(id)
    expect(verifyCopies(group, opened, directory)).toBe(true)
  })
})
