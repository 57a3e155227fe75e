// The file of callers of a service: who may call it, each with a secret of its own. A caller's own copy is a file of one entry.
import { readFile, stat } from 'node:fs/promises'
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  parseJsonObject,
  systemRandom,
  toBase64url,
} from '../base/index.ts'
import type { CallerCredential } from '../token/index.ts'
import { writePrivateFile } from '../token/node.ts'

export type Callers = ReadonlyMap<string, Uint8Array>

/** @throws {CtidError} `ERR_REGISTRAR_CALLERS` */
export async function readCallers(file: string): Promise<Callers> {
  try {
    if (((await stat(file)).mode & 0o077) !== 0) throw new CtidError('ERR_REGISTRAR_CALLERS')
    const { callers } = parseJsonObject(await readFile(file, 'utf8'), { maxLength: 262_144 })
    if (!Array.isArray(callers)) throw new CtidError('ERR_REGISTRAR_CALLERS')
    return new Map(
      callers.map((caller) => {
        const { name, secret } = isJsonObject(caller) ? caller : {}
        if (typeof name !== 'string' || !NAME.test(name) || typeof secret !== 'string') {
          throw new CtidError('ERR_REGISTRAR_CALLERS')
        }
        const bytes = fromBase64url(secret)
        if (bytes.length !== 32) throw new CtidError('ERR_REGISTRAR_CALLERS')
        return [name, bytes]
      }),
    )
  } catch (cause) {
    throw new CtidError('ERR_REGISTRAR_CALLERS', { cause })
  }
}

const NAME = /^[a-z0-9-]{1,32}$/

/** Makes a secret for a new caller, and the file if it is missing. A caller of that name loses the former one. */
export async function addCaller(file: string, name: string): Promise<void> {
  if (!NAME.test(name)) throw new CtidError('ERR_CLI_USAGE', { detail: 'a caller: a-z, 0-9, -' })
  const exists = await stat(file).then(
    () => true,
    () => false,
  )
  const callers = new Map([...(exists ? await readCallers(file) : []), [name, systemRandom(32)] as const])
  const document = {
    callers: [...callers].map(([caller, secret]) => ({ name: caller, secret: toBase64url(secret) })),
  }
  await writePrivateFile(file, `${JSON.stringify(document, null, 2)}\n`)
}

/** The one entry of a caller's own file. */
export async function readCredential(file: string): Promise<CallerCredential> {
  const [entry, ...others] = await readCallers(file)
  if (!entry || others.length > 0) throw new CtidError('ERR_REGISTRAR_CALLERS', { detail: 'one entry' })
  const [caller, secret] = entry
  return { caller, secret }
}
