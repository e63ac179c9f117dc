import type { LeafRow, OutboxRow } from '@spendgate/store';
import type { ManagedTransfer } from '../rails/rail-port.js';
import type { FactSources } from './gate-facts.js';
import { type GateRefusal, refuse } from './gate-item.js';
import type { LeafWriter } from './settlement-leaves.js';

/** What a fold needs beside the rows. */
export interface FoldContext {
  readonly issuer: string;
  /** Database clock after the locks, Unix ms. */
  readonly judgedAtMs: number;
  readonly sources: FactSources;
  readonly leafWriter: LeafWriter;
  readonly outcomeDueMs: number;
  /** Whether the gate itself calls this rail. */
  isManaged(rail: string): boolean;
}

/** What a batch decided, beside the rows in its state. */
export interface Folded {
  readonly leaves: LeafRow[];
  readonly events: OutboxRow[];
  /** Money to be moved by managed rails, after the commit. */
  readonly transfers: ManagedTransfer[];
}

/** A presenter's clock may run ahead of ours by this; more, and a token signed today would be good for another year. */
const SIGNED_AHEAD_MS_MAX = 60_000;

/** A request is an act, not a standing right: outside its few minutes the signature says nothing any more. */
export function refuseUntimely(
  claims: { readonly iat: number; readonly exp: number },
  judgedAtMs: number,
): GateRefusal | null {
  if (!(judgedAtMs < claims.exp * 1_000)) return refuse('signature_invalid', 'exp', { verified: true });
  if (claims.iat * 1_000 - judgedAtMs > SIGNED_AHEAD_MS_MAX)
    return refuse('signature_invalid', 'iat', { verified: true });
  return null;
}
