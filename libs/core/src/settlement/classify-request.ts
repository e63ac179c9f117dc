import type { RecordedSettlement } from './types.js';

/**
 * What an id already used means, over either door: the same request again is answered with the receipt on record,
 * however late and however often it is signed anew; another body under the same id is refused as
 * `idempotency_conflict`.
 *
 * @param bodyHash of the request without its times, so that signing again does not make another body
 */
export function classifyRequest(
  recorded: RecordedSettlement | null,
  bodyHash: string,
): 'new' | 'recorded' | 'conflict' {
  if (recorded === null) return 'new';
  return recorded.bodyHash === bodyHash ? 'recorded' : 'conflict';
}
