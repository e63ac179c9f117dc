import { InvariantError } from '../errors.js';
import * as read from '../frozen.js';
import { RULES_VERSION } from '../limits.js';
import { decideIntent } from './decide-intent.js';
import { thawAdmission } from './read-set.js';
import type { AdmissionReadSet, AdmissionResult, Intent } from './types.js';

/**
 * Recomputes a stored decision from its read set and the agent's own request (D2): the same decision, the same events
 * and the same read set again, on any machine, with no database. Whoever compares bytes compares the canonical form of
 * `readSet` and `decision`.
 *
 * @throws {InvariantError} `ERR_RULES_VERSION` when other rules decided it, `ERR_READ_SET_DAMAGED` when it is not ours
 */
export function replayDecision(readSet: AdmissionReadSet, intent: Intent): AdmissionResult {
  const version = read.number(readSet.rules_version, 'rules_version');
  if (version !== RULES_VERSION) throw new InvariantError('ERR_RULES_VERSION', `decided under rules ${version}`);
  const { state, facts } = thawAdmission(readSet, intent.currency);
  return decideIntent(intent, state, facts);
}
