// `ctid wallet`: a holder's wallet in files that speaks OpenID4VCI and OpenID4VP with any issuer and verifier.
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import 'reflect-metadata'
import { AuthorityKeyIdentifierExtension, X509Certificate as ParsedCertificate } from '@peculiar/x509'
import {
  CtidError,
  fromBase64url,
  fromHex,
  fromUtf8,
  isoTime,
  systemClock,
  systemRandom,
  toBase64url,
} from '../../base/index.ts'
import { generateSigner, importVerifyKey } from '../../crypto/index.ts'
import {
  type Holding,
  type PresentOptions,
  type PresentQuestion,
  presentTo,
  receiveCredentials,
} from '../../openid/index.ts'
import { checkChain } from '../../trust/node.ts'
import { type BoxedCredential, type CredentialBox, openCredentialBox } from '../../wallet/index.ts'
import { fileDeviceKeys, fileStorage } from '../../wallet/node.ts'
import { type Command, EXIT, type Io, table } from '../command.ts'
import { splitPem } from '../pem.ts'
import { readText } from '../system.ts'

const usage = `Usage: ctid wallet receive OFFER [--dir DIR] [--tx-code CODE] [--count N] [--credential ID]
       ctid wallet present REQUEST --anchor FILE... [--dir DIR] [--yes] [--allow-unsigned]
       ctid wallet list [--dir DIR]
       ctid wallet forget [--dir DIR]      deletes what was shown or has ended, and its keys

Receives credentials by an offer (openid-credential-offer://...) and presents them to a request (openid4vp://...).
A credential is shown to one verifier and is then spent. "-" reads the link from standard input.
  --dir DIR          the wallet's directory (default: wallet, or CTID_WALLET); made if it is missing
  --tx-code CODE     the transaction code that came another way
  --count N          copies to ask for (default 5; the issuer may give fewer at once)
  --credential ID    which of the offered credentials (default: the first)
  --anchor FILE      anchors of verifiers that may ask (PEM; repeat)
  --yes              agree without asking
  --allow-unsigned   also answer requests that nobody signed (redirect_uri clients), and over plain http elsewhere than on
                     this machine: development only
  --json             one JSON document instead of words`

export const command: Command = {
  name: 'wallet',
  summary: 'receive credentials and present them: OpenID4VCI and OpenID4VP',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        dir: { type: 'string' },
        'tx-code': { type: 'string' },
        count: { type: 'string', default: '5' },
        credential: { type: 'string' },
        anchor: { type: 'string', multiple: true, default: [] },
        yes: { type: 'boolean', default: false },
        'allow-unsigned': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
    const [action, given] = positionals
    const folder = values.dir ?? io.env['CTID_WALLET'] ?? 'wallet'
    const box = openCredentialBox({
      storage: fileStorage(join(folder, 'credentials')),
      keys: fileDeviceKeys(folder, systemRandom),
      clock: systemClock,
    })
    if (action === 'list') return await list(box, values.json, io)
    if (action === 'forget') return await forget(box, values.json, io)
    if (given === undefined)
      throw new CtidError('ERR_CLI_USAGE', { detail: 'receive OFFER or present REQUEST' })
    const link = given === '-' ? (await io.readStdin()).trim() : given
    if (action === 'receive') return await receive(link, box, values, io)
    if (action === 'present') return await present(link, box, values, io)
    throw new CtidError('ERR_CLI_USAGE', { detail: 'receive, present, list or forget' })
  },
}

async function receive(
  link: string,
  box: CredentialBox,
  values: {
    readonly count: string
    readonly 'tx-code'?: string | undefined
    readonly credential?: string | undefined
    readonly json: boolean
  },
  io: Io,
): Promise<number> {
  const count = Number(values.count)
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new CtidError('ERR_CLI_USAGE', { detail: '--count' })
  const txCode = values['tx-code']
  const { issuer, configurationId, credentials, keys } = await receiveCredentials(link, {
    fetch,
    clock: systemClock,
    random: systemRandom,
    dpopKey: await generateSigner(),
    createKey: box.createKey,
    count,
    ...(values.credential === undefined ? {} : { configurationId: values.credential }),
    ...(txCode === undefined ? {} : { txCode: async () => txCode }),
  })
  const received = credentials.flatMap((credential, i) => {
    const key = keys[i]
    return key ? [{ credential, key }] : []
  })
  await box.keep(issuer, received)
  if (values.json)
    io.out(JSON.stringify({ ok: true, issuer, credential: configurationId, received: received.length }))
  else io.out(`${received.length} copies of ${configurationId} received from ${issuer}`)
  return EXIT.ok
}

