import { InvariantError } from '../errors.js';
import * as read from '../frozen.js';
import { RULES_VERSION } from '../limits.js';
import { decideSettlement } from './decide-settlement.js';
import { thawSettlement } from './settlement-read-set.js';
import type { SettlementReadSet, SettlementRequest, SettlementResult } from './types.js';

/**
 * Recomputes a stored settlement decision from its read set and the presenter's own request (D2).
 *
 * @throws {InvariantError} `ERR_RULES_VERSION` when other rules decided it, `ERR_READ_SET_DAMAGED` when it is not ours
 */
export function replaySettlement(readSet: SettlementReadSet, request: SettlementRequest): SettlementResult {
  const version = read.number(readSet.rules_version, 'rules_version');
  if (version !== RULES_VERSION) throw new InvariantError('ERR_RULES_VERSION', `decided under rules ${version}`);
  const { facts, judgedAtMs } = thawSettlement(readSet);
  return decideSettlement(request, facts, judgedAtMs);
}
