import type { Decimal } from 'decimal.js';
import type {
  Absent,
  AdmissionReadSet,
  AttestationFacts,
  CaptureMode,
  Flow,
  ShownLimit,
  Watches,
} from '../admission/types.js';
import type { SettlementDenial } from '../denials.js';
import type { BudgetDelta, Mandate } from '../mandates/types.js';
import type { CurrencyTable } from '../money.js';

export type SettlementAction = 'capture' | 'void' | 'refund';

/** A settlement request whose form the door has established; its signature is a fact below. */
export interface SettlementRequest {
  readonly action: SettlementAction;
  /** capture_id, void_id or refund_id, chosen by the presenter. */
  readonly actionId: string;
  /** Who signed: a settlement service, or the agent itself, which may void. Ids of the two are apart. */
  readonly presenterKind: 'settlement_service' | 'agent';
  readonly presenter: string;
  /** RFC 7638 thumbprint of the key it signed with. */
  readonly presenterJkt: string;
  /** `null`: the request names none. */
  readonly artifactId: string | null;
  /** base64url SHA-256 of the presented artifact's claims. */
  readonly artifactHash: string | null;
  /** As written, major units; `null` in a void. */
  readonly amountText: string | null;
  readonly currency: string | null;
  readonly counterparty: string | null;
  /** `merchant_reference`: must be the artifact's. */
  readonly reference: string | null;
  /** Of a refund: the capture_id it returns money of. */
  readonly captureId: string | null;
  /** No capture will follow: the rest of the hold is released. */
  readonly final: boolean;
  readonly bodyHash: string;
  readonly iatMs: number;
  readonly expMs: number;
}

/** The stored row of an artifact. Amount, payee, times and hold are taken from here, never from the token. */
export interface ArtifactFacts {
  readonly artifactId: string;
  readonly flowId: string;
  readonly epoch: number;
  readonly claimsHash: string;
  readonly status: 'valid' | 'revoked' | 'suspended' | 'unknown';
  readonly agent: string;
  readonly audience: string;
  /** `cnf.jkt`, and the thumbprints of its signed successors. */
  readonly jkt: string;
  readonly successorJkts: readonly string[];
  readonly counterparty: string;
  readonly reference: string;
  readonly currency: string;
  readonly actions: readonly SettlementAction[];
  readonly nbfMs: number;
  /** `exp` × 1000: at this instant the artifact is dead for a first capture (RFC 7519 §4.1.4). */
  readonly expiresAtMs: number;
  readonly settleByMs: number;
  readonly policyHash: string;
  /** `null`: issued under a mandate that requires no attestation. */
  readonly measurement: string | null;
  /** As in the claims: the root mandate, the mandate spent under and the hash of its claims at issue. */
  readonly lineage: { readonly root: string; readonly parent: string; readonly parentHash: string };
}

/** What an artifact keeps back, major units. amount = held + capturing + captured + released, unless a rail moved more, late. */
export interface Hold {
  readonly amount: Decimal;
  readonly held: Decimal;
  readonly capturing: Decimal;
  /** Gross: a refund does not lower it. */
  readonly captured: Decimal;
  readonly released: Decimal;
  /** Completed refunds, ≤ captured. */
  readonly refunded: Decimal;
  /** Of them, what a rail reported and every level's limit therefore has back, ≤ refunded. */
  readonly restored: Decimal;
  readonly mode: CaptureMode;
  readonly maxCaptures: number;
  /** Captures granted and not returned. */
  readonly captureCount: number;
  /** Nothing is left to capture, now or later. */
  readonly ended: boolean;
}

/** The capture a refund is about. */
export interface CaptureFacts {
  readonly captureId: string;
  readonly service: string;
  readonly state: SettlementState;
  readonly amount: Decimal;
  /** Completed refunds of it. */
  readonly refunded: Decimal;
  /** Refunds of it whose outcome is not known yet. */
  readonly refunding: Decimal;
}

/** A settlement already recorded under the same (artifact, action, action id). */
export interface RecordedSettlement {
  readonly settlementId: string;
  readonly bodyHash: string;
}

