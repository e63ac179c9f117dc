import type { Decimal } from 'decimal.js';
import type { AdmissionDenial } from '../denials.js';
import type { DriftSignal } from '../drift/drift-signal.js';
import type { DriftState } from '../drift/drift-state.js';
import type { SpendingScore, SpendingWatch } from '../drift/watch-spending.js';
import type { FlowEvent, FlowState } from '../lifecycle.js';
import type { LevelState } from '../mandates/types.js';
import type { CurrencyTable } from '../money.js';

/**
 * `single`: once, whole or less. `partial`: once, less is expected. `multi`: often. After the one the rest is released.
 */
export type CaptureMode = 'single' | 'partial' | 'multi';

/** How the amount may be taken: see settlement/. */
export interface CaptureTerms {
  readonly mode: CaptureMode;
  /** 1 unless the mode is `multi`. */
  readonly maxCaptures: number;
  /** First instant too late for a capture, Unix ms; `null`: the artifact's `exp`. */
  readonly settleByMs: number | null;
}

/** A payment intent whose form and signature the door has established. Nothing of it is trusted beyond that. */
export interface Intent {
  readonly intentId: string;
  /** base64url SHA-256 over the canonical payload without `iat` and `exp`. */
  readonly bodyHash: string;
  readonly jti: string;
  readonly agent: string;
  readonly mandate: string;
  /** As written, major units; parsed here, so that a bad one is a signed denial. */
  readonly amountText: string;
  readonly currency: string;
  readonly counterparty: string;
  /** The settlement service that will present the artifact. */
  readonly audience: string;
  readonly capture: CaptureTerms;
  /**
   * Until when the agent asks to spend, Unix ms: no decision at this instant or later, and no artifact lives beyond it.
   * `null`: the intent names none; its `exp` ends the deciding, the other bounds end the artifact.
   */
  readonly deadlineMs: number | null;
  /** The agent's own; a settlement must name the same. */
  readonly reference: string;
  readonly iatMs: number;
  readonly expMs: number;
}

/** A flow as read under its lock. */
export interface Flow {
  readonly flowId: string;
  readonly state: FlowState;
  /** Raised by each revalidation; artifacts of an old epoch stay dead. */
  readonly epoch: number;
  readonly baselineHash: string;
  /** Number of the flow's last event; consumers drop what is not newer. */
  readonly sequence: bigint;
  /** What its spending has shown so far; `null`: its baseline holds no profile. `'unknown'`: lost or damaged, denies. */
  readonly drift: DriftState | 'unknown' | null;
}

/** `absent`: looked for and not there. `unknown`: could not be established, denies. */
export type Absent = 'absent' | 'unknown';

export interface CounterpartyFacts {
  readonly id: string;
  readonly legalName: string;
  readonly state: 'active' | 'disabled';
  /** ISO 18245 merchant category. */
  readonly category: string;
  readonly settlementServices: readonly string[];
}

/** What an attester says about an agent's runtime; its signature is verified before it is recorded. */
export interface AttestationFacts {
  readonly measurement: string;
  readonly evidenceHash: string;
  /** Party id of the attester. */
  readonly verifier: string;
  readonly debug: boolean;
  readonly compromised: boolean;
  readonly validUntilMs: number;
  readonly recordedAtMs: number;
}

/** What the policy set said on facts no lock guards. */
export interface PolicyFacts {
  readonly verdict: 'allow' | 'deny' | 'error' | 'unavailable';
  readonly policyId: string;
  readonly version: number;
  readonly setHash: string;
  /** Covers the slice that could apply, the schema, engine and version. */
  readonly hash: string;
  /** Ids of the policies that decided. */
  readonly deciding: readonly string[];
}

/** Continuous verification of one limb: `broken` is drift, `stale` and `unknown` deny and heal by themselves. */
export type WatchVerdict = 'verified' | 'broken' | 'stale' | 'unknown';

/** The limbs a decision leans on without reading them itself. */
export interface Watches {
  readonly identity: WatchVerdict;
  readonly lineage: WatchVerdict;
  /** Epochs, key sets and policy versions only ever went forward, each step signed. */
  readonly governance: WatchVerdict;
  /** The peer domain's head, when one is involved. */
  readonly domain: WatchVerdict;
  readonly audit: WatchVerdict;
  /** Continuous verification itself: that somebody looks at the domain, and at this flow, as often as is promised. */
  readonly watch: WatchVerdict;
}

/** Settings a decision depends on; frozen in the read set like everything else. */
export interface AdmissionRules {
  readonly rulesVersion: number;
  /** Seconds an artifact lives at most. */
  readonly artifactLifetimeSeconds: number;
  /** ISO 4217 plus configured assets. */
  readonly currencies: CurrencyTable;
}

/** A decision already recorded under the same intent id. */
export interface RecordedIntent {
  readonly decisionId: string;
  readonly bodyHash: string;
}

/** The decision by which this intent waits, and the first instant at which it waits no more, Unix ms. */
export interface ParkedIntent {
  readonly decisionId: string;
  readonly untilMs: number;
}

/** A person who approved an intent, and the key they did it with. */
export interface Approver {
  /** Party id. */
  readonly person: string;
  readonly kid: string;
}