async function present(
  link: string,
  box: CredentialBox,
  values: {
    readonly anchor: readonly string[]
    readonly yes: boolean
    readonly 'allow-unsigned': boolean
    readonly json: boolean
  },
  io: Io,
): Promise<number> {
  const anchors = (await Promise.all(values.anchor.map(readText))).flatMap(splitPem)
  const open = await box.unspent()
  const ids = new Map<Holding, string>()
  const holdings = open.map(({ boxed, key }): Holding => {
    const { credential } = boxed
    const holding = { credential, key, authorityKeyIds: authorityKeyIdsOf(credential) }
    ids.set(holding, boxed.id)
    return holding
  })
  const resolveVerifier: PresentOptions['resolveVerifier'] = async (header, now) => {
    const chain = checkChain(header['x5c'], { anchors, now })
    return {
      ...chain,
      verifyKey: await importVerifyKey(chain.publicJwk),
      name: chain.subject.replaceAll('\n', ', '),
    }
  }
  const answer = await presentTo(link, {
    fetch,
    clock: systemClock,
    random: systemRandom,
    holdings,
    resolveVerifier,
    allowUnsigned: values['allow-unsigned'],
    approve: (question) => approve(question, values.yes, io),
    onSpend: (used, verifier) =>
      box.spend(
        used.flatMap((holding) => ids.get(holding) ?? []),
        verifier,
      ),
  })
  if (answer.state === 'declined') {
    if (values.json) io.out(JSON.stringify({ ok: false, state: 'declined' }))
    else io.out('Declined; nothing was shown.')
    return EXIT.refused
  }
  const { redirectUri, question } = answer
  if (values.json) {
    const shown = question.items.map(({ vct, claims }) => ({ vct, claims }))
    const more = redirectUri === undefined ? {} : { redirect_uri: redirectUri }
    io.out(JSON.stringify({ ok: true, verifier: question.verifier, shown, ...more }))
  } else {
    io.out('Sent and taken.')
    if (redirectUri !== undefined) io.out(`Go on in the browser that asked: ${redirectUri}`)
  }
  return EXIT.ok
}

// Nothing leaves without a yes: by option, or typed at a terminal.
async function approve(question: PresentQuestion, isAgreed: boolean, io: Io): Promise<boolean> {
  io.err(
    question.isHeld
      ? `Asked by ${question.verifier}. It would see:`
      : `Asked by ${question.verifier}. Nothing in this wallet answers that; it gets a refusal, and does not learn why.`,
  )
  for (const { vct, claims } of question.items) {
    const names = claims.map((path) => path.map((step) => step ?? '*').join('.'))
    io.err(`  ${vct}: ${names.length === 0 ? 'nothing but that you hold it' : names.join(', ')}`)
  }
  if (isAgreed) return true
  const what = question.isHeld ? 'Show it?' : 'Go on?'
  io.err(`${what} Type "yes" and end the input (Ctrl-D); or use --yes.`)
  return /^y(es)?$/i.test((await io.readStdin()).trim())
}

async function list(box: CredentialBox, json: boolean, io: Io): Promise<number> {
  const all = await box.list()
  const rows = all.map(({ vct, issuer, expiresAt, spent }: BoxedCredential) => ({
    vct,
    issuer,
    expires: expiresAt === undefined ? '' : isoTime(expiresAt),
    shown: spent === undefined ? '' : `${isoTime(spent.at)} ${spent.verifier}`,
  }))
  if (json) io.out(JSON.stringify({ ok: true, credentials: rows }))
  else for (const line of table(rows.map((row) => Object.values(row)))) io.out(line)
  return EXIT.ok
}

async function forget(box: CredentialBox, json: boolean, io: Io): Promise<number> {
  const forgotten = await box.forget()
  io.out(json ? JSON.stringify({ ok: true, forgotten }) : `Forgotten: ${forgotten}`)
  return EXIT.ok
}

// For queries by `trusted_authorities`: what the credential's own certificates say about who is above them.
function authorityKeyIdsOf(credential: string): string[] {
  try {
    const header: unknown = JSON.parse(fromUtf8(fromBase64url(credential.split('.')[0] ?? '')))
    const { x5c } = header as { x5c?: unknown }
    return (Array.isArray(x5c) ? x5c : []).flatMap((der: unknown) => {
      const { raw } = new X509Certificate(Buffer.from(String(der), 'base64'))
      const extension = new ParsedCertificate(new Uint8Array(raw)).getExtension(
        AuthorityKeyIdentifierExtension,
      )
      return extension?.keyId === undefined ? [] : [toBase64url(fromHex(extension.keyId.toLowerCase()))]
    })
  } catch {
    // A credential without a readable chain is under no authority that could be asked for.
    return []
  }
}
