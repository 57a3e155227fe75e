// Mutants: every artefact that a verifier reads, changed at random in its bytes, its JSON or its CBOR, and signed anew where that is
// what an attacker with a key could do. None is accepted, and every refusal is a code of ours.
import { describe, expect, it } from 'vitest'
import { CtidError, isErrorCode, systemRandom, toBase64url, utf8 } from '#ctid/base'
import { issueCredential, presentCredential, verifyCredential } from '#ctid/credential'
import type { Signer } from '#ctid/crypto'
import { decodeBase45, encodeBase45, makePaperCode } from '#ctid/qr'
import { checkStatusToken, createStatusList, signStatusToken } from '#ctid/status'
import { checkTrustList, findSigner, keyId, signTrustList, trustListResolver } from '#ctid/trust'
import { parsePolicy, verifyCode } from '#ctid/verifier'
import { attest, gate, goodCode, holder, issuer, NOW, policy, trustList } from './scene.ts'

const RUNS = process.env['CTID_FULL'] === '1' ? 5000 : 400

// Mulberry32: the same mutants on every run.
function draws(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
type Draw = ReturnType<typeof draws>
const pick = <T>(draw: Draw, all: readonly T[]): T => all[draw(all.length)] as T

const CHARACTERS = [
  '~',
  '.',
  '=',
  ' ',
  '\n',
  '\0',
  '_',
  '+',
  'A',
  '0',
  '\ud800',
  '\u202e',
  '𠮷',
  '"',
  '{',
  ':',
  '%',
]

function mutateText(text: string, draw: Draw): string {
  const at = draw(text.length)
  const rest = at + 1 + draw(4)
  return pick(draw, [
    () => text.slice(0, at) + pick(draw, CHARACTERS) + text.slice(at),
    () => text.slice(0, at) + pick(draw, CHARACTERS) + text.slice(at + 1),
    () => text.slice(0, at) + text.slice(rest),
    () => text.slice(0, at),
    () => text + text.slice(at, at + 30),
    () => text.slice(0, at) + text.slice(at, rest).toLowerCase() + text.slice(rest),
  ])()
}

function mutateBytes(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = draw(bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)]
  const odd = [0, 0x1b, 0x5b, 0x5f, 0x7f, 0x80, 0x9b, 0xbf, 0xc2, 0xd8, 0xf6, 0xfb, 0xff]
  return pick(draw, [
    () => Uint8Array.of(...before, pick(draw, odd), ...after),
    () => Uint8Array.of(...before, (bytes[at] ?? 0) ^ (1 << draw(8)), ...after),
    () => Uint8Array.of(...before, draw(256), ...bytes.subarray(at)),
    () => Uint8Array.of(...before, ...after),
    () => Uint8Array.from(before),
  ])()
}

const ODD: readonly string[] = [
  ...[
    'null',
    'true',
    '0',
    '-1',
    '1.5',
    '1e999',
    '9007199254740993',
    '""',
    '"x"',
    '"\\ud800"',
    '[]',
    '{}',
    '[null]',
  ],
  ...[
    '{"__proto__":{"a":1}}',
    '{"constructor":1,"toString":2,"length":3}',
    '"__proto__"',
    `"${'A'.repeat(43)}"`,
  ],
  `${'['.repeat(40)}${']'.repeat(40)}`,
]
const NAMES = ['__proto__', 'constructor', 'toString', 'crit', 'b64', '_sd', '...', '_sd_alg', 'd', 'x', '']

// A JSON text with one value or member put in another's place, doubled, renamed, or taken out.
function mutateJson(text: string, draw: Draw): string {
  const members = [...text.matchAll(/"(?:[^"\\]|\\.)*":/g)]
  const { index = 0, 0: name = '' } = pick(draw, members)
  const value = index + name.length
  const end = text.slice(value).search(/[,}\]]/) + value
  return pick(draw, [
    () => text.slice(0, value) + pick(draw, ODD) + text.slice(end),
    () => `${text.slice(0, index)}${name}${pick(draw, ODD)},${text.slice(index)}`,
    () => `${text.slice(0, index)}"${pick(draw, NAMES)}":${pick(draw, ODD)},${text.slice(index)}`,
    () => `${text.slice(0, index)}"${pick(draw, NAMES)}":${text.slice(value)}`,
    () => mutateText(text, draw),
  ])()
}

