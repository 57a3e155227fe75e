// A certificate office of another country: prints EU Digital COVID Certificates for people of the town, exactly as a
// genuine one is made. Its key lives as long as this process: what it printed before a restart is signed by a stranger.
import 'reflect-metadata'
import { deflateSync } from 'node:zlib'
import { ExtendedKeyUsageExtension, X509CertificateGenerator } from '@peculiar/x509'
import { type Clock, CtidError, DAY, isoTime, type RandomBytes, toHex } from '#ctid/base'
import type { DccKey } from '#ctid/health'
import { parseLegalRecord } from '#ctid/identity'
import { type CborValue, encodeBase45, signatureInput, writeCbor } from '#ctid/qr'
import { readDocumentSigner } from '../../src/health/node.ts'
import { walkIns } from './town.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
/** Extended key usages of a signer of tests, vaccinations and recoveries (DCC technical specification, volume 5). */
const USAGES = ['1', '2', '3'].map((kind) => `1.3.6.1.4.1.1847.2021.1.${kind}`)
const COUNTRY = 'XX'
const LIFE_SECONDS = 30 * DAY

/** What the office can certify. */
export const CERTIFIED = ['negative-test', 'positive-test', 'vaccination', 'recovery'] as const
export type Certified = (typeof CERTIFIED)[number]

export type CertificateOffice = {
  /** Its signer, for the health authority's list of keys. */
  readonly signer: DccKey
  /** The text of a certificate (`HC1:…`) for one of the town's walk-ins, by position. */
  issue(person: number, what: Certified): Promise<string>
}

export async function openCertificateOffice(options: {
  readonly clock: Clock
  readonly random: RandomBytes
}): Promise<CertificateOffice> {
  const { clock, random } = options
  const keys = await globalThis.crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${toHex(random(8))}`,
    name: `C=${COUNTRY}, O=Synthetic health ministry, CN=Document signer`,
    notBefore: new Date((clock() - DAY) * 1000),
    notAfter: new Date((clock() + 2 * LIFE_SECONDS) * 1000),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new ExtendedKeyUsageExtension(USAGES)],
  })
  const signer = readDocumentSigner(new Uint8Array(certificate.rawData))
  return {
    signer,
    issue: async (person, what) => {
      const document = walkIns()[person]
      if (!document || document['documentType'] === 'uscc') throw new CtidError('ERR_HEALTH_CERTIFICATE')
      const { name, birthDate = '' } = parseLegalRecord(document)
      const now = clock()
      const payload = writeCbor(
        new Map<number, CborValue>([
          [1, COUNTRY],
          [4, now + LIFE_SECONDS],
          [6, now],
          [-260, new Map([[1, content(name, birthDate, what, now, toHex(random(8)))]])],
        ]),
      )
      const protectedBytes = writeCbor(
        new Map<number, CborValue>([
          [1, -7],
          [4, signer.kid],
        ]),
      )
      const signature = new Uint8Array(
        await globalThis.crypto.subtle.sign(
          ALGORITHM,
          keys.privateKey,
          signatureInput({ protectedBytes, payload }),
        ),
      )
      const message = writeCbor([protectedBytes, new Map(), payload, signature])
      // Tag 18, COSE_Sign1.
      return `HC1:${encodeBase45(new Uint8Array(deflateSync(Uint8Array.of(0xd2, ...message))))}`
    },
  }
}

// Schema 1.3.0 of the certificate. No transliteration: the town's names are compared as written.
function content(name: string, birthDate: string, what: Certified, now: number, id: string): CborValue {
  const [first = '', ...rest] = name
  const day = (seconds: number): string => isoTime(seconds).slice(0, 10)
  const shared: readonly [string, CborValue][] = [
    ['tg', '840539006'],
    ['co', COUNTRY],
    ['is', 'Synthetic health ministry'],
    ['ci', `URN:UVCI:01:${COUNTRY}:${id.toUpperCase()}`],
  ]
  const event = (more: readonly (readonly [string, CborValue])[]): CborValue => [
    new Map([...shared, ...more]),
  ]
  const events: Readonly<Record<Certified, readonly [string, CborValue]>> = {
    'negative-test': ['t', event([...TEST, ['tr', '260415000'], ['sc', isoTime(now)]])],
    'positive-test': ['t', event([...TEST, ['tr', '260373001'], ['sc', isoTime(now)]])],
    vaccination: ['v', event([...VACCINE, ['dn', 2], ['sd', 2], ['dt', day(now - 20 * DAY)]])],
    recovery: [
      'r',
      event([
        ['fr', day(now - 30 * DAY)],
        ['df', day(now - 19 * DAY)],
        ['du', day(now + 150 * DAY)],
      ]),
    ],
  }
  return new Map<string, CborValue>([
    ['ver', '1.3.0'],
    [
      'nam',
      new Map([
        ['fn', first],
        ['gn', rest.join('')],
        ['fnt', ''],
      ]),
    ],
    ['dob', birthDate],
    events[what],
  ])
}

const TEST: readonly (readonly [string, CborValue])[] = [
  ['tt', 'LP6464-4'],
  ['tc', 'Synthetic test centre'],
]
const VACCINE: readonly (readonly [string, CborValue])[] = [
  ['vp', '1119349007'],
  ['mp', 'EU/1/20/1528'],
  ['ma', 'ORG-100030215'],
]
