// Codes against real status list tokens: fetched whole, checked once, looked up by index, also with the network cut.

import { describe, expect, it } from 'vitest'
import { generateSigner } from '#ctid/crypto'
import { makeCode } from '#ctid/qr'
import {
  createStatusChecker,
  createStatusList,
  STATUS_INVALID,
  STATUS_SUSPENDED,
  setStatus,
  signStatusToken,
} from '#ctid/status'
import { statusLookup, type Verdict, verifyCode } from '#ctid/verifier'
import { attest, gate, holder, issuer, NOW } from './scene.ts'

const uri = 'https://issuer.example/status/7'
const list = createStatusList(8192, 2)
setStatus(list, 5, STATUS_INVALID)
setStatus(list, 6, STATUS_SUSPENDED)
setStatus(list, 7, 3)
const times = { uri, now: NOW - 60, expiresInSeconds: 7200, ttlSeconds: 300 }
const token = await signStatusToken(list, issuer, times)

function scene(fetchToken: (asked: string) => Promise<string>) {
  let now = NOW
  const clock = () => now
  const checker = createStatusChecker({ fetchToken, clock, staleWhenUnreachable: true })
  const context = gate({ status: statusLookup(checker), clock })
  return async (index: number, at = NOW) => {
    now = at
    const attestation = await attest({ status: { list: 7, index } })
    return verifyCode(await makeCode(attestation, holder, { now }), context)
  }
}

const statusResults = (checks: Verdict['checks']) =>
  checks.filter(({ name }) => name.startsWith('status')).map(({ result }) => result)

describe('status of a code', () => {
  it('is decided by the signed list alone, which is asked for without the index', async () => {
    const asked: string[] = []
    const verify = scene(async (address) => {
      asked.push(address)
      return token
    })
    expect((await verify(4)).ok).toBe(true)
    expect((await verify(5)).code).toBe('ERR_VERIFIER_REVOKED')
    expect((await verify(6)).code).toBe('ERR_VERIFIER_SUSPENDED')
    // The list is right; it is the copy that it speaks against.
    const { code, checks } = await verify(7)
    expect(code).toBe('ERR_STATUS_UNKNOWN')
    expect(statusResults(checks)).toEqual(['passed', 'failed'])
    const outside = await verify(8192)
    expect(outside.code).toBe('ERR_STATUS_INDEX')
    expect(statusResults(outside.checks)).toEqual(['failed', 'not-executed'])
    expect(asked).toEqual([uri])
  })

  it('is not taken from a list that a stranger signed', async () => {
    const foreign = await signStatusToken(createStatusList(8192, 2), await generateSigner(), times)
    expect((await scene(async () => foreign)(4)).code).toBe('ERR_STATUS_LIST_SIGNER')
  })

  it('stays known with the network cut until the list ends', async () => {
    let isOnline = true
    const verify = scene(async () => {
      if (!isOnline) throw new Error('network')
      return token
    })
    expect((await verify(4)).ok).toBe(true)
    isOnline = false
    expect((await verify(4, NOW + 3600)).ok).toBe(true)
    expect((await verify(5, NOW + 3600)).code).toBe('ERR_VERIFIER_REVOKED')
    expect((await verify(4, NOW + 7200)).ok).toBe(false)
  })

  it('is not executed when there never was a list', async () => {
    const verdict = await scene(() => Promise.reject(new Error('network')))(4)
    expect(verdict).toMatchObject({ ok: false, code: 'ERR_VERIFIER_INCOMPLETE' })
    expect(statusResults(verdict.checks)).toEqual(['not-executed', 'not-executed'])
  })
})