const encoded = (text: string) => toBase64url(utf8(text))
const decoded = (part = '') => Buffer.from(part, 'base64url').toString()
async function signed(header: string, payload: string, by: Signer): Promise<string> {
  const input = `${encoded(header)}.${encoded(payload)}`
  return `${input}.${toBase64url(await by.sign(utf8(input)))}`
}
/** The header or the payload mutated, and signed by the right key. */
async function resigned(jws: string, by: Signer, draw: Draw): Promise<string> {
  const [header, payload] = jws.split('.').map(decoded) as [string, string]
  return draw(4) === 0
    ? signed(mutateJson(header, draw), payload, by)
    : signed(header, mutateJson(payload, draw), by)
}

/** Runs, and gives the code of the refusal, or what it answered. Anything but a code of ours is thrown on. */
async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof CtidError && isErrorCode(error.code)) return error.code
    throw error
  }
}

const vct = 'https://ctid.example/credentials/test/1'
const kid = keyId(issuer.publicJwk)
const credential = await issueCredential(
  { vct, iss: 'https://issuer.example', iat: NOW - 60, exp: NOW + 3600, name: 'A', address: { region: 'B' } },
  { signer: issuer, kid },
  { holderKey: holder.publicJwk, disclosable: [['name'], ['address', 'region']], random: systemRandom },
)
const presentation = await presentCredential(credential, {
  disclose: [['name'], ['address']],
  binding: { holder, audience: 'gate', nonce: 'n', now: NOW },
})
const checked = (text: string) =>
  verifyCredential(text, {
    now: NOW,
    resolveIssuer: trustListResolver(trustList, { purpose: 'identity' }),
    expectedTypes: [vct],
    keyBinding: { expectedAudience: 'gate', expectedNonce: 'n' },
  })

describe('mutants', () => {
  it('of a presentation', async () => {
    const draw = draws(1)
    expect((await checked(presentation)).ok).toBe(true)
    const [issued = '', ...more] = presentation.split('~')
    const disclosed = [issued, ...more.slice(0, -1), ''].join('~')
    for (let i = 0; i < RUNS; i++) {
      const text = mutateText(presentation, draw)
      if (text !== presentation) expect((await checked(text)).ok, text).toBe(false)
      // By the holder: whatever the binding says, it must still be for this verifier, this nonce, these disclosures, now.
      const binding = await resigned(more.at(-1) ?? '', holder, draw)
      const { ok } = await checked(disclosed + binding)
      const [, payload = ''] = binding.split('.')
      if (ok)
        expect(JSON.parse(decoded(payload))).toMatchObject(JSON.parse(decoded(more.at(-1)?.split('.')[1])))
      // By the issuer: accepted or not, never an exception, and nothing of the form is left in the claims.
      const other = await checked([await resigned(issued, issuer, draw), ...more].join('~'))
      if (other.ok) expect(JSON.stringify(other.credential.claims)).not.toMatch(/"(_sd|\.\.\.|_sd_alg)"/)
    }
  })

  it('of a code and of a paper form', async () => {
    const draw = draws(2)
    const paper = makePaperCode(await attest({ holderKey: undefined, assurance: 'low' } as never))
    for (const code of [await goodCode(), paper]) {
      expect((await verifyCode(code, gate())).ok).toBe(true)
      for (let i = 0; i < RUNS; i++) {
        const bytes = mutateBytes(decodeBase45(code, 5), draw)
        for (const text of [mutateText(code, draw), code.slice(0, 5) + encodeBase45(bytes)]) {
          if (text !== code) expect((await verifyCode(text, gate())).ok, text).toBe(false)
        }
      }
    }
  })

  it('of a status list, a trust list and a policy', async () => {
    const draw = draws(3)
    const uri = 'https://issuer.example/status/7'
    const expectedSigners = [await findSigner(trustList, kid, { purpose: 'identity', now: NOW })]
    const times = { now: NOW, expiresInSeconds: 60, ttlSeconds: 60 }
    const status = await signStatusToken(createStatusList(4096, 2), issuer, { uri, kid, ...times })
    const list = await signTrustList(trustList, issuer)
    const readStatus = (text: string) =>
      checkStatusToken(text, { expectedUri: uri, expectedSigners, now: NOW })
    const readList = (text: string) => checkTrustList(text, { expectedSigners: [issuer.publicJwk], now: NOW })
    for (let i = 0; i < RUNS; i++) {
      for (const [text, read] of [
        [status, readStatus],
        [list, readList],
      ] as const) {
        const mutant = mutateText(text, draw)
        if (mutant !== text) expect(typeof (await outcome(() => read(mutant))), mutant).toBe('string')
        const again = await resigned(text, issuer, draw)
        await outcome(() => read(again))
      }
      const text = mutateJson(JSON.stringify(policy), draw)
      await outcome(() => {
        let value: never
        try {
          value = JSON.parse(text) as never
        } catch {
          return
        }
        return parsePolicy(value)
      })
    }
  })
})
