// Conformance files as their publishers lay them out: recognised, put beside what they need, and judged alike.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateRawSync, deflateSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toBase64url, toHex, utf8 } from '#ctid/base'
import { generateSigner, jwkThumbprint } from '#ctid/crypto'
import { type CborValue, encodeBase45, writeCbor } from '#ctid/qr'
import { command } from '../../src/cli/commands/conformance.ts'
import { toPng } from '../../src/qr/png.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-upstream-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function put(path: string, content: unknown): string {
  const full = join(folder, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(
    full,
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
  )
  return full
}

async function run(...paths: string[]): Promise<{ code: number; lines: readonly string[]; last: string }> {
  const lines: string[] = []
  const code = await command.run(['health', ...paths], {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    isTerminal: false,
    env: {},
    readStdin: async () => '',
    untilStopped: async () => {},
  })
  return { code, lines, last: lines.at(-1) ?? '' }
}

// A code whose signature nobody made: enough for what is read before it.
function unsignedCode(fields: readonly [string, CborValue][]): { text: string; cbor: string } {
  const hcert = new Map<string, CborValue>(fields)
  const payload = writeCbor(
    new Map<number, CborValue>([
      [4, 1_640_995_200],
      [6, 1_609_459_200],
      [-260, new Map([[1, hcert]])],
    ]),
  )
  const message = writeCbor([writeCbor(new Map([[1, -7]])), new Map(), payload, new Uint8Array(64)])
  return {
    text: `HC1:${encodeBase45(new Uint8Array(deflateSync(message)))}`,
    cbor: toHex(writeCbor(hcert)),
  }
}

test('a vector of dgc-testdata: flags, clocks of every form, picture, content against the JSON or its own CBOR', async () => {
  const { text, cbor } = unsignedCode([['ver', '1.3.0']])
  const vector = (more: object, results: object): object => ({
    JSON: { ver: '1.3.0' },
    PREFIX: text,
    ...more,
    TESTCTX: { VERSION: 1, VALIDATIONCLOCK: '2021-05-03T20:00:00+02:00' },
    EXPECTEDRESULTS: { EXPECTEDDECODE: true, EXPECTEDVERIFY: false, ...results },
  })
  const picture = Buffer.from(toPng(text)).toString('base64')
  put('XX/2DCode/raw/1.json', vector({ '2DCODE': picture }, { EXPECTEDPICTUREDECODE: true }))
  put('XX/2DCode/raw/2.json', vector({ '2DCODE': 'bm8gcGljdHVyZQ==' }, { EXPECTEDPICTUREDECODE: false }))
  put(
    'XX/2DCode/raw/3.json',
    vector({ PREFIX: undefined, BASE45: text.slice(4) }, { EXPECTEDUNPREFIX: true }),
  )
  put('XX/2DCode/raw/4.json', vector({ JSON: { ver: 'another' }, CBOR: cbor }, {}))
  for (const [i, clock] of [
    '2021-12-31 23:59:59',
    '2021-12-31T23:59:59.123456',
    1_640_995_200,
    '2022-01-01T02:00:00+0200',
  ].entries())
    put(`XX/clocks/${i}.json`, {
      ...vector({}, { EXPECTEDEXPIRATIONCHECK: true }),
      TESTCTX: { VALIDATIONCLOCK: clock },
    })
  put('XX/code.png', toPng(text))
  put('XX/README.json', { about: 'nothing to test' })
  const { code, lines, last } = await run(join(folder, 'XX'))
  expect(lines.filter((line) => line.startsWith('failed'))).toEqual([])
  expect(lines.filter((line) => line.startsWith('disputed'))).toHaveLength(1)
  expect([code, last]).toEqual([0, '31 passed, 0 failed'])
  expect(
    (
      await run(
        put('late.json', {
          ...vector({}, { EXPECTEDEXPIRATIONCHECK: true }),
          TESTCTX: { VALIDATIONCLOCK: '2022-01-01T00:00:01Z' },
        }),
      )
    ).code,
  ).toBe(1)
  expect((await run(put('lie.json', vector({ JSON: { ver: 'another' } }, {})))).code).toBe(1)
})

const LOGIC = { if: [{ var: 'payload.v.0' }, { '>': [{ var: 'payload.v.0.dn' }, 1] }, true] }

