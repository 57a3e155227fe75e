// Henan, June 2022: 1,317 bank depositors were turned red by order. Here: what officials can do with which keys, and
// what everybody else can see of it. Synthetic people.
import { beforeAll, describe, expect, test } from 'vitest'
import { DAY, HOUR, type Json } from '#ctid/base'
import { generateSigner, type Signer } from '#ctid/crypto'
import {
  agreesWith,
  derivationDigest,
  derive,
  type Evidence,
  endorseSourceRegister,
  findAnomalies,
  openSourceRegister,
  parseAuditBundle,
  parseRuleSet,
  type RuleSet,
  recordDerivation,
  replay,
  type Source,
  type SourceRegister,
  signEvidence,
  signManualEntry,
  signRuleSet,
  signSourceRegister,
  sourceLookup,
  sourceRegisterHash,
  teachingEdition,
  verifyEvidence,
} from '#ctid/health'
import { keyId } from '#ctid/trust'
import { makeWorld, NOW, pseudonym, REGION, seeded, type World } from './people.ts'

const rules = teachingEdition(NOW)
const random = seeded(3)
let world: World
/** The officials' own key, and with it everybody's but the sources': publisher, rules, issuer, officers, intake. */
let officials: Signer

beforeAll(async () => {
  world = await makeWorld()
  officials = await generateSigner()
})

const declared = (n: number): Promise<Evidence> =>
  world.sign('intake', pseudonym(n), { class: 'symptom', data: { state: 'none' } })
const contactClaims = (n: number) =>
  ({
    subject: pseudonym(n),
    at: NOW,
    issuedAt: NOW,
    expiresAt: NOW + 20 * DAY,
    region: REGION,
    precision: { seconds: 0 },
    class: 'contact',
    data: { kind: 'close' },
  }) as const

