// Conformance of certificates: EU Digital COVID Certificates with their pictures, SMART Health Cards.
import { CtidError } from '../../base/index.ts'
import { decodePng } from '../../qr/png.ts'
import { checkDcc, type Dcc, type DccKey, decodeDcc, isUsageAllowed } from '../certificates/dcc.ts'
import { kindsOfUsage, readDocumentSigner } from '../certificates/document-signer.ts'
import {
  checkHealthCard,
  decodeHealthCard,
  healthCardKeys,
  readHealthCardCodes,
} from '../certificates/shc.ts'
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
    const key = documentSigner(file.certificates?.[vector.certificate])
    const now = Date.parse(vector.clock ?? '') / 1000
    const report = dcc && key ? await checkDcc(dcc, [key], now) : undefined
    if (expected.verify !== undefined)
      tally.check(`${id}: verify`, expected.verify === (report?.signature ?? false))
    if (expected.expirationcheck !== undefined && vector.clock)
      tally.check(
        `${id}: expiry`,
        expected.expirationcheck === (dcc?.expiresAt !== undefined && now <= dcc.expiresAt),
      )
    if (expected.keyusage !== undefined) checkUsage(vector, dcc, key, tally)
  }
}

async function read(text: string): Promise<{ readonly dcc: Dcc | undefined; readonly done: number }> {
  try {
    return { dcc: await decodeDcc(text), done: STEPS.length }
  } catch (error) {
    const step = error instanceof CtidError ? STEPS.indexOf(error.detail ?? '') : -1
    return { dcc: undefined, done: step < 0 ? STEPS.length : step }
  }
}

function documentSigner(base64: string | undefined): DccKey | undefined {
  if (base64 === undefined) return undefined
  try {
    return readDocumentSigner(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
  } catch {
    return undefined
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
    return decodePng(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

/** Positive cards by codes and by JWS; negative ones must fail to be read or to verify. */
export async function runHealthCards(file: TestData, tally: Tally): Promise<void> {
  const verifies = async (
    codes: readonly string[] | undefined,
    jws: string | undefined,
    payload?: TestData,
  ): Promise<boolean> => {
    try {
      const card = codes ? await readHealthCardCodes(codes) : await decodeHealthCard(jws ?? '')
      const { signature } = await checkHealthCard(
        card,
        healthCardKeys(card.issuer, file.jwks),
        card.notBefore,
      )
      return signature && (payload === undefined || sameJson(card.payload, payload))
    } catch {
      return false
    }
  }
  for (const card of file.positive) {
    const expected = card.expected?.signature !== false
    tally.check(`${card.id}: codes`, (await verifies(card.qr, undefined, card.payload)) === expected)
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
