// `ctid show`: draws a code on the terminal or into a file, from a text or from the next copy of a wallet.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CtidError, fromHex, systemClock, systemRandom } from '../../base/index.ts'
import { type Kind, toMatrix, toSvg, toTerminal } from '../../qr/index.ts'
import { toPng } from '../../qr/png.ts'
import { createWallet } from '../../wallet/index.ts'
import { fileDeviceKeys, fileStorage } from '../../wallet/node.ts'
import { type Command, EXIT, type Io } from '../command.ts'

const usage = `Usage: ctid show TEXT [--svg FILE] [--png FILE] [--json]
       ctid show --wallet DIR --verifier NAME [--kind person] [--challenge HEX] [--bind] [...]

Draws a QR code: the TEXT, or the current code of an unused copy in the wallet. Showing spends the copy.
  --wallet DIR      the wallet's directory
  --verifier NAME   to whom it is shown; kept in the wallet's history
  --kind KIND       person (default), organisation or health
  --challenge HEX   what the verifier showed
  --bind            make a code that only this verifier accepts
  --svg FILE, --png FILE   draw into a file instead of the terminal
  --json            {text, version, secondsLeft?, remaining?} and no picture`

type Shown = { readonly text: string; readonly secondsLeft?: number; readonly remaining?: number }

export const command: Command = {
  name: 'show',
  summary: 'draw a code as QR: on the terminal, as SVG or PNG',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        wallet: { type: 'string' },
        verifier: { type: 'string' },
        kind: { type: 'string', default: 'person' },
        challenge: { type: 'string' },
        bind: { type: 'boolean', default: false },
        svg: { type: 'string' },
        png: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [given, ...others] = positionals
    if (others.length > 0 || (given === undefined) === (values.wallet === undefined)) {
      throw new CtidError('ERR_CLI_USAGE', { detail: 'give either a text or --wallet' })
    }
    const shown = given === undefined ? await fromWallet(values) : { text: given }
    const { version } = toMatrix(shown.text)
    if (values.svg !== undefined) await write(values.svg, toSvg(shown.text))
    if (values.png !== undefined) await write(values.png, toPng(shown.text, { scale: 6 }))
    if (values.json) io.out(JSON.stringify({ ...shown, version }))
    else if (values.svg === undefined && values.png === undefined) draw(shown, version, io)
    return EXIT.ok
  },
}

function draw(shown: Shown, version: number, io: Io): void {
  // In a pipe the text is of more use than a picture.
  if (!io.isTerminal) {
    io.out(shown.text)
    return
  }
  io.out(toTerminal(shown.text).trimEnd())
  const seconds = shown.secondsLeft === undefined ? '' : `, good for about ${shown.secondsLeft} s`
  io.out(`version ${version}, ${shown.text.length} characters${seconds}`)
  if (shown.remaining !== undefined) io.err(`${shown.remaining} unused copies left`)
}

type WalletValues = {
  readonly wallet?: string | undefined
  readonly verifier?: string | undefined
  readonly kind: string
  readonly challenge?: string | undefined
  readonly bind: boolean
}

async function fromWallet(values: WalletValues): Promise<Shown> {
  const { wallet: directory = '', verifier, kind, challenge, bind } = values
  if (verifier === undefined || !isKind(kind)) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--verifier NAME and a known --kind' })
  }
  const wallet = createWallet({
    storage: fileStorage(directory),
    keys: fileDeviceKeys(directory, systemRandom),
    random: systemRandom,
    clock: systemClock,
  })
  const bytes = challenge === undefined ? {} : { challenge: hex(challenge) }
  const showing = await wallet.show({ verifier, kind, bindToVerifier: bind, ...bytes })
  return { ...(await showing.current()), remaining: showing.remaining }
}

function isKind(text: string): text is Kind {
  return text === 'person' || text === 'organisation' || text === 'health'
}

function hex(text: string): Uint8Array {
  try {
    return fromHex(text)
  } catch {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--challenge takes hexadecimal digits' })
  }
}

async function write(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content)
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}
