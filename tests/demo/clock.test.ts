// A page says that its device's clock is wrong only when the answer's date leaves no doubt, however slow the answer was.
import { describe, expect, it } from 'vitest'
import { noteDate, onWrongClock } from '../../demo/ui/clock.ts'

describe('the clock of this device', () => {
  const date = 'Sun, 29 Nov 2026 06:00:00 GMT'
  const at = Date.parse(date)

  it('is told when it is ahead or behind, and again when it is right; a slow answer proves nothing', () => {
    const told: number[] = []
    onWrongClock((seconds) => told.push(seconds))
    noteDate(date, at - 14_000, at - 14_000)
    noteDate(date, at + 15_900, at + 16_000)
    noteDate(date, at - 50_000, at + 3_000)
    noteDate(date, at, at + 50_000)
    noteDate(null, 0, 0)
    noteDate('no date', 0, 0)
    expect(told).toEqual([])
    noteDate(date, at - 41_000, at - 40_000)
    noteDate(date, at - 41_000, at - 40_000)
    noteDate(date, at + 301_000, at + 302_000)
    noteDate(date, at, at + 10)
    expect(told).toEqual([-40, 300, 0])
  })
})