describe('with every key but the evidence sources’', () => {
  test('unsigned, self-signed or out-of-scope evidence is refused', async () => {
    const options = { sources: world.lookup, now: NOW }
    const forged = await signEvidence(contactClaims(1), officials, { sourceId: 'tracing', random })
    await expect(verifyEvidence(forged, options)).rejects.toMatchObject({ code: 'ERR_HEALTH_SOURCE' })
    // The declaration desk is theirs, but may speak of declarations only.
    const beyond = await signEvidence(contactClaims(1), world.signers['intake'] as Signer, {
      sourceId: 'intake',
      random,
    })
    await expect(verifyEvidence(beyond, options)).rejects.toMatchObject({ code: 'ERR_HEALTH_SOURCE' })
    const borrowed = await signEvidence(contactClaims(1), world.signers['intake'] as Signer, {
      sourceId: 'tracing',
      random,
    })
    await expect(verifyEvidence(borrowed, options)).rejects.toMatchObject({ code: 'ERR_HEALTH_SOURCE' })
  })

  test('no rule set that passes publication turns people red who have no grave finding', async () => {
    const everybody = { ...rules, rules: [{ ...rules.rules[0], when: true }] } as unknown as RuleSet
    await expect(signRuleSet(everybody, officials)).rejects.toMatchObject({ code: 'ERR_HEALTH_RULE' })
    const ofDeclaring = { ...rules, rules: [{ ...rules.rules[0], when: { var: 'declaration.madeAt' } }] }
    expect(() => parseRuleSet(ofDeclaring as unknown as Json)).toThrow(
      expect.objectContaining({ code: 'ERR_HEALTH_RULE' }),
    )
    for (const set of [everybody, ofDeclaring as unknown as RuleSet])
      expect(derive([await declared(1)], set, NOW).colour).not.toBe('red')
  })

  test('two officers can enter a notice: yellow at most, for three days, under both names; two of one office cannot', async () => {
    const notice = {
      ...contactClaims(1),
      class: 'manual',
      data: { reason: 'contact-notice-by-telephone' },
      expiresAt: NOW + 72 * HOUR,
    } as const
    const officer = (id: string): Signer => world.signers[id] as Signer
    const text = await signManualEntry(notice, [officer('officer-a'), officer('officer-b')], { random })
    const entry = await verifyEvidence(text, { sources: world.lookup, now: NOW })
    expect(entry.source).toBe('officer-a+officer-b')
    expect(derive([await declared(1), entry], rules, NOW).colour).not.toBe('red')
    const options = { sources: world.lookup, now: NOW }
    const same = await signManualEntry(notice, [officer('officer-a'), officer('officer-c')], { random })
    await expect(verifyEvidence(same, options)).rejects.toMatchObject({ code: 'ERR_HEALTH_MANUAL_ENTRY' })
    const long = await signManualEntry(
      { ...notice, expiresAt: NOW + 80 * HOUR },
      [officer('officer-a'), officer('officer-b')],
      { random },
    )
    await expect(verifyEvidence(long, options)).rejects.toMatchObject({ code: 'ERR_HEALTH_TIME' })
    await expect(verifyEvidence(text.split('~')[0] as string, options)).rejects.toMatchObject({
      code: 'ERR_HEALTH_MANUAL_ENTRY',
    })
    const different = await signManualEntry(
      { ...notice, subject: pseudonym(2) },
      [officer('officer-b'), officer('officer-a')],
      { random },
    )
    await expect(
      verifyEvidence(`${text.split('~')[0]}~${different.split('~')[0]}`, options),
    ).rejects.toMatchObject({ code: 'ERR_HEALTH_MANUAL_ENTRY' })
  })

  test('they cannot make themselves a source: a register grows only with a source’s endorsement', async () => {
    const publisher = officials.publicJwk
    const first = await openSourceRegister(
      { register: await signSourceRegister(world.register, officials), endorsements: [] },
      { publisher, previous: { firstHash: sourceRegisterHash(world.register) } },
    )
    const own: Source = {
      ...(world.register.sources[0] as Source),
      id: 'special-office',
      classes: ['contact'],
      keys: [{ kid: keyId(officials.publicJwk), jwk: officials.publicJwk, notBefore: 0, notAfter: NOW * 2 }],
    }
    const next: SourceRegister = {
      ...first,
      version: 2,
      previous: sourceRegisterHash(first),
      sources: [...first.sources, own],
    }
    const open = async (register: SourceRegister, ...endorsers: Signer[]): Promise<SourceRegister> =>
      openSourceRegister(
        {
          register: await signSourceRegister(register, officials),
          endorsements: await Promise.all(endorsers.map((signer) => endorseSourceRegister(register, signer))),
        },
        { publisher, previous: first },
      )
    const signer = (id: string): Signer => world.signers[id] as Signer
    await expect(open(next)).rejects.toMatchObject({ code: 'ERR_HEALTH_SOURCE' })
    await expect(open(next, officials, signer('officer-a'))).rejects.toMatchObject({
      code: 'ERR_HEALTH_SOURCE',
    })
    expect((await open(next, signer('lab'))).sources).toHaveLength(first.sources.length + 1)
    const fewer = { ...next, sources: first.sources.slice(1) }
    expect((await open(fewer)).sources).toHaveLength(first.sources.length - 1)
    await expect(open({ ...next, version: 3 }, signer('lab'))).rejects.toMatchObject({
      code: 'ERR_HEALTH_SOURCE',
    })
  })

  test('a red that the issuer simply signs: the wallet disagrees and makes no code, and the replay reports it', async () => {
    const evidence = [await declared(1)]
    const honest = derive(evidence, rules, NOW)
    const ordered = { ...honest, colour: 'red' as const, until: NOW + 7 * DAY }
    const agreement = agreesWith({ ...ordered }, evidence, rules, NOW)
    expect(agreement).toMatchObject({
      agrees: false,
      differences: ['colour', 'until'],
      own: { colour: 'green' },
    })
    const record = recordDerivation(ordered, random)
    const bundle = {
      ruleSets: [rules],
      records: [record],
      digests: [derivationDigest(record)],
      openings: evidence.map(({ text }) => text),
    }
    expect((await replay(bundle, world.lookup)).findings).toMatchObject([
      { what: 'colour-does-not-follow', detail: 'red on record, green by the rules', sources: ['intake'] },
    ])
  })

  test('nor do borrowed evidence, hidden evidence, hidden records or unknown rules get past the replay', async () => {
    const evidence = [await declared(1)]
    const contact = await world.sign('tracing', pseudonym(2), { class: 'contact', data: { kind: 'close' } })
    const mixed = recordDerivation(derive([...evidence, contact], rules, NOW), random)
    const openings = [...evidence, contact].map(({ text }) => text)
    const judge = async (
      records: (typeof mixed)[],
      digests: string[],
      texts: string[],
      sets = [rules],
    ): Promise<string[]> =>
      (await replay({ ruleSets: sets, records, digests, openings: texts }, world.lookup)).findings.map(
        ({ what }) => what,
      )
    const digest = derivationDigest(mixed)
    expect(mixed.colour).toBe('red')
    expect(await judge([mixed], [digest], openings)).toEqual(['evidence-of-several-people'])
    expect(await judge([mixed], [digest], [])).toEqual(['evidence-not-opened', 'evidence-not-opened'])
    expect(await judge([], [digest], openings)).toEqual(['record-missing'])
    expect(await judge([mixed], [], openings)).toContain('record-not-logged')
    expect(await judge([mixed], [digest], openings, [])).toEqual(['rules-unknown'])
    const honest = recordDerivation(derive(evidence, rules, NOW), random)
    expect(await judge([honest], [derivationDigest(honest)], openings)).toEqual([])
    const retold = { ...honest, reasons: ['R4'] }
    expect(await judge([retold], [derivationDigest(retold)], openings)).toEqual(['reasons-do-not-follow'])
  })

  test('a release that the authority had and forgot again is found, whatever the order of the records', async () => {
    const positive = await world.sign('lab', pseudonym(1), {
      class: 'test',
      data: { kind: 'antigen', result: 'positive' },
    })
    const review = await world.sign(
      'lab',
      pseudonym(1),
      { class: 'test', data: { kind: 'naat', result: 'negative' } },
      { at: NOW + HOUR, issuedAt: NOW + HOUR },
    )
    const all = [await declared(1), positive, review]
    const at = (hours: number, evidence: Evidence[]) =>
      recordDerivation(derive(evidence, rules, NOW + hours * HOUR), random)
    const released = at(2, all)
    const painted = at(3, all.slice(0, 2))
    const records = [painted, released]
    const bundle = {
      ruleSets: [rules],
      records,
      digests: records.map(derivationDigest),
      openings: all.map(({ text }) => text),
    }
    expect([released.colour, painted.colour]).toEqual(['green', 'red'])
    expect((await replay(bundle, world.lookup)).findings).toMatchObject([
      { digest: derivationDigest(painted), what: 'evidence-left-out', sources: ['lab'] },
    ])
    // Of two records of one second neither is the later.
    const together = [at(2, all.slice(0, 2)), released]
    for (const same of [together, together.toReversed()]) {
      const digests = same.map(derivationDigest)
      expect((await replay({ ...bundle, records: same, digests }, world.lookup)).findings).toEqual([])
    }
    // What has expired since may be gone.
    const later = at(24 * 40, [])
    const expired = {
      ...bundle,
      records: [later, released],
      digests: [later, released].map(derivationDigest),
    }
    expect((await replay(expired, world.lookup)).findings).toEqual([])
  })

  test('a bundle of another form is refused, not replayed', () => {
    const record = recordDerivation(derive([], rules, NOW), random)
    const bundle = { ruleSets: [rules], records: [record], digests: [], openings: [] } as unknown as Json
    expect(parseAuditBundle(bundle).records).toEqual([record])
    for (const change of [
      { records: [null] },
      { records: [{ ...record, at: 'now' }] },
      { records: [{ ...record, colour: 'blue' }] },
      { records: [{ ...record, evidence: 'x' }] },
      { records: [{ ...record, name: 'more' }] },
      { openings: [5] },
      { digests: 'x' },
    ])
      expect(() => parseAuditBundle({ ...(bundle as object), ...change } as unknown as Json)).toThrow(
        expect.objectContaining({ code: 'ERR_HEALTH_BUNDLE' }),
      )
    expect(() => parseAuditBundle([])).toThrow(expect.objectContaining({ code: 'ERR_HEALTH_BUNDLE' }))
  })
})

