// The fact record: its loader agrees with its schema, and no group leaks from one person into the next.
import { expect, test } from 'vitest'
import { makeLoader } from '../../src/health/certlogic/layout.ts'
import {
  emptyFacts,
  emptyGroup,
  FACT_PATHS,
  FactFrame,
  type FactGroup,
  type FactRecord,
  factLayout,
  GRAVE,
  RESTRICTIVE,
} from '../../src/health/facts.ts'

const layout = factLayout()
const all = (): FactFrame => new FactFrame(layout.paths.length, layout.paths)

test('every path has its slot: the fast loader fills what the general one fills', () => {
  const general = all()
  const fast = all()
  for (const [i, path] of FACT_PATHS.entries()) {
    const [group, member] = path.split('.') as [FactGroup, string]
    const record = {
      ...emptyFacts('2026-11-24T00:00:00Z'),
      [group]: { ...emptyGroup(group), [member]: `value ${i}` },
    } as FactRecord
    makeLoader(layout)(general, record)
    fast.load(record)
    expect(fast.slots, path).toEqual(general.slots)
    expect(fast.present, path).toBe(1 << layout.slotOf(path))
  }
})

test('the next person starts afresh', () => {
  const frame = all()
  frame.load({ ...emptyFacts('x'), contact: { ...emptyGroup('contact'), closeAt: '2026-11-20T00:00:00Z' } })
  frame.load(emptyFacts('x'))
  expect(frame.present).toBe(0)
  expect(frame.slots.filter((value) => value !== null)).toEqual(['x'])
})

test('facts fit the 30 bits of a trace, and grave facts are among the restrictive', () => {
  expect(layout.paths.length).toBeLessThanOrEqual(30)
  for (const path of GRAVE) expect(RESTRICTIVE.has(path)).toBe(true)
  for (const path of RESTRICTIVE) expect(FACT_PATHS).toContain(path)
})
