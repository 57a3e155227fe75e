// What the commands that serve have in common: a port, who can reach it, and the profile's check list.
import { CtidError } from '../base/index.ts'
import { createApp, listen } from '../http/index.ts'
import type { HaipCheck } from '../openid/index.ts'
import { type Io, table } from './command.ts'

/** A port number; 0 becomes a port that is free now, so that it can be named in addresses before listening. */
export async function parsePort(text: string, host: string): Promise<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new CtidError('ERR_CLI_USAGE', { detail: '--port' })
  if (port > 0) return port
  const probe = await listen(createApp({ routers: [] }), { host })
  await probe.close()
  return probe.port
}

/** Whether a service on this address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** Prints a HAIP check list as remarks: what is not met on a laptop is mostly TLS. */
export function reportHaip(checks: readonly HaipCheck[], io: Io): void {
  const rows = checks.map(({ section, requirement, met }) => [met ? '✓' : '✗', section, requirement])
  for (const line of table([['HAIP 1.0', '', ''], ...rows])) io.err(line)
}
