// A party that cannot be opened whole leaves nothing open.

/** Runs `open`; when it fails, `close`. */
export async function orClose<T>(close: () => Promise<void>, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    await close()
    throw error
  }
}
