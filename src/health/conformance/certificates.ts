// Conformance of certificates: EU Digital COVID Certificates with their pictures, SMART Health Cards.
import { decode } from 'cborg'
import { CtidError, equalBytes, fromHex } from '../../base/index.ts'
import { decodePng } from '../../qr/png.ts'
import { checkDcc, type Dcc, type DccKey, decodeDcc, isUsageAllowed } from '../certificates/dcc.ts'
import { kindsOfUsage, readDocumentSigner } from '../certificates/document-signer.ts'
import {
  checkHealthCard,
  decodeHealthCard,
  healthCardKeys,
  readHealthCardCodes,
} from '../certificates/shc.ts'
import { parseInstant } from '../certlogic/instants.ts'
import { sameJson, type Tally, type TestData } from './tally.ts'

// In the order in which a certificate is read; a step counts as done when a later one failed.
const STEPS = ['prefix', 'base45', 'decompression']
const STEP_OF: Readonly<Record<string, number>> = { unprefix: 0, b45decode: 1, compression: 2 }

/** Per vector: each step of decoding that upstream asserts, the content, the signature with its kid, the expiry, the key usage. */
export async function runDccVectors(file: TestData, tally: Tally): Promise<void> {
  for (const vector of file.vectors) {
    const { id, expected = {} } = vector
    const { dcc, done } = await read(vector.qr)
    for (const [flag, step] of Object.entries(STEP_OF))
      if (expected[flag] !== undefined) tally.check(`${id}: ${flag}`, expected[flag] === done > step)
    if (expected.decode !== undefined) tally.check(`${id}: decode`, expected.decode === (dcc !== undefined))
    if (vector.hcert && expected.decode !== false)
      tally.check(`${id}: content`, dcc !== undefined && sameJson(dcc.hcert, vector.hcert))
    if (vector.given && expected.decode === true) checkGiven(vector, dcc, tally)
    if (vector.picture !== undefined && expected.picturedecode !== undefined)
      tally.check(
        `${id}: picture`,
        expected.picturedecode === (vector.qr !== undefined && pictureText(vector.picture) === vector.qr),
      )
    const key = documentSigner(file.certificates?.[vector.certificate])
    const now = clockSeconds(vector.clock)
    const report = dcc && key ? await checkDcc(dcc, [key], now || 0) : undefined
    if (expected.verify !== undefined)
      tally.check(`${id}: verify`, expected.verify === (report?.signature ?? false))
    if (expected.expirationcheck !== undefined && !Number.isNaN(now))
      tally.check(
        `${id}: expiry`,
        expected.expirationcheck === (dcc?.expiresAt !== undefined && now <= dcc.expiresAt),
      )
    if (expected.keyusage !== undefined) checkUsage(vector, dcc, key, tally)
  }
}

// Clocks are written in many ways: with and without zone (then UTC), with a space for the T, in seconds.
function clockSeconds(clock: unknown): number {
  if (typeof clock === 'number') return clock
  if (typeof clock !== 'string') return Number.NaN
  const ms = parseInstant(clock.trim().replace(' ', 'T'))
  return (Number.isNaN(ms) ? Date.parse(clock) : ms) / 1000
}

// The JSON beside a code is what its author meant to encode. Where the author's own CBOR says otherwise too, the
// difference is upstream's.
function checkGiven(vector: TestData, dcc: Dcc | undefined, tally: Tally): void {
  const name = `${vector.id}: content`
  if (dcc && !sameJson(dcc.hcert, vector.given) && sameJson(dcc.hcert, plainCbor(vector.cbor)))
    tally.dispute(`${name} (the CBOR given says what the code says, the JSON does not)`)
  else tally.check(name, dcc !== undefined && sameJson(dcc.hcert, vector.given))
}

function plainCbor(hex: unknown): unknown {
  try {
    const value: TestData = decode(fromHex(String(hex).toLowerCase()))
    return value?.[-260]?.[1] ?? value
  } catch {
    return undefined
  }
}

