// One of the servers that the service bench compares, as a process of its own. Argument: ours, bare or dcc. Says its port and
// request bodies over the IPC channel, and the CPU time it has used whenever it is asked.
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'
import { decode, encode, Tagged } from 'cborg'
import express, { type Express } from 'express'
import { fromBase64url, systemRandom, toBase64url } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { createVerifierApp, listen } from '#ctid/http'
import { decodeBase45, encodeBase45, makeAttestation, makeCode } from '#ctid/qr'
import { keyId } from '#ctid/trust'
import { memoryReplayCache, trustListLookup } from '#ctid/verifier'

const NOW = 1_795_490_000
const CODES = 64

async function ours() {
  const issuer = await generateSigner()
  const bodies = await Promise.all(
    Array.from({ length: CODES }, async (_, index) => {
      const holder = await generateSigner()
      const attestation = await makeAttestation(
        {
          handle: systemRandom(16),
          holderKey: holder.publicJwk,
          issuedAt: NOW - 3600,
          expiresAt: NOW + 86_400,
          status: { list: 1, index },
          kind: 'person',
          assurance: 'substantial',
        },
        issuer,
      )
      return JSON.stringify({ code: await makeCode(attestation, holder, { now: NOW }) })
    }),
  )
  const cache = memoryReplayCache({ clock: () => NOW, maxEntries: 10_000_000 })
  let shown = 0
  const context = {
    policy: {
      name: 'bench gate',
      useCase: 'entrance',
      purpose: 'identity',
      accept: {
        dynamic: { minAssurance: 'low' as const, required: ['status-list' as const, 'status' as const] },
      },
      kinds: ['person' as const],
      alternative: { en: 'Ask at the counter.', zh: '请到人工窗口办理。' },
    },
    trust: trustListLookup({
      version: 1,
      issuedAt: NOW - 3600,
      expiresAt: NOW + 86_400,
      issuers: [
        {
          id: 'https://issuer.example',
          name: { en: 'Issuer', zh: '签发机构' },
          region: 'CN',
          purposes: ['identity'],
          keys: [{ kid: keyId(issuer.publicJwk), jwk: issuer.publicJwk, notBefore: 0, notAfter: 2 ** 40 }],
        },
      ],
      recognition: [],
    }),
    status: { status: () => ({ state: 'valid' as const, issuedAt: NOW - 60, expiresAt: NOW + 3600 }) },
    // Few codes are measured many times: the number makes each a new entry, at the price of a real one.
    replay: { consume: (key: string, until: number) => cache.consume(`${key}.${shown++}`, until) },
    clock: () => NOW,
  }
  return { app: createVerifierApp({ context: () => context }).app, bodies }
}

// Two signatures of the sizes in a code; the holder's key comes with the request, as in a code.
function bare() {
  const signature = (length: number) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const data = systemRandom(length)
    const made = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return {
      publicKey,
      jwk: publicKey.export({ format: 'jwk' }),
      data: toBase64url(data),
      made: toBase64url(made),
    }
  }
  const issuer = signature(120)
  const holder = signature(220)
  const issuerKey = { key: issuer.publicKey, dsaEncoding: 'ieee-p1363' as const }
  const bodies = [
    JSON.stringify({
      issuer: { data: issuer.data, made: issuer.made },
      holder: { data: holder.data, made: holder.made, jwk: holder.jwk },
    }),
  ]
  const app = express()
  app.post('/verify', express.json(), (request, response) => {
    const body = request.body as {
      issuer: { data: string; made: string }
      holder: { data: string; made: string; jwk: object }
    }
    const key = createPublicKey({ key: body.holder.jwk as never, format: 'jwk' })
    const ok =
      verify('sha256', fromBase64url(body.issuer.data), issuerKey, fromBase64url(body.issuer.made)) &&
      verify(
        'sha256',
        fromBase64url(body.holder.data),
        { key, dsaEncoding: 'ieee-p1363' },
        fromBase64url(body.holder.made),
      )
    response.json({ ok })
  })
  return { app, bodies }
}

// A certificate of the EU's form: HC1, base45, zlib, COSE_Sign1, CBOR claims; one signature by a key at hand.
function dcc() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const header = encode(new Map([[1, -7]]))
  const claims = new Map<number, unknown>([
    [1, 'XX'],
    [4, NOW + 86_400],
    [6, NOW - 3600],
    [
      -260,
      new Map([
        [
          1,
          {
            ver: '1.3.0',
            dob: '1990-01-01',
            nam: { fn: 'Mustermann', gn: 'Erika', fnt: 'MUSTERMANN', gnt: 'ERIKA' },
            v: [
              {
                tg: '840539006',
                vp: '1119349007',
                mp: 'EU/1/20/1528',
                ma: 'ORG-100030215',
                dn: 2,
                sd: 2,
                dt: '2021-05-29',
                co: 'XX',
                is: 'Ministry of Health',
                ci: 'URN:UVCI:01:XX:187/37512422923',
              },
            ],
          },
        ],
      ]),
    ],
  ])
  const payload = encode(claims)
  const toSign = (protectedHeader: Uint8Array, body: Uint8Array) =>
    encode(['Signature1', protectedHeader, new Uint8Array(), body])
  const signature = sign('sha256', toSign(header, payload), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const message = encode(new Tagged(18, [header, new Map(), payload, new Uint8Array(signature)]))
  const bodies = [JSON.stringify({ code: `HC1:${encodeBase45(deflateSync(message))}` })]
  const app = express()
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
  app.post('/verify', express.json(), (request, response) => {
    const { code } = request.body as { code: string }
    const bytes = inflateSync(decodeBase45(code.slice(4)), { maxOutputLength: 65_536 })
    const [head, , body, made] = decode(bytes, { useMaps: true, tags: Tagged.preserve(18) })
      .value as Uint8Array[]
    const signed = verify('sha256', toSign(head as Uint8Array, body as Uint8Array), key, made as Uint8Array)
    const read = decode(body as Uint8Array, { useMaps: true }) as Map<number, unknown>
    response.json({ ok: signed && (read.get(4) as number) > NOW && read.has(-260) })
  })
  return { app, bodies }
}

const kinds = { ours, bare, dcc }
const { app, bodies } = (await kinds[process.argv[2] as keyof typeof kinds]()) as {
  app: Express
  bodies: string[]
}
const server = await listen(app)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuSeconds: (user + system) / 1e6 })
})
process.once('disconnect', () => void server.close())
process.send?.({ port: server.port, bodies })
