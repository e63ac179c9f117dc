/**
 * Runs `act` over all items, at most `limit` at a time, and hands on results in the order of the items as soon as all
 * before them are there: output can be piped while the rest is under way, and memory holds `limit` results only.
 */
export async function runBounded<T, R>(
  items: readonly T[],
  limit: number,
  act: (item: T) => Promise<R>,
  onResult: (result: R, index: number) => void,
): Promise<void> {
  const finished = new Map<number, R>();
  let next = 0;
  let handedOn = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as T; // as: index < length
      finished.set(index, await act(item));
      for (let result = finished.get(handedOn); result !== undefined; result = finished.get(handedOn)) {
        finished.delete(handedOn);
        onResult(result, handedOn);
        handedOn += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
