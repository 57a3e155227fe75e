// The published certificate chains, made with another library: each is accepted, or refused with the stated code.
import { describe, expect, it } from 'vitest'
import { CtidError } from '#ctid/base'
import { chainResolver } from '../../src/trust/node.ts'
import file from '../vectors/certificate-chains.json' with { type: 'json' }

type Case = { readonly name: string; readonly x5c: string[]; readonly iss?: string; readonly code?: string }

const certificates: { readonly [name: string]: string } = file.certificates
const anchors = file.anchors.map((name) => Buffer.from(certificates[name] as string, 'base64'))
const resolve = chainResolver({ anchors: () => anchors, acceptedUsages: file.acceptedUsages })

async function judge({ x5c, iss }: Case): Promise<string | undefined> {
  try {
    const signer = await resolve({ x5c: x5c.map((name) => certificates[name] as string) }, file.now)
    return iss === undefined || signer.speaksFor(iss) ? undefined : 'ERR_CREDENTIAL_ISSUER'
  } catch (error) {
    return error instanceof CtidError ? error.code : String(error)
  }
}

describe('the published certificate chains', () => {
  it.each(file.cases as Case[])('$name', async (one) => {
    expect(await judge(one)).toBe(one.code)
  })
})
