// ECVRF-EDWARDS25519-SHA512-TAI against examples 16, 17 and 18 of RFC 9381, and against keys and proofs that must fail.

import { describe, expect, it } from 'vitest'
import { vrfKey, vrfOutput, vrfVerify } from '#ctid/transparency'

const VECTORS = [
  {
    sk: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    pk: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    alpha: '',
    pi: '8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805',
    beta: '90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae',
  },
  {
    sk: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    pk: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    alpha: '72',
    pi: 'f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02',
    beta: 'eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031',
  },
  {
    sk: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    pk: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    alpha: 'af82',
    pi: '9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e',
    beta: '645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f',
  },
]
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')

describe('RFC 9381 appendix B.3', () => {
  it.each(VECTORS)(
    'input "$alpha": key, proof and output are those of the RFC',
    ({ sk, pk, alpha, pi, beta }) => {
      const key = vrfKey(bytes(sk))
      expect(hex(key.publicKey)).toBe(pk)
      expect(hex(key.prove(bytes(alpha)))).toBe(pi)
      expect(hex(vrfOutput(bytes(pi)))).toBe(beta)
      expect(hex(vrfVerify(bytes(pk), bytes(alpha), bytes(pi)))).toBe(beta)
    },
  )
})

describe('what must fail', () => {
  const { pk, alpha, pi } = VECTORS[2] as (typeof VECTORS)[number]
  const refused = expect.objectContaining({ code: 'ERR_LOG_VRF' })

  it('any altered byte of the proof, another input, another key', () => {
    for (const position of [0, 15, 31, 32, 40, 47, 48, 60, 79]) {
      const altered = bytes(pi)
      altered[position] = (altered[position] as number) ^ 1
      expect(() => vrfVerify(bytes(pk), bytes(alpha), altered)).toThrow(refused)
    }
    expect(() => vrfVerify(bytes(pk), bytes('af83'), bytes(pi))).toThrow(refused)
    expect(() => vrfVerify(bytes(VECTORS[0]?.pk ?? ''), bytes(alpha), bytes(pi))).toThrow(refused)
  })

  it('lengths, and a scalar that is not reduced', () => {
    expect(() => vrfVerify(bytes(pk), bytes(alpha), bytes(pi).slice(1))).toThrow(refused)
    expect(() => vrfVerify(bytes(pk).slice(1), bytes(alpha), bytes(pi))).toThrow(refused)
    expect(() => vrfKey(new Uint8Array(31))).toThrow(refused)
    const order = bytes('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
    const unreduced = bytes(pi)
    unreduced.set(order, 48)
    expect(() => vrfVerify(bytes(pk), bytes(alpha), unreduced)).toThrow(refused)
  })

  it.each([
    ['the identity', '0100000000000000000000000000000000000000000000000000000000000000'],
    ['order 2', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['order 4', '0000000000000000000000000000000000000000000000000000000000000000'],
    ['order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['not canonical', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ])('a key that is %s (validate_key): it could have one output for all inputs', (_, key) => {
    // With such a key, gamma = identity, c and s chosen freely would pass without the check.
    expect(() => vrfVerify(bytes(key), bytes(alpha), bytes(pi))).toThrow(refused)
  })
})
