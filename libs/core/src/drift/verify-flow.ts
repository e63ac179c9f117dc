import { evidenceEndsAtMs } from '../admission/issue-terms.js';
import type { Absent, AttestationFacts, WatchVerdict } from '../admission/types.js';
import { environmentRequirements, isTreeBalanced } from '../mandates/levels.js';
import type { LevelState } from '../mandates/types.js';
import type { DriftSignal } from './drift-signal.js';

/** What a flow rests on, limb by limb (design 4). `domain` and `audit` are the domain's own. */
export const FLOW_LIMBS = ['identity', 'environment', 'policy', 'lineage', 'settlement'] as const;
export type FlowLimb = (typeof FLOW_LIMBS)[number];
export type FlowVerdicts = Readonly<Record<FlowLimb, WatchVerdict>>;

/** Everything a flow with live artifacts rests on, read together. */
export interface FlowEvidence {
  /** Root first; `'unknown'`: a mandate of the chain could not be read as it was registered. */
  readonly levels: readonly LevelState[] | 'unknown';
  /** Of the agent and of every service that may present a live artifact. */
  readonly keys: 'verified' | 'broken';
  readonly attestation: AttestationFacts | Absent;
  /** Of the policy set its mandate names: explained by a signed activation. */
  readonly policy: WatchVerdict;
  /** What the rows of its mandates and artifacts say. */
  readonly lineage: 'whole' | 'lineage_fragmented' | 'authorization_discontinuity';
  /** A live artifact whose row is not what was issued. */
  readonly alteredArtifact: string | null;
  /** A rail's report that is not what was granted, on a flow that goes on all the same. */
  readonly mismatch: { readonly settlement: string; readonly granted: string; readonly moved: string } | null;
  readonly judgedAtMs: number;
}

export interface VerifiedFlow {
  readonly verdicts: FlowVerdicts;
  /** One per limb that is broken; the flow is contained by them. */
  readonly signals: readonly DriftSignal[];
}

/**
 * Judges a flow nobody uses by the facts its next decision would be judged by, so that a break is found whether or not
 * anything is presented (B1–B8). Pure: equal evidence, equal verdicts.
 */
export function verifyFlow(evidence: FlowEvidence): VerifiedFlow {
  const found = [
    identityOf(evidence),
    environmentOf(evidence),
    policyOf(evidence),
    lineageOf(evidence),
    settlementOf(evidence),
  ];
  const verdicts = Object.fromEntries(FLOW_LIMBS.map((limb, at) => [limb, wordOf(found[at])])) as FlowVerdicts; // as: all limbs
  return { verdicts, signals: found.flatMap((each) => (typeof each === 'object' ? [each] : [])) };
}

/** A verdict, or the signal of a broken limb. */
type Found = Exclude<WatchVerdict, 'broken'> | DriftSignal;

function wordOf(found: Found | undefined): WatchVerdict {
  return typeof found === 'object' ? 'broken' : (found ?? 'unknown');
}

function broken(kind: DriftSignal['kind'], rule: string, evidence: DriftSignal['evidence'] = {}): DriftSignal {
  return { kind, rule: `exact.${rule}`, evidence: { ...evidence, code: rule, found_by: 'sweep' } };
}

function identityOf({ keys }: FlowEvidence): Found {
  return keys === 'verified' ? 'verified' : broken('identity', 'identity_discontinuity');
}

/** An attester's word against a runtime counts also where no level asks for one, as in a decision. */
function environmentOf({ attestation, levels, judgedAtMs }: FlowEvidence): Found {
  if (levels === 'unknown' || attestation === 'unknown') return 'unknown';
  const requirements = environmentRequirements(levels);
  if (attestation === 'absent') return requirements.length === 0 ? 'verified' : 'stale';
  const { measurement, verifier, evidenceHash } = attestation;
  const evidence = { measurement, verifier, evidence_hash: evidenceHash };
  if (attestation.debug || attestation.compromised) return broken('environment', 'runtime_integrity_failure', evidence);
  if (!requirements.every(({ measurements }) => measurements.includes(measurement)))
    return broken('environment', 'environment_integrity_failure', evidence);
  return judgedAtMs < evidenceEndsAtMs(requirements, attestation) ? 'verified' : 'stale';
}

function policyOf({ policy }: FlowEvidence): Found {
  return policy === 'broken' ? broken('policy', 'governance_discontinuity') : policy;
}

function lineageOf({ lineage, alteredArtifact, levels }: FlowEvidence): Found {
  if (lineage !== 'whole') return broken('lineage', lineage);
  if (alteredArtifact !== null) return broken('lineage', 'artifact_altered', { artifact: alteredArtifact });
  return levels === 'unknown' ? 'unknown' : 'verified';
}

function settlementOf({ levels, mismatch }: FlowEvidence): Found {
  if (levels === 'unknown') return 'unknown';
  if (!isTreeBalanced(levels)) return broken('ledger', 'ledger');
  return mismatch === null ? 'verified' : broken('settlement', 'rail_mismatch', { ...mismatch });
}