/** Everything beside the request, read in the settlement transaction after the locks. */
export interface SettlementFacts {
  readonly signature: 'valid' | 'invalid' | 'unknown';
  readonly recorded: RecordedSettlement | null;
  readonly artifact: ArtifactFacts | Absent;
  readonly hold: Hold | Absent;
  /** Of a refund; `absent` otherwise. */
  readonly capture: CaptureFacts | Absent;
  readonly flow: Flow | Absent;
  readonly scope: 'running' | 'halted' | 'unknown';
  readonly service: 'active' | 'disabled' | Absent;
  /** The agent the artifact was issued to, and its payee, as registered now: either one disabled stops captures. */
  readonly agent: 'active' | 'disabled' | Absent;
  readonly counterparty: 'active' | 'disabled' | Absent;
  /** ISO 18245 category of the counterparty; `null`: not known. */
  readonly category: string | null;
  /** Whether the presenter is registered to settle for the artifact's counterparty. */
  readonly settlesForCounterparty: boolean | 'unknown';
  /** Mandates from the root to the flow's own, as they stand now. */
  readonly mandates: readonly Mandate[] | Absent;
  /** Hash of the policy slice that applies now. */
  readonly policy: { readonly hash: string } | 'unavailable' | 'error' | 'unknown';
  readonly attestation: AttestationFacts | Absent;
  /** What this very event showed. */
  readonly drift: 'none' | 'found' | 'unknown';
  readonly watches: Watches;
  readonly rules: { readonly rulesVersion: number; readonly currencies: CurrencyTable };
}

/** The eight checks of the verification standard, in its order. */
export const VERIFICATION_CHECKS = [
  'signature',
  'scope_integrity',
  'temporal_validity',
  'environment_binding',
  'policy_hash',
  'origin',
  'revocation_state',
  'lineage',
] as const;
export type VerificationCheck = (typeof VERIFICATION_CHECKS)[number];
export interface CheckReport {
  readonly name: VerificationCheck;
  readonly ok: boolean;
  /** Every denial this check found, in order of precedence. */
  readonly codes: readonly SettlementDenial[];
}

/** Where a settlement stands; `unknown` never expires and is never released without the rail's word. */
export type SettlementState =
  'capturing' | 'captured' | 'returned' | 'unknown' | 'released' | 'refunding' | 'refunded' | 'denied';

export interface SettlementDecision {
  readonly outcome: 'authorized' | 'denied';
  readonly code: SettlementDenial | null;
  readonly field: string | null;
  readonly limit: ShownLimit | null;
  /** All eight, whatever the outcome. */
  readonly checks: readonly CheckReport[];
  readonly state: SettlementState;
  /** Canonical spelling, major units: captured, released or to be refunded; `null` when denied. */
  readonly amount: string | null;
  readonly currency: string | null;
}

export interface SettlementResult {
  readonly decision: SettlementDecision;
  /** The hold afterwards; the one given when nothing changed. */
  readonly hold: Hold | Absent;
  /** To add at every level of the mandate's path. */
  readonly delta: BudgetDelta;
  readonly readSet: SettlementReadSet;
}
export type SettlementReadSet = AdmissionReadSet;

export type OutcomeWord = 'completed' | 'failed' | 'unknown' | 'reversed' | 'charged_back';

/** A settlement whose outcome a rail or service reports. */
export interface PendingSettlement {
  readonly action: SettlementAction;
  readonly state: SettlementState;
  readonly amount: Decimal;
  /** Of a refund: the limit has it back. */
  readonly restored: boolean;
}

/** Who saw the money: a registered rail, or only the service that asked for it to move. */
export type OutcomeWitness = 'rail' | 'presenter';

export interface OutcomeResult {
  /** False: the report changes nothing (a repeat, or a word that cannot follow this state) and is only recorded. */
  readonly applied: boolean;
  readonly state: SettlementState;
  readonly hold: Hold;
  readonly delta: BudgetDelta;
  /** Of a refund: the limit has it back, by this report or one before. */
  readonly restored: boolean;
  /** A person must look: money moved against what we decided. */
  readonly opensCase: boolean;
}
