// Files as their publishers lay them out, one test or one rule a file, brought into the shape of the collected ones.
import type { FileKind } from './run.ts'
import type { TestData } from './tally.ts'

/** A file in the collected shape, and which it is. */
export type Adapted = { readonly kind: FileKind; readonly file: TestData }

/**
 * Adapts the JSON of one published file; undefined when it is none that we know. `id` names it in the results.
 * Known: dgc-testdata vectors, CertLogic suites, business rules and rule sets, rule tests, SMART Health Card files,
 * key sets, lists of document signer certificates.
 */
export function adaptJson(file: TestData, id: string): Adapted | undefined {
  const list: readonly TestData[] = Array.isArray(file) ? file : [file]
  if (list.length === 0 || list.some((one) => typeof one !== 'object' || one === null)) return undefined
  if (list.every((one) => isObject(one.TESTCTX))) return vectors(list, id)
  if (list.every((one) => ruleLogic(one) !== undefined)) return rules(list)
  if (list.every((one) => 'expected' in one && ('payload' in one || 'hcert' in one)))
    return { kind: 'rule-tests', file: { tests: list.map((one, i) => ruleTest(one, i)) } }
  if (Array.isArray(file.cases)) return suite(file, id)
  if (isTexts(file.verifiableCredential))
    return cards(file.verifiableCredential.map((jws: string, i: number) => ({ id: `${id} #${i + 1}`, jws })))
  if (Array.isArray(file.keys)) return { kind: 'jwks', file: { jwks: file } }
  const certificates = signers(file)
  return certificates.length > 0 ? { kind: 'trust-list', file: { certificates } } : undefined
}

/** Adapts a text: codes (`HC1:…`, `shc:/…`) and cards (`a.b.c`), one a line; or a trust list below its signature. */
export function adaptText(text: string, id: string): Adapted | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  // Nothing is trimmed but a carriage return: white space in a code is an error that must be seen.
  const codes = lines.map((line) => line.replace(/\r$/, ''))
  if (codes.length === 0) return undefined
  if (codes.every((code) => code.startsWith('HC1:')))
    return {
      kind: 'dcc-vectors',
      file: {
        certificates: {},
        vectors: codes.map((qr, i) => ({ id: `${id} #${i + 1}`, qr, expected: { decode: true } })),
      },
    }
  if (codes.every((code) => code.startsWith('shc:/'))) return cards(cardsOfCodes(codes, id))
  if (codes.every((code) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(code)))
    return cards(codes.map((jws, i) => ({ id: `${id} #${i + 1}`, jws })))
  const body = lines.slice(1).join('\n')
  return body.startsWith('{') || body.startsWith('[') ? adaptJson(tryJson(body), id) : undefined
}

/** The pieces of one card, from files of their own, put together: `shc:/1/3/…` with its companions. */
export function joinPieces(found: readonly Adapted[]): readonly Adapted[] {
  const pieces = found.filter(({ kind, file }) => kind === 'shc' && file.positive.some(isPiece))
  if (pieces.length < 2) return found
  const together = new Map<string, TestData>()
  for (const card of pieces.flatMap(({ file }) => file.positive)) {
    const stem = card.id.replace(/\d+(\.\w+)?( #\d+)?$/, '')
    const known = together.get(stem)
    together.set(stem, known ? { ...known, qr: [...known.qr, ...card.qr] } : { ...card, id: stem })
  }
  return [...found.filter((one) => !pieces.includes(one)), cards([...together.values()])]
}

function isPiece(card: TestData): boolean {
  const count = Number(/^shc:\/\d+\/(\d+)\//.exec(card?.qr?.[0] ?? '')?.[1] ?? 1)
  return count > card?.qr?.length
}

function cardsOfCodes(codes: readonly string[], id: string): readonly TestData[] {
  const piece = /^shc:\/\d+\/\d+\//
  const pieces = codes.filter((code) => piece.test(code))
  const whole = codes.filter((code) => !piece.test(code)).map((qr) => [qr])
  return [...whole, ...(pieces.length > 0 ? [pieces] : [])].map((qr, i) => ({ id: `${id} #${i + 1}`, qr }))
}

function cards(positive: readonly TestData[]): Adapted {
  return { kind: 'shc', file: { positive } }
}

function vectors(list: readonly TestData[], id: string): Adapted {
  const certificates: Record<string, string> = {}
  const found = list.map((one, i) => {
    const name = list.length === 1 ? id : `${id} #${i + 1}`
    const { TESTCTX: context, EXPECTEDRESULTS: results = {} } = one
    if (typeof context.CERTIFICATE === 'string') certificates[name] = context.CERTIFICATE
    const expected = Object.fromEntries(
      Object.entries(results).map(([flag, value]) => {
        const short = flag.toLowerCase().replace(/^expected/, '')
        return [short === 'base45decode' ? 'b45decode' : short, value]
      }),
    )
    return {
      id: name,
      qr: one.PREFIX ?? (typeof one.BASE45 === 'string' ? `HC1:${one.BASE45}` : undefined),
      certificate: name,
      clock: context.VALIDATIONCLOCK,
      expected,
      given: one.JSON,
      cbor: one.CBOR,
      picture: one['2DCODE'],
    }
  })
  return { kind: 'dcc-vectors', file: { certificates, vectors: found } }
}

function suite(file: TestData, id: string): Adapted | undefined {
  const kind = file.cases.some((one: TestData) => one?.assertions)
    ? 'certlogic-suite'
    : 'certlogic-validation-suite'
  return { kind, file: { suites: [{ ...file, file: id }] } }
}

// Older tests name the certificate `hcert` and have the clock beside it.
function ruleTest(one: TestData, i: number): TestData {
  const { payload = one.hcert, external, validationClock } = one
  return {
    file: `#${i + 1}`,
    ...one,
    payload,
    external: { ...(validationClock && { validationClock }), ...external },
  }
}

/** The logic of a rule, under the names it has had. */
export function ruleLogic(rule: TestData): TestData {
  return isObject(rule) && ruleName(rule) !== undefined ? (rule.Logic ?? rule.logic) : undefined
}

export function ruleName(rule: TestData): string | undefined {
  const name = rule.Identifier ?? rule.identifier ?? rule.id
  return typeof name === 'string' ? name : undefined
}

function rules(list: readonly TestData[]): Adapted {
  const byCountry: Record<string, TestData[]> = {}
  for (const rule of list) {
    const name = ruleName(rule) as string
    const country = rule.Country ?? /^[A-Z]+-([A-Z]{2})-/.exec(name)?.[1] ?? ''
    byCountry[country] = [
      ...(byCountry[country] ?? []),
      { ...rule, Identifier: name, Version: rule.Version ?? '', Logic: ruleLogic(rule) },
    ]
  }
  return { kind: 'production-rules', file: { rules: byCountry } }
}

/** Certificates in a list of any layout: an object with a certificate and, where the list names it, its `kid`. */
function signers(value: TestData, depth = 0): readonly TestData[] {
  if (typeof value !== 'object' || value === null || depth > 6) return []
  const der = value.rawData ?? (Array.isArray(value.x5c) ? value.x5c[0] : undefined)
  // The Gateway lists the authorities that sign the signers too, and those of uploads: they sign no certificates.
  if (typeof der === 'string')
    return (value.certificateType ?? 'DSC') === 'DSC' ? [{ kid: value.kid, der }] : []
  return Object.values(value).flatMap((one) => signers(one, depth + 1))
}

function isObject(value: TestData): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: TestData): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')
}

function tryJson(text: string): TestData {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
