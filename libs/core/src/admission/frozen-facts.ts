import type { Json } from './types.js';
import { freezeOnce } from '../freeze-once.js';
import * as read from '../frozen.js';
import { isFlowState } from '../lifecycle.js';
import { freezeGrant, thawGrant } from '../mandates/frozen-mandate.js';
import type { Mandate, Payee } from '../mandates/types.js';
import type { AttestationFacts, Flow, Watches, WatchVerdict } from './types.js';
import { InvariantError } from '../errors.js';

/** Facts that admission and settlement both read, as plain JSON and back. */
export const ABSENT = ['absent', 'unknown'] as const;
const WATCH_VERDICTS: readonly WatchVerdict[] = ['verified', 'broken', 'stale', 'unknown'];

export function freezeFlow(flow: Flow | 'absent' | 'unknown'): Json {
  if (typeof flow === 'string') return flow;
  const { flowId, state, epoch, baselineHash, sequence } = flow;
  return { baseline_hash: baselineHash, epoch, id: flowId, sequence: sequence.toString(), state };
}

export function thawFlow(value: Json | undefined): Flow | 'absent' | 'unknown' {
  return read.factOr(value, 'flow', ABSENT, (frozen) => {
    const state = read.text(frozen.state, 'state');
    if (!isFlowState(state)) throw new InvariantError('ERR_READ_SET_DAMAGED', `no flow state "${state}"`);
    return {
      flowId: read.text(frozen.id, 'id'),
      state,
      epoch: read.number(frozen.epoch, 'epoch'),
      baselineHash: read.text(frozen.baseline_hash, 'baseline_hash'),
      sequence: BigInt(read.text(frozen.sequence, 'sequence')),
      drift: null, // of an admission, beside its watch
    };
  });
}

export function freezeAttestation(attestation: AttestationFacts | 'absent' | 'unknown'): Json {
  if (typeof attestation === 'string') return attestation;
  const { measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs } = attestation;
  return {
    measurement,
    evidence_hash: evidenceHash,
    verifier,
    debug,
    compromised,
    valid_until_ms: validUntilMs,
    recorded_at_ms: recordedAtMs,
  };
}

export function thawAttestation(value: Json | undefined): AttestationFacts | 'absent' | 'unknown' {
  return read.factOr(value, 'attestation', ABSENT, (frozen) => ({
    measurement: read.text(frozen.measurement, 'measurement'),
    evidenceHash: read.text(frozen.evidence_hash, 'evidence_hash'),
    verifier: read.text(frozen.verifier, 'verifier'),
    debug: read.flag(frozen.debug, 'debug'),
    compromised: read.flag(frozen.compromised, 'compromised'),
    validUntilMs: read.number(frozen.valid_until_ms, 'valid_until_ms'),
    recordedAtMs: read.number(frozen.recorded_at_ms, 'recorded_at_ms'),
  }));
}

export const freezeWatches = freezeOnce(({ identity, lineage, governance, domain, audit, watch }: Watches) => {
  return { audit, domain, governance, identity, lineage, watch };
});

export function thawWatches(value: Json | undefined): Watches {
  const frozen = read.object(value, 'watches');
  return {
    identity: read.word(frozen.identity, 'identity', WATCH_VERDICTS),
    lineage: read.word(frozen.lineage, 'lineage', WATCH_VERDICTS),
    governance: read.word(frozen.governance, 'governance', WATCH_VERDICTS),
    domain: read.word(frozen.domain, 'domain', WATCH_VERDICTS),
    audit: read.word(frozen.audit, 'audit', WATCH_VERDICTS),
    watch: read.word(frozen.watch, 'watch', WATCH_VERDICTS),
  };
}

/**
 * A chain root first; of its earlier hashes each mandate keeps the one that is asked for: by its child, and the last by
 * `linkedHash`.
 */
export function freezeChain(
  mandates: readonly Mandate[],
  payee: Payee,
  linkedHash: string | null = null,
): read.JsonObject[] {
  return mandates.map((mandate, index) => {
    const child = mandates[index + 1];
    return freezeGrant(mandate, payee, child === undefined ? linkedHash : child.parentHash);
  });
}

/** @param path ids the last mandate names; the levels above have the beginnings of it */
export function thawChain(frozen: readonly Json[], path: readonly string[]): Mandate[] {
  return frozen.map((value, index) => {
    const own = index === frozen.length - 1 ? path : path.slice(0, index + 1);
    return thawGrant(read.object(value, 'level'), own);
  });
}
