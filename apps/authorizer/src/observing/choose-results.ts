import type { AttestationRow } from '@spendgate/store';
import { type Refusal, refuse } from '../intake/candidate.js';
import { SIGNED_AHEAD_MS_MAX } from '../intake/verify-intents.js';
import { type Observation, resultOf } from './observation.js';

type Standing = Pick<AttestationRow, 'measurement' | 'debug' | 'compromised' | 'validUntilMs' | 'recordedAtMs'>;

/** An attester's word on an agent that changes what stands. */
export interface ChosenResult {
  readonly observation: Observation;
  /** Anything less than good: never refused for being late or one too many. */
  readonly isBad: boolean;
}

export interface ChosenResults {
  /** One per agent at most, in offset order. */
  readonly chosen: readonly ChosenResult[];
  readonly refusals: readonly Refusal[];
}

/**
 * Which results of a batch change what stands: of each agent the newest by `iat`, of two of one second the worse. A
 * repeat of a token (the same iss and jti) is as new and as bad as what it left, so it changes nothing.
 *
 * @param observations verified, in offset order
 * @param standing what is recorded, by agent
 * @param judgedAtMs database clock, Unix ms
 */
export function chooseResults(
  observations: readonly Observation[],
  standing: ReadonlyMap<string, Standing>,
  judgedAtMs: number,
): ChosenResults {
  const newest = new Map<string, { observation: Observation; result: Standing }>();
  const refusals: Refusal[] = [];
  for (const observation of observations) {
    const { record, claims } = observation;
    const result = standingOf(observation);
    // Dated ahead it would be newer than all that is to come, bad news included.
    if (!(result.recordedAtMs - judgedAtMs <= SIGNED_AHEAD_MS_MAX)) {
      refusals.push(refuse(record, 'signature_invalid', 'iat').refusal);
      continue;
    }
    if (badnessOf(result) === 0 && !(judgedAtMs < result.validUntilMs)) {
      refusals.push(refuse(record, 'environment_stale', 'exp').refusal);
      continue;
    }
    const before = newest.get(claims.sub)?.result ?? standing.get(claims.sub);
    if (before === undefined || replaces(result, before)) newest.set(claims.sub, { observation, result });
  }
  const chosen = [...newest.values()].map(({ observation, result }) => ({ observation, isBad: badnessOf(result) > 0 }));
  return { chosen, refusals };
}

function standingOf(observation: Observation): Standing {
  const { issuedAtMs, ...result } = resultOf(observation);
  return { ...result, recordedAtMs: issuedAtMs };
}

function replaces(result: Standing, before: Standing): boolean {
  if (result.recordedAtMs !== before.recordedAtMs) return result.recordedAtMs > before.recordedAtMs;
  return badnessOf(result) > badnessOf(before);
}

/** 0: good. The statement that records results has the same order, for results that come by two partitions at once. */
function badnessOf({ compromised, debug, measurement, validUntilMs, recordedAtMs }: Standing): number {
  const vouches = !measurement.includes(' ') && validUntilMs > recordedAtMs;
  return (compromised ? 4 : 0) + (debug ? 2 : 0) + (vouches ? 0 : 1);
}