describe('with one source’s key', () => {
  const DEPOSITORS = 60

  test('they can turn people red, and the report names the source, the reason and the number', async () => {
    const evidence: Evidence[] = []
    for (let n = 0; n < DEPOSITORS; n++) {
      const subject = pseudonym(1000 + n)
      // Depositors from all over the country: each from another county, seen by nobody else.
      const area = String(110_000 + n * 101)
      evidence.push(
        await world.sign('intake', subject, { class: 'residence', data: { area } }, { at: NOW - 3 * DAY }),
      )
      evidence.push(
        await world.sign(
          'tracing',
          subject,
          { class: 'contact', data: { kind: 'close' } },
          { at: NOW + n * 60 },
        ),
      )
    }
    expect(derive(evidence.slice(0, 2), rules, NOW + HOUR).colour).toBe('red')
    expect(findAnomalies(evidence)).toMatchObject([
      { source: 'tracing', reason: 'contact:close', people: DEPOSITORS, share: 0 },
    ])
  })

  test('an outbreak of the same size is none: they share a place', async () => {
    const evidence: Evidence[] = []
    for (let n = 0; n < DEPOSITORS; n++) {
      const subject = pseudonym(3000 + n)
      const area = n % 5 === 0 ? String(110_000 + n * 101) : '330106'
      evidence.push(
        await world.sign('intake', subject, { class: 'trip', data: { area } }, { at: NOW - 3 * DAY }),
      )
      evidence.push(
        await world.sign(
          'tracing',
          subject,
          { class: 'contact', data: { kind: 'close' } },
          { at: NOW + n * 60 },
        ),
      )
    }
    expect(findAnomalies(evidence)).toEqual([])
    expect(findAnomalies(evidence, { minShare: 0.9 })).toMatchObject([
      { share: 0.8, sharedFact: 'trip:330106' },
    ])
  })

  test('a key taken out of the register counts no more', async () => {
    const contact = await world.sign('tracing', pseudonym(1), { class: 'contact', data: { kind: 'close' } })
    const without = {
      ...world.register,
      sources: world.register.sources.filter(({ id }) => id !== 'tracing'),
    }
    await expect(
      verifyEvidence(contact.text, { sources: sourceLookup(without), now: NOW }),
    ).rejects.toMatchObject({ code: 'ERR_HEALTH_SOURCE' })
  })
})
