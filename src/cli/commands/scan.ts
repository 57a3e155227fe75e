// `ctid scan`: reads the QR code in a PNG file.
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CtidError, fromUtf8 } from '../../base/index.ts'
import { codeForm } from '../../qr/index.ts'
import { decodePng } from '../../qr/png.ts'
import { type Command, EXIT } from '../command.ts'

export const command: Command = {
  name: 'scan',
  summary: 'read the QR code in a PNG picture',
  usage: `Usage: ctid scan FILE.png [--json]

Prints the text in the picture. It verifies nothing: pipe it into "ctid verify -".
  --json   {text, form}; form is dynamic, paper, online or null for a text of somebody else`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    })
    const [file, ...others] = positionals
    if (file === undefined || others.length > 0) {
      throw new CtidError('ERR_CLI_USAGE', { detail: 'give one file' })
    }
    const text = decodePng(await read(file))
    io.out(values.json ? JSON.stringify({ text, form: codeForm(text) ?? null }) : text)
    return EXIT.ok
  },
}

/** A file's bytes, or `ERR_CLI_FILE`. */
export async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new CtidError('ERR_CLI_FILE', { cause })
  }
}

/** A file's text, or `ERR_CLI_FILE`. */
export async function readText(file: string): Promise<string> {
  const bytes = await read(file)
  try {
    return fromUtf8(bytes)
  } catch {
    throw new CtidError('ERR_CLI_FILE', { detail: 'not UTF-8' })
  }
}