test('rules and their tests: a folder a rule, or a rule set with tests under the rule’s name', async () => {
  put('rules/XX/VR-XX-0001/rule.json', {
    Identifier: 'VR-XX-0001',
    Country: 'XX',
    Version: '1.0.0',
    Logic: LOGIC,
  })
  put('rules/XX/VR-XX-0001/tests/test001.json', {
    name: 'one dose',
    payload: { v: [{ dn: 1 }] },
    expected: false,
  })
  const single = put('rules/XX/VR-XX-0001/tests/test002.json', {
    payload: { v: [{ dn: 2 }] },
    expected: true,
  })
  put('rulesets/XX/XX-ruleset.json', [
    { id: 'GR-XX-0000', logic: { '===': [{ var: 'external.validationClock' }, '2021-06-01'] } },
  ])
  put('rulesets/XX/tests/GR-XX-0000.json', [
    { name: 'old form', hcert: {}, validationClock: '2021-06-01', expected: true },
    { payload: {}, external: { validationClock: '2021-06-02' }, expected: false },
  ])
  expect((await run(join(folder, 'rules'))).last).toBe('3 passed, 0 failed')
  expect((await run(join(folder, 'rulesets'))).last).toBe('3 passed, 0 failed')
  expect((await run(single)).last).toBe('1 passed, 0 failed')
  const orphan = await run(put('orphan.json', { payload: {}, expected: true }))
  expect([orphan.code, orphan.last]).toEqual([1, '0 passed, 1 failed'])
})

test('a suite of the specification, one a file', async () => {
  const path = put('suite.json', {
    name: 'one',
    cases: [
      {
        name: 'and',
        certLogicExpression: { and: [true, { var: '' }] },
        assertions: [
          { data: 1, expected: 1 },
          { data: 0, expected: 1 },
        ],
      },
    ],
  })
  expect((await run(path)).last).toBe('1 passed, 1 failed')
})

test('health cards: file, text, pieces in files of their own; keys beside them, certificates in the keys', async () => {
  const signer = await generateSigner()
  const kid = jwkThumbprint(signer.publicJwk)
  const payload = JSON.stringify({
    iss: 'https://clinic.example/shc',
    nbf: 1_600_000_000,
    vc: { type: [], credentialSubject: {} },
  })
  const input = `${toBase64url(utf8(JSON.stringify({ alg: 'ES256', zip: 'DEF', kid })))}.${toBase64url(new Uint8Array(deflateRawSync(payload)))}`
  const jws = `${input}.${toBase64url(await signer.sign(utf8(input)))}`
  const digits = [...jws].map((c) => String(c.charCodeAt(0) - 45).padStart(2, '0')).join('')
  put('shc/card.smart-health-card', { verifiableCredential: [jws, jws] })
  put('shc/card-jws.txt', `${jws}\n`)
  put('shc/card-numeric-value-0.txt', `shc:/2/2/${digits.slice(100)}\n`)
  put('shc/card-numeric-value-1.txt', `shc:/1/2/${digits.slice(0, 100)}\r\n`)
  const without = await run(join(folder, 'shc'))
  expect(without.code).toBe(1)
  expect(without.lines.some((line) => line.includes('needs a jwks file'))).toBe(true)
  put('shc/jwks.json', {
    keys: [{ kty: 'RSA' }, { ...signer.publicJwk, kid, use: 'sig', alg: 'ES256', x5c: ['AAAA'] }],
  })
  expect((await run(join(folder, 'shc'), join(folder, 'shc', 'jwks.json'))).last).toBe('4 passed, 0 failed')
  const forged = put('shc/forged.txt', `${input}.${toBase64url(new Uint8Array(64).fill(1))}`)
  expect((await run(forged, join(folder, 'shc', 'jwks.json'))).last).toBe('0 passed, 1 failed')
})

test.each<[string, unknown]>([
  ['null', null],
  ['an empty list', []],
  ['an empty object', {}],
  ['vectors that are none', { vectors: [null], certificates: {} }],
  [
    'a vector of wrong types',
    {
      vectors: [{ id: 'a', qr: 5, clock: {}, certificate: [], expected: { verify: true, decode: true } }],
      certificates: {},
    },
  ],
  ['pictures that are none', { images: [{}, null] }],
  ['verdicts that are none', { verdicts: 5 }],
  ['rules that are none', { rules: { XX: [null] } }],
  ['cards that are none', { positive: [null] }],
  ['a suite of nothing', { cases: [null] }],
  ['a certificate that is none', { certificates: [{ kid: 5, rawData: 'AAAA' }] }],
  ['a text that is no code', 'shc:/1\nHC1:0'],
  ['deep nesting', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
])('%s fails by name, without a stack trace', async (name, content) => {
  const { code, last } = await run(put(`hostile/${name}/file.json`, content === null ? 'null' : content))
  expect([1, 3]).toContain(code)
  expect(last).toMatch(/^\d+ passed, [1-9]\d* failed$|^cannot read /)
})
