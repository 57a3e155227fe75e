// The attack the design answers: a plain hash of an ID number falls in a second to whoever knows the birth date; the same
// attacker, given the whole token database and k − 1 evaluator shares, finds nobody.
import { createHash, getHashes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  deriveAnchors,
  generateSectorKeys,
  inputElement,
  localEvaluator,
  sectorPoint,
  sectorToken,
} from '#ctid/token'
import { toHex } from '../../src/base/index.ts'
import { lagrangeAtZero, type Scalar, type Share } from '../../src/crypto/index.ts'
import { canonicalIdentity, residentCheckCharacter } from '../../src/identity/index.ts'
import { ceremony, seeded, sodium } from './fixtures.ts'

// The attacker knows the birth date and a few regions: 40 counties × 999 sequence numbers.
const BIRTH = '19870614'
const COUNTIES = Array.from({ length: 40 }, (_, i) => `3201${String(60 + i)}`)
const victimBody = `320199${BIRTH}427`
const victim = victimBody + residentCheckCharacter(victimBody)

function* guesses(counties = COUNTIES): Generator<string> {
  for (const county of counties) {
    for (let order = 1; order <= 999; order++) {
      const body = `${county}${BIRTH}${String(order).padStart(3, '0')}`
      yield body + residentCheckCharacter(body)
    }
  }
}

describe.each(['sm3', 'sha256'].filter((name) => getHashes().includes(name)))(
  'plain %s of an ID number',
  (name) => {
    it('is reversed within seconds', () => {
      const stored = createHash(name).update(victim).digest('hex')
      const start = performance.now()
      let found: string | undefined
      for (const guess of guesses()) {
        if (createHash(name).update(guess).digest('hex') === stored) {
          found = guess
          break
        }
      }
      expect(found).toBe(victim)
      expect(performance.now() - start).toBeLessThan(10_000)
    })
  },
)

describe('threshold token', async () => {
  const { keySet, shares } = ceremony(2, 3, 'attack')
  const identityOf = (documentNumber: string) =>
    canonicalIdentity({ documentType: 'resident-id', issuingState: 'CHN', documentNumber })
  const evaluators = shares.map((share) => localEvaluator(share, { group: sodium, random: seeded('e') }))
  const { anchors } = await deriveAnchors([identityOf(victim)], {
    keySet,
    group: sodium,
    random: seeded('r'),
    evaluators,
  })
  const anchor = anchors[0] ?? expect.unreachable()
  const sector = generateSectorKeys(sodium, { version: 1, random: seeded('sector') })
  const database = new Set([
    toHex(sectorToken(sector.tokenKey, sectorPoint(sodium, sector.x, anchor), { keyVersion: 1 })),
  ])

  // The attacker even stole the registry's own sector keys, so only the evaluators stand between it and the person.
  const tokenOf = (guess: string, key: Scalar) => {
    const point = sodium.multiply(key, inputElement(sodium, identityOf(guess)))
    return toHex(sectorToken(sector.tokenKey, sectorPoint(sodium, sector.x, point), { keyVersion: 1 }))
  }
  // Only the victim's county: the attacker is told everything but the sequence number.
  const search = (key: Scalar) =>
    [...guesses(['320199'])].filter((guess) => database.has(tokenOf(guess, key)))

  it('falls to t shares, which shows that the search below is a real one', () => {
    const weights = lagrangeAtZero(sodium, [1, 2])
    const key = shares
      .slice(0, 2)
      .map((share) => sodium.scalarMultiply(weights.get(share.id) as Scalar, share.secret))
      .reduce((a, b) => sodium.scalarAdd(a, b))
    expect(search(key)).toEqual([victim])
  })

  it('yields nothing to k − 1 shares, weighted as for any quorum or not at all', () => {
    const stolen = shares[0] as Share
    const keys = [
      stolen.secret,
      ...[2, 3].map((other) =>
        sodium.scalarMultiply(lagrangeAtZero(sodium, [1, other]).get(1) as Scalar, stolen.secret),
      ),
    ]
    for (const key of keys) expect(search(key)).toEqual([])
  })

  it('yields nothing by matching database entries against hashes of guesses', () => {
    for (const guess of guesses(['320199'])) {
      expect(database.has(createHash('sha256').update(guess).digest('hex'))).toBe(false)
      expect(database.has(createHash('sha256').update(identityOf(guess)).digest('hex'))).toBe(false)
    }
  })
})
