/** @returns the value below which the share `p` (0–1) of the samples lies, nearest-rank. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** Runs both sides alternating A B B A, so that a drift of the machine hits both alike. */
export async function alternate<A, B>(pairs: number, a: () => Promise<A>, b: () => Promise<B>): Promise<[A[], B[]]> {
  const as: A[] = [];
  const bs: B[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      as.push(await a());
      bs.push(await b());
    } else {
      bs.push(await b());
      as.push(await a());
    }
  }
  return [as, bs];
}

/** Ratio of medians with the smallest and largest ratio of the pairs, as the spread. */
export function ratioOfMedians(
  as: readonly number[],
  bs: readonly number[],
): { ratio: number; min: number; max: number } {
  const pairs = as.map((a, i) => a / (bs[i] ?? Number.NaN));
  return { ratio: median(as) / median(bs), min: Math.min(...pairs), max: Math.max(...pairs) };
}
