// RFC 9901 to the letter: its printed SD-JWT+KB, its digests, and every example and case of the reference suites.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMap, isScalar, isSeq, type Node, parse, parseDocument } from 'yaml'
import {
  type ClaimPath,
  conceal,
  disclosureDigest,
  joinSdJwt,
  parseSdJwt,
  reveal,
  sdHash,
  select,
} from '#ctid/credential'
import { generateSigner, importVerifyKey } from '#ctid/crypto'
import { parseJws, signJws, verifyJws } from '#ctid/trust'
import { type Json, type JsonObject, systemRandom } from '../../src/base/index.ts'
import { holderKeyOf, parseKeyBinding } from '../../src/credential/index.ts'
import vector from '../vectors/credential-rfc9901.json' with { type: 'json' }

const EXAMPLE_TYP = 'example+sd-jwt'

describe('the SD-JWT+KB printed in RFC 9901 section 5.2', () => {
  const disclosures: Record<string, string> = vector.disclosures
  const issuerJwt = vector.issuerJwt.join('')
  const chosen = vector.presented.map((name) => disclosures[name])
  const text = `${[issuerJwt, ...chosen].join('~')}~${vector.keyBinding.join('')}`

  it('verifies and gives the processed payload that is printed there', async () => {
    const parts = parseSdJwt(text)
    const jws = parseJws(parts.issuerJwt, { expectedTyp: EXAMPLE_TYP })
    const issuerKey = await importVerifyKey(vector.issuerKey as never)
    expect(await verifyJws(jws, issuerKey)).toBe(true)
    const { claims } = reveal(jws.payload, parts.disclosures)
    expect(claims).toEqual(vector.processed)

    const binding = parseKeyBinding(parts.keyBinding ?? '')
    expect(await verifyJws(binding, await importVerifyKey(holderKeyOf(claims)))).toBe(true)
    expect(binding.payload).toEqual({
      nonce: vector.nonce,
      aud: vector.audience,
      iat: vector.boundAt,
      sd_hash: sdHash(parts.presentation),
    })
  })

  it('is what selecting the same claims from the issued SD-JWT gives', () => {
    const issued = parseSdJwt(`${[issuerJwt, ...Object.values(disclosures)].join('~')}~`)
    const { payload } = parseJws(issuerJwt, { expectedTyp: EXAMPLE_TYP })
    const paths = [['family_name'], ['given_name'], ['address'], ['nationalities', 0]]
    const selected = select(payload, issued.disclosures, paths)
    expect(selected.map((one) => one.encoded).sort()).toEqual(chosen.sort())
  })

  it('has the digests printed in section 6, white space in the JSON included', () => {
    for (const { digest, disclosure } of [vector.structures.flat, ...vector.structures.recursive]) {
      expect(disclosureDigest(disclosure)).toBe(digest)
    }
  })
})

const root = process.env['CTID_CONFORMANCE']
const SUITES = [
  'rfc9901-sources/examples',
  'sd-jwt-python/examples',
  'sd-jwt-python/tests/testcases',
  'sd-jwt-vc-draft/examples',
]

describe.skipIf(!root)('the cases of the SD-JWT suites (CTID_CONFORMANCE)', () => {
  const cases = (root ? SUITES : []).flatMap((suite) =>
    readdirSync(join(root ?? '', suite), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => [`${suite}/${entry.name}`]),
  )

  if (!root) it.todo('needs the folder of the suites in CTID_CONFORMANCE')
  it.each(cases)('%s: issued, presented and verified', async (name) => {
    const source = readFileSync(join(root ?? '', name, 'specification.yml'), 'utf8')
    const document = parseDocument(source, { customTags: SD_TAGS })
    const { claims, hidden } = readUserClaims(document.get('user_claims', true) as Node)
    const plain = parse(source.replaceAll(/!sd ?/g, '')) as { [name: string]: never }
    const wanted = truePaths(plain['holder_disclosed_claims'] ?? {})

    const issuer = await generateSigner()
    const { payload, disclosures } = conceal(claims, {
      disclosable: hidden,
      random: systemRandom,
      decoys: plain['add_decoy_claims'] ? 3 : 0,
    })
    expect(disclosures).toHaveLength(hidden.length)
    const issued = joinSdJwt(await signJws(payload, issuer, { typ: EXAMPLE_TYP }), disclosures)

    const held = parseSdJwt(issued)
    const jws = parseJws(held.issuerJwt, { expectedTyp: EXAMPLE_TYP })
    expect(await verifyJws(jws, await importVerifyKey(issuer.publicJwk))).toBe(true)
    expect(reveal(jws.payload, held.disclosures).claims).toEqual(claims)

    if (name === 'rfc9901-sources/examples/w3c-vc_for_slide_deck') {
      // This case asks for claims that it does not contain; we refuse rather than show less than was meant.
      expect(() => select(jws.payload, held.disclosures, wanted)).toThrow(/path names nothing/)
      return
    }
    const shown = parseSdJwt(joinSdJwt(held.issuerJwt, select(jws.payload, held.disclosures, wanted)))
    const processed = reveal(jws.payload, shown.disclosures).claims
    expect(processed).toEqual(visible(claims, hidden, wanted))
    if (plain['expect_verified_user_claims']) expect(processed).toEqual(plain['expect_verified_user_claims'])
  })
})

// `!sd` before a key or an element marks it as selectively disclosable.
const SD_TAGS = [
  { tag: '!sd', collection: 'map' as const },
  { tag: '!sd', collection: 'seq' as const },
  { tag: '!sd', resolve: (text: string) => text },
]

function readUserClaims(top: Node): { claims: JsonObject; hidden: ClaimPath[] } {
  const hidden: ClaimPath[] = []
  const read = (node: unknown, path: (string | number)[]): Json => {
    if (isMap(node)) {
      return Object.fromEntries(
        node.items.map((pair): [string, Json] => {
          const name = isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : String(pair.key)
          if (isScalar(pair.key) && pair.key.tag === '!sd') hidden.push([...path, name])
          return [name, read(pair.value, [...path, name])]
        }),
      )
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        if ((item as Node & { tag?: string }).tag === '!sd') hidden.push([...path, index])
        return read(item, [...path, index])
      })
    }
    if (!isScalar(node)) return null
    return node.tag === '!sd' && node.type === 'PLAIN'
      ? (parse(String(node.source)) as Json)
      : (node.value as Json)
  }
  return { claims: read(top, []) as JsonObject, hidden }
}

function truePaths(choice: Json, path: (string | number)[] = []): ClaimPath[] {
  if (choice === true) return [path]
  if (typeof choice !== 'object' || choice === null) return []
  return Object.entries(choice).flatMap(([key, value]) =>
    truePaths(value as Json, [...path, Array.isArray(choice) ? Number(key) : key]),
  )
}

// What a verifier should see, computed without any SD-JWT: a hidden claim stays if some wanted path runs through it
// or ends above it.
function visible(
  value: Json,
  hidden: ClaimPath[],
  wanted: ClaimPath[],
  path: (string | number)[] = [],
): Json {
  const shown = (at: (string | number)[]) =>
    !hidden.some((one) => one.join('\0') === at.join('\0')) ||
    wanted.some((one) => one.slice(0, at.length).join('\0') === at.slice(0, one.length).join('\0'))
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, i) =>
      shown([...path, i]) ? [visible(item, hidden, wanted, [...path, i])] : [],
    )
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => shown([...path, name]))
      .map(([name, item]) => [name, visible(item as Json, hidden, wanted, [...path, name])]),
  )
}
