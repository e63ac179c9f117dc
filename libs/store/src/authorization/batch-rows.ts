/** A decision as it is stored, complete: replay needs nothing else. */
export interface DecisionRow {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly attempt: number;
  readonly laneOffset: bigint;
  readonly agentId: string;
  readonly bodyHash: Buffer;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  /** Decimal text, major units; `null` when the amount was no amount. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly counterpartyId: string | null;
  /** The agent's JWS, as received. */
  readonly request: string;
  /** RFC 8785 form of everything decided on. */
  readonly readSet: string;
  readonly rulesVersion: number;
  readonly decisionHash: Buffer;
  readonly leafHash: Buffer;
  readonly supersedes: string | null;
  /** Of an authorized decision. */
  readonly artifactId: string | null;
  /** Of a parked one: the instant its wait ends, Unix ms. */
  readonly parkedUntilMs: number | null;
  /** Of one that waits for people. */
  readonly awaits: AwaitedPeople | null;
  readonly appendedAtMs: number;
  readonly judgedAtMs: number;
}

/** Whom an intent waits for. */
export interface AwaitedPeople {
  /** Approvals it has (`ops-action+jwt`), first one first. */
  readonly approvals: readonly string[];
  /** How many it takes. */
  readonly needed: number;
}

export interface ArtifactRow {
  readonly artifactId: string;
  readonly flowId: string;
  readonly holdId: string;
  readonly decisionId: string;
  readonly agentId: string;
  readonly audience: string;
  readonly epoch: number;
  /** Artifact key that signs it after the commit. */
  readonly kid: string;
  /** RFC 8785 form; Ed25519 is deterministic, so equal claims give equal bytes after a crash. */
  readonly claims: string;
  readonly claimsHash: Buffer;
  readonly statusPartition: number;
  readonly statusIdx: bigint;
  readonly issuedAtMs: number;
}

export interface HoldRow {
  readonly holdId: string;
  readonly flowId: string;
  readonly rootId: string;
  readonly path: readonly string[];
  readonly artifactId: string;
  readonly counterpartyId: string;
  readonly audience: string;
  readonly currency: string;
  /** Decimal text, major units; all of it is held at first. */
  readonly amount: string;
  readonly mode: string;
  readonly maxCaptures: number;
  readonly expiresAtMs: number;
  readonly settleByMs: number;
  /** Where it entered counters, JSON text; `null`: in none. */
  readonly counters: string | null;
}

/** A record that got no decision: what was wrong with it, and the decision already recorded when it is a replay. */
export interface RefusalRow {
  readonly laneOffset: bigint;
  readonly code: string;
  readonly field: string | null;
  readonly ceId: string | null;
  /** SHA-256 of the record's value. */
  readonly digest: Buffer;
  readonly decisionId: string | null;
}

export interface FlowChange {
  readonly flowId: string;
  readonly state: string;
  readonly sequence: bigint;
  /** What its spending shows now; absent or `null`: as it was. */
  readonly drift?: string | null;
}
