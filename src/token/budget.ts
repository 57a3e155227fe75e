// Evaluator: how many evaluations a caller may have, as a token bucket. Pure: the clock is passed in.

/** A caller's allowance. An online guess costs one element, so this bounds guessing. */
export type Allowance = {
  /** Elements that may be used at once. At least the largest batch the caller will send. */
  readonly burst: number
  /** Elements that come back in an hour. */
  readonly perHour: number
}

/** A caller's bucket at a time; a new caller starts full. */
export type Bucket = { readonly level: number; readonly at: number }

export type Spending =
  | { readonly allowed: true; readonly bucket: Bucket }
  | { readonly allowed: false; readonly bucket: Bucket; readonly retryAfterSeconds: number }

/** Takes `elements` from a bucket, or says after how many seconds there will be enough. A clock that steps back adds nothing. */
export function spend(
  bucket: Bucket | undefined,
  elements: number,
  options: { readonly allowance: Allowance; readonly now: number },
): Spending {
  const { allowance, now } = options
  const filled = refill(bucket, allowance, now)
  if (elements <= filled.level) {
    return { allowed: true, bucket: { level: filled.level - elements, at: filled.at } }
  }
  const missing = elements - filled.level
  const retryAfterSeconds =
    elements > allowance.burst || allowance.perHour <= 0
      ? 86_400
      : Math.max(1, Math.ceil((missing * 3600) / allowance.perHour))
  return { allowed: false, bucket: filled, retryAfterSeconds }
}

/** As {@link spend} for a request that was already answered: the level may fall to zero, never below. */
export function replay(
  bucket: Bucket | undefined,
  elements: number,
  options: { readonly allowance: Allowance; readonly now: number },
): Bucket {
  const filled = refill(bucket, options.allowance, options.now)
  return { level: Math.max(0, filled.level - elements), at: filled.at }
}

function refill(bucket: Bucket | undefined, allowance: Allowance, now: number): Bucket {
  if (!bucket) return { level: allowance.burst, at: now }
  const seconds = Math.max(0, now - bucket.at)
  const level = Math.min(allowance.burst, bucket.level + (seconds * allowance.perHour) / 3600)
  return { level, at: Math.max(now, bucket.at) }
}
