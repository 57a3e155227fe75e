// compose.yaml keeps its promises without a container engine: commands that exist with options that exist, each secret with the
// parties that may have it, networks that keep parties apart, nothing that writes outside its volume. That the command lines
// work is shown by topology.test.ts, which starts them.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMPOSE_FILE, interpolate, partiesOf, readCompose, targetOf } from '../../demo/topology/compose.ts'
import type { Io } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands/index.ts'

const compose = readCompose()
const services = Object.entries(compose.services)
const parties = partiesOf(compose)
const networksOf = (name: string): string[] => {
  const { networks = [] } = compose.services[name] ?? {}
  return Array.isArray(networks) ? [...networks] : Object.keys(networks)
}
const reaches = (one: string, other: string) => networksOf(one).some((net) => networksOf(other).includes(net))
const values = { LOG_KEY: 'log', WITNESS_1_KEY: 'one', WITNESS_2_KEY: 'two', WITNESS_3_KEY: 'three' }
const io: Io = {
  out: () => {},
  err: () => {},
  isTerminal: false,
  env: {},
  readStdin: async () => '',
  untilStopped: async () => {},
}

describe('compose.yaml', () => {
  it('has the separated parties, and starts each after those it needs', () => {
    const count = (prefix: string) => services.filter(([name]) => name.startsWith(prefix)).length
    expect([count('evaluator-'), count('verifier-'), count('witness-'), count('standby-')]).toEqual([
      3, 2, 3, 2,
    ])
    expect(parties).toEqual(expect.arrayContaining(['registrar', 'issuer', 'log']))
    expect(compose.services).toHaveProperty('primary')
    for (const [i, name] of parties.entries()) {
      const needed = Object.entries(compose.services[name]?.depends_on ?? {})
      for (const [other, { condition }] of needed) {
        expect(condition).toBe('service_healthy')
        if (parties.includes(other)) expect(parties.indexOf(other), `${name} after ${other}`).toBeLessThan(i)
      }
    }
  })

  it.each(parties)('%s is started with options that its command has', async (name) => {
    const [command = '', ...rest] = interpolate(compose.services[name]?.command ?? [], values)
    // One worker: more would be processes forked from this one.
    const args = rest.map((arg, i) => (rest[i - 1] === '--workers' ? '1' : arg))
    const found = await commands.get(command)?.()
    if (!found) throw new Error(`no command ${command}`)
    // The files are not there, so it fails; but not over its command line.
    const failure = await found.run(args, io).then(
      () => undefined,
      (error: { code?: string }) => error.code,
    )
    expect(failure).toMatch(/^ERR_(?!CLI_USAGE|PARSE_ARGS)/)
    const wrong = await found
      .run([...args, '--no-such-option'], io)
      .catch((error: { code?: string }) => error.code)
    expect(wrong).toMatch(/^ERR_(PARSE_ARGS|CLI_USAGE)/)
  })

  it('reads no file but what is mounted: secrets, and a volume of its own', () => {
    for (const name of parties) {
      const { command = [], secrets = [], volumes = [] } = compose.services[name] ?? {}
      const targets = secrets.map(({ target }) => targetOf(target))
      for (const arg of command) {
        const path = /\/(?:run|var)\/[^\s]*/.exec(arg)?.[0]
        if (path === undefined) continue
        const isSecret = targets.some((target) => target === path || target.startsWith(`${path}/`))
        const isVolume = volumes.some((volume) => path.startsWith(`${volume.split(':')[1]}/`))
        expect(isSecret || isVolume, `${name}: ${arg}`).toBe(true)
      }
    }
  })

  it('allows plain http to other machines where the command would refuse it, and for closed networks alone', () => {
    for (const name of parties) {
      const { command = [] } = compose.services[name] ?? {}
      const plain = command.flatMap(
        (arg) => /^--(?:evaluator=\d+|issuer)=http:\/\/([\w-]+)/.exec(arg)?.[1] ?? [],
      )
      expect(command.includes('--closed-network'), name).toBe(plain.length > 0)
      for (const other of plain) {
        const shared = networksOf(name).filter((network) => networksOf(other).includes(network))
        expect(
          shared.some((network) => compose.networks[network]?.internal),
          `${name} ${other}`,
        ).toBe(true)
      }
    }
  })

  it('gives each secret to the parties that may have it', () => {
    const holders = new Map<string, string[]>()
    for (const [name, { secrets = [] }] of services) {
      for (const { source } of secrets) holders.set(source, [...(holders.get(source) ?? []), name])
    }
    expect(Object.fromEntries(holders)).toEqual({
      'evaluator-1-share': ['evaluator-1'],
      'evaluator-2-share': ['evaluator-2'],
      'evaluator-3-share': ['evaluator-3'],
      'witness-1-key': ['witness-1'],
      'witness-2-key': ['witness-2'],
      'witness-3-key': ['witness-3'],
      'log-key': ['log'],
      'log-token': ['log', 'registrar'],
      'issuer-log-token': ['log', 'issuer'],
      'trust-anchor': ['verifier-1', 'verifier-2'],
      'tls-certificate': ['proxy', 'verifier-1', 'verifier-2'],
      'tls-key': ['proxy'],
      'database-superuser': ['primary'],
      'database-replication': ['primary', 'standby-1', 'standby-2'],
      'database-ctid': ['primary'],
      'database-issuer': ['primary'],
      // What opens records and what signs lie in different processes.
      ...Object.fromEntries(
        ['callers', 'issuer', 'pki', 'anchor', 'pgpass'].map((name) => [`issuer-${name}`, ['issuer']]),
      ),
      ...Object.fromEntries(
        [
          'callers',
          'evaluators',
          'ceremony',
          'registrar',
          'registry',
          'vault',
          'issuer-caller',
          'log-keys',
          'pgpass',
        ].map((name) => [`registrar-${name}`, ['registrar']]),
      ),
    })
    expect([...holders.keys()].sort()).toEqual(Object.keys(compose.secrets).sort())
    // A secret's folder names whose it is: nothing of a registrar in an evaluator's, whatever the secret is called.
    for (const [source, names] of holders) {
      const owner = compose.secrets[source]?.file.split('/')[2]
      if (owner === 'published' || owner === 'database') continue
      expect(names, source).toContain(owner)
    }
  })

  it('keeps parties apart', () => {
    const pairs = services.flatMap(([one], i) =>
      services.slice(i + 1).map(([other]) => [one, other] as const),
    )
    const together = pairs
      .filter(([one, other]) => reaches(one, other))
      .map((pair) => [...pair].sort().join(' '))
    expect(together.sort()).toEqual(
      [
        ...['evaluator-1', 'evaluator-2', 'evaluator-3', 'issuer', 'log', 'verifier-1', 'verifier-2'].map(
          (name) => [name, 'registrar'].sort().join(' '),
        ),
        ...['log', 'proxy', 'verifier-1', 'verifier-2'].map((name) => `issuer ${name}`),
        ...['primary', 'standby-1', 'standby-2'].map((name) => `issuer ${name}`),
        ...['witness-1', 'witness-2', 'witness-3', 'verifier-1', 'verifier-2'].map((name) => `log ${name}`),
        'verifier-1 verifier-2',
        ...['log', 'registrar', 'verifier-1', 'verifier-2'].map((name) => [name, 'proxy'].sort().join(' ')),
        ...['primary', 'standby-1', 'standby-2'].map((name) => [name, 'registrar'].sort().join(' ')),
        'primary standby-1',
        'primary standby-2',
        'standby-1 standby-2',
      ].sort(),
    )
    const open = Object.entries(compose.networks).filter(([, network]) => network?.internal !== true)
    expect(open.map(([name]) => name)).toEqual(['edge'])
    for (const [name] of services) {
      if (!['registrar', 'issuer', 'log', 'proxy', 'verifier-1', 'verifier-2'].includes(name))
        expect(networksOf(name)).not.toContain('edge')
    }
  })

  it.each(services.map(([name]) => name))(
    '%s runs without privileges, read-only, and says how it is',
    (name) => {
      const service = compose.services[name]
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
      expect(service?.user).toMatch(/^(1000:1000|101:101|postgres)$/)
      expect(service?.healthcheck?.test.length).toBeGreaterThan(1)
    },
  )

  it('publishes ports on this machine only, each once, and shares no volume', () => {
    const ports = services.flatMap(([, { ports: published = [] }]) => published)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:(8080|443)$/)
    expect(new Set(ports).size).toBe(ports.length)
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes)
    const named = mounts.filter((mount) => !mount.startsWith('./')).map((mount) => mount.split(':')[0])
    expect([...named].sort()).toEqual(Object.keys(compose.volumes).sort())
    for (const mount of mounts.filter((one) => one.startsWith('./'))) {
      expect(existsSync(join(dirname(COMPOSE_FILE), mount.split(':')[0] ?? '')), mount).toBe(true)
    }
  })

  it('builds an image of files that exist, and copies no key into it', () => {
    const folder = dirname(COMPOSE_FILE)
    const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
      (match[1] ?? '').split(' '),
    )
    const admitted = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8')
    expect(copied.length).toBeGreaterThan(0)
    for (const name of copied) {
      expect(existsSync(join(folder, '../..', name)), name).toBe(true)
      expect(admitted.split('\n'), name).toContain(`!${name}`)
    }
    expect(admitted.split('\n')).toContain('*')
  })
})
