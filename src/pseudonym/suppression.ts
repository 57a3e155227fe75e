// Complementary suppression: a department that knows the total of a line of the table, because all its people are in the
// join, could subtract the cells that are shown from it. So no line keeps exactly one cell back.

/**
 * Suppresses further cells, the smallest first, until in every line of the table (all values of one dimension, those of the
 * others fixed) none or at least two are suppressed.
 *
 * @param suppressed by cell, the last dimension running fastest
 * @param sizes number of values of each dimension
 */
export function withComplements(
  suppressed: readonly boolean[],
  counts: readonly number[],
  sizes: readonly number[],
): boolean[] {
  const out = [...suppressed]
  const all = linesOf(sizes)
  for (let isStable = false; !isStable; ) {
    isStable = true
    for (const line of all) {
      const shown = line.filter((cell) => !out[cell])
      if (line.length - shown.length !== 1 || shown.length === 0) continue
      out[smallest(shown, counts)] = true
      isStable = false
    }
  }
  return out
}

function linesOf(sizes: readonly number[]): number[][] {
  const total = sizes.reduce((product, size) => product * size, 1)
  const lines: number[][] = []
  let stride = total
  for (const size of sizes) {
    stride /= size
    for (let start = 0; start < total; start++) {
      if (Math.floor(start / stride) % size !== 0) continue
      lines.push(Array.from({ length: size }, (_, i) => start + i * stride))
    }
  }
  return lines
}

function smallest(cells: readonly number[], counts: readonly number[]): number {
  return cells.reduce((least, cell) => ((counts[cell] ?? 0) < (counts[least] ?? 0) ? cell : least))
}
