// Reads compose.yaml: which parties there are, their command lines, and which secret is mounted where.
import { readFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const COMPOSE_FILE = join(dirname(fileURLToPath(import.meta.url)), 'compose.yaml')

/** A service as the file has it, as far as it is read here. */
export type Service = {
  readonly image: string
  readonly command?: readonly string[]
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly { readonly source: string; readonly target: string }[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, unknown>>
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
}

export type Compose = {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

export function readCompose(): Compose {
  return parse(readFileSync(COMPOSE_FILE, 'utf8'), { merge: true }) as Compose
}

/** Names of the services that run this project's command, in an order in which each comes after those it depends on. */
export function partiesOf({ services }: Compose): string[] {
  const names: string[] = []
  const visit = (name: string): void => {
    const service = services[name]
    if (!service || names.includes(name)) return
    for (const other of Object.keys(service.depends_on ?? {})) visit(other)
    if (service.image === 'ctid') names.push(name)
  }
  for (const name of Object.keys(services)) visit(name)
  return names
}

/** Where a secret lies in its container. */
export function targetOf(target: string): string {
  return isAbsolute(target) ? target : `/run/secrets/${target}`
}

/** Where `prepare` puts the file of a secret, below its folder. */
export function fileOf(compose: Compose, source: string): string {
  const { file = '' } = compose.secrets[source] ?? {}
  return file.replace(/^\.\/secrets\//, '')
}

/** The command line with the values for its `${NAME:?…}`; a value that is missing is an error, as in compose. */
export function interpolate(args: readonly string[], values: Readonly<Record<string, string>>): string[] {
  return args.map((arg) =>
    arg.replace(/\$\{(\w+)(?::\?[^}]*)?\}/g, (_, name: string) => {
      const value = values[name]
      if (value === undefined) throw new Error(`${basename(COMPOSE_FILE)}: ${name} is not set`)
      return value
    }),
  )
}