async function read(text: unknown): Promise<{ readonly dcc: Dcc | undefined; readonly done: number }> {
  if (typeof text !== 'string') return { dcc: undefined, done: 0 }
  try {
    return { dcc: await decodeDcc(text), done: STEPS.length }
  } catch (error) {
    const step = error instanceof CtidError ? STEPS.indexOf(error.detail ?? '') : -1
    return { dcc: undefined, done: step < 0 ? STEPS.length : step }
  }
}

function documentSigner(text: unknown): DccKey | undefined {
  try {
    return readDocumentSigner(fromBase64(String(text).replace(/-----[A-Z ]+-----/g, '')))
  } catch {
    return undefined
  }
}

// White space and the base64url alphabet occur; `atob` takes the first only.
function fromBase64(text: string): Uint8Array {
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** A trust list: each certificate reads, and is listed under the key id that follows from it. */
export function runTrustList(file: TestData, tally: Tally): void {
  for (const [i, { kid, der }] of file.certificates.entries()) {
    const key = documentSigner(der)
    tally.check(`certificate #${i + 1}: reads`, key !== undefined)
    if (key && typeof kid === 'string') tally.check(`certificate #${i + 1}: key id`, isKid(key, kid))
  }
}

function isKid(key: DccKey, kid: string): boolean {
  try {
    return equalBytes(/^[0-9a-f]{16}$/.test(kid) ? fromHex(kid) : fromBase64(kid), key.kid)
  } catch {
    return false
  }
}

// An expectation is disputed when an independent reading of the same certificate, given in the file, says otherwise.
function checkUsage(vector: TestData, dcc: Dcc | undefined, key: DccKey | undefined, tally: Tally): void {
  const allowed = dcc !== undefined && key !== undefined && isUsageAllowed(dcc, key)
  const name = `${vector.id}: key usage`
  const { eku, kinds } = vector.observed ?? {}
  const independent =
    Array.isArray(eku) && typeof kinds === 'string'
      ? [...kinds].every((kind) => kindsOfUsage(eku).some((one) => one === kind))
      : undefined
  if (vector.expected.keyusage !== allowed && independent === allowed)
    tally.dispute(`${name} (the certificate says ${allowed})`)
  else tally.check(name, vector.expected.keyusage === allowed)
}

/** Pictures against the texts of their vectors. */
export function runDccImages(file: TestData, vectors: TestData, tally: Tally): void {
  const byId = new Map<string, TestData>(vectors.vectors.map((vector: TestData) => [vector.id, vector]))
  for (const image of file.images) {
    const vector = byId.get(image.id)
    const text = pictureText(image.png)
    if (vector?.expected?.picturedecode === false || text === undefined)
      tally.check(
        `${image.id}: picture`,
        (vector?.expected?.picturedecode === false) === (text === undefined),
      )
    else tally.check(`${image.id}: picture`, image.textDiffers === true || text === vector?.qr)
  }
}

function pictureText(base64: string): string | undefined {
  try {
    return decodePng(fromBase64(base64.replace(/^data:image\/png;base64,/, '')))
  } catch {
    return undefined
  }
}

/** Positive cards by codes and by JWS; negative ones must fail to be read or to verify. `jwks`: the issuers' keys. */
export async function runHealthCards(file: TestData, jwks: TestData, tally: Tally): Promise<void> {
  const verifies = async (
    codes: readonly string[] | undefined,
    jws: string | undefined,
    payload?: TestData,
  ): Promise<boolean> => {
    try {
      const card = codes ? await readHealthCardCodes(codes) : await decodeHealthCard(jws ?? '')
      const { signature } = await checkHealthCard(card, healthCardKeys(card.issuer, jwks), card.notBefore)
      return signature && (payload === undefined || sameJson(card.payload, payload))
    } catch {
      return false
    }
  }
  for (const card of file.positive) {
    const expected = card.expected?.signature !== false
    if (card.qr)
      tally.check(
        `${card.id}: codes`,
        (await verifies([card.qr].flat(), undefined, card.payload)) === expected,
      )
    if (card.jws)
      tally.check(`${card.id}: JWS`, (await verifies(undefined, card.jws, card.payload)) === expected)
  }
  for (const card of file.negative ?? []) {
    const accepted =
      card.kind === 'jws'
        ? await verifies(undefined, card.text)
        : await verifies([card.text].flat(), undefined)
    tally.check(`${card.id}: refused`, !accepted)
  }
}