/** A new artifact is asked for on a hold that stands. Already found to widen nothing: see check-renewal.ts. */
export interface RenewalFacts {
  /** The artifact whose place the new one takes. */
  readonly artifactId: string;
  /** Party id of who signed: the agent, or the artifact's audience. */
  readonly by: string;
  /** Most that may be captured in all, `spent` included; canonical spelling, major units. */
  readonly amountText: string;
  readonly maxCaptures: number;
  readonly settleByMs: number;
  /** Captured or in capture: kept back no more, so no level holds it again. Major units. */
  readonly spent: Decimal;
  /** Of the renewal's own token. */
  readonly iatMs: number;
  readonly expMs: number;
}

/**
 * Everything beside the intent and the locked rows. A member that could not be established is `'unknown'` and denies.
 */
export interface AdmissionFacts {
  /** Log append time, monotone per partition: order, ids, `iat`, `nbf`, `exp`. */
  readonly appendedAtMs: number;
  /** Database clock after the locks: may only deny. */
  readonly judgedAtMs: number;
  readonly recorded: RecordedIntent | null;
  readonly agent: 'active' | 'disabled' | Absent;
  /** The party the verified signing key belongs to. */
  readonly signer: { readonly kid: string; readonly agent: string } | 'unknown';
  readonly counterparty: CounterpartyFacts | Absent;
  /** RFC 7638 thumbprint of the audience's current settlement key: becomes `cnf.jkt`. */
  readonly audienceKey: { readonly jkt: string } | Absent;
  readonly attestation: AttestationFacts | Absent;
  readonly policy: PolicyFacts | 'unknown';
  /** A halt wider than the flow: agent, counterparty, principal, domain, all. */
  readonly scope: 'running' | 'halted' | 'unknown';
  /** What the flow's spending is watched by; `null`: its baseline holds no profile. */
  readonly spending: SpendingWatch | 'unknown' | null;
  readonly approval: 'none' | 'approved' | 'refused' | 'unknown';
  /** Whose word stands, when it is `'approved'`; whether they are as many as the mandate asks for is decided here. */
  readonly approvers: readonly Approver[];
  /** Of an intent that waits: what is decided now supersedes it. */
  readonly parked: ParkedIntent | null;
  /** `null`: the intent's first decision, or one after a wait. The levels are then without what its hold keeps back. */
  readonly renewal: RenewalFacts | null;
  /** Intents now parked on the flow. */
  readonly parkedCount: number;
  /** Whether the domain can sign artifacts. */
  readonly issuer: 'ready' | 'unknown';
  readonly watches: Watches;
  readonly rules: AdmissionRules;
}

/** What is locked, read after the locks, and handed on by the fold. */
export interface AdmissionState {
  /** Root first, the intent's mandate last; a level that could not be found is left out and breaks the chain. */
  readonly levels: readonly LevelState[] | Absent;
  readonly flow: Flow | Absent;
}

export const STAGES = ['policy', 'identity', 'runtime_integrity', 'environment', 'governance', 'issue'] as const;
export type Stage = (typeof STAGES)[number];
export interface StageVerdict {
  readonly stage: Stage;
  readonly verdict: 'passed' | 'failed' | 'not_run';
}

/** A limit that stopped a spend, as its own level's holder may see it. Money in major units; a count as it is. */
export interface ShownLimit {
  readonly mandate: string;
  readonly name: string;
  readonly limit: string;
  readonly available: string;
  /** Of a window: first instant at which it may have room again, Unix ms. */
  readonly untilMs?: number;
}

/** What a check found: which member or source it is about, and the limit that stopped it. */
export interface Finding {
  readonly field: string | null;
  readonly limit: ShownLimit | null;
}

/** What an artifact will say about money and time. Times in whole seconds (RFC 7519 NumericDate). */
export interface ArtifactTerms {
  /** Canonical spelling, major units. */
  readonly amount: string;
  readonly currency: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly settleBy: number;
  readonly epoch: number;
}

export interface AdmissionDecision {
  readonly outcome: 'authorized' | 'denied' | 'parked';
  readonly code: AdmissionDenial | null;
  /** The member of the intent, or the missing source, the code is about. */
  readonly field: string | null;
  readonly limit: ShownLimit | null;
  /** All six, in order. */
  readonly stages: readonly StageVerdict[];
  /** Where the flow's spending is watched and this was an event of it. */
  readonly spending: SpendingScore | null;
  /** Of an authorized decision. */
  readonly terms: ArtifactTerms | null;
  /** Of a parked one: the instant its wait ends, Unix ms. */
  readonly parkedUntilMs: number | null;
}

/** Outcome of the fold for one intent. Nothing given is changed; what changed is new. */
export interface AdmissionResult {
  readonly decision: AdmissionDecision;
  readonly state: AdmissionState;
  /** Lifecycle events this decision caused, in order; `state.flow` is after them. */
  readonly transitions: readonly FlowEvent[];
  /** Of one parked for people: how many have approved, and how many it takes. */
  readonly awaits: { readonly given: number; readonly needed: number } | null;
  /** What it showed of its flow; the last of the transitions contain it. */
  readonly drift: DriftSignal | null;
  readonly readSet: AdmissionReadSet;
}

/** Plain JSON: decimal strings, integer milliseconds. See read-set.ts for its members. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type AdmissionReadSet = { readonly [name: string]: Json };
