import {
  type FlowTransitioned,
  type IncidentChanged,
  type LeafType,
  canonicalize,
  encodeLeaf,
  sha256,
  uuid8,
} from '@spendgate/codec';
import type { FlowEvent, FlowState } from '@spendgate/core';
import type { LeafRow, SaltSource } from './leaves.js';
import type { OutboxRow } from './outbox.js';

/** What an act did, for the log and for those who listen. */
export interface ControlRecord {
  readonly type: LeafType;
  /** Plain JSON of the payload schema the leaf type names. */
  readonly payload: unknown;
  /** Leaf hashes of what led to it. */
  readonly causes?: readonly Buffer[];
  readonly event?: ControlEvent | FlowTransitionEvent | IncidentEvent;
}

/** On `control.v1`; it only notifies, the rows decide. */
export interface ControlEvent {
  /** `mandate_revoked`, `policy_activated`, … */
  readonly name: string;
  readonly subject: { readonly kind: string; readonly id: string };
}

/** The body of a `control.v1` row; whoever publishes it signs it as a `control-event+jwt`. */
export interface ControlNotice {
  readonly event: string;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly control_epoch: number;
  readonly effective_at_ms: number;
  readonly leaf_hash: string;
}

/** On `flow-transitions.v1`, under the flow's key. */
export interface FlowTransitionEvent {
  readonly flowId: string;
  readonly epoch: number;
  readonly sequence: bigint;
  readonly step: FlowEvent;
  readonly from: FlowState;
  readonly to: FlowState;
}

/** On `incidents.v1`, under the flow's key. */
export type IncidentEvent = Omit<IncidentChanged, 'v' | 'leaf_hash' | 'changed_at_ms'>;

/** Where and when something is recorded. */
interface RecordPlace {
  /** The domain's issuer. */
  readonly domain: string;
  /** Database clock after the locks, Unix ms. */
  readonly atMs: number;
  /** The control epoch a notice names. */
  readonly epoch: bigint;
}

/** The leaves and events of one transaction on one lane, in the order they were recorded. */
export class LaneRecords {
  readonly leaves: LeafRow[] = [];
  readonly events: OutboxRow[] = [];

  /** Unix ms, of everything recorded here. */
  readonly atMs: number;

  constructor(
    private readonly place: RecordPlace,
    private readonly salts: SaltSource,
  ) {
    this.atMs = place.atMs;
  }

  /** @returns the leaf hash */
  record({ type, payload, causes = [], event }: ControlRecord): Buffer {
    const { domain, atMs: timeMs } = this.place;
    const salt = this.salts.salt();
    const hashes = causes.map((cause) => cause.toString('base64url'));
    const leaf = encodeLeaf({ domain, type, timeMs, payload, salt, causes: hashes });
    this.leaves.push({ ...leaf, salt });
    if (event !== undefined) this.events.push(this.outboxRow(event, leaf.leafHash.toString('base64url')));
    return leaf.leafHash;
  }

  private outboxRow(event: NonNullable<ControlRecord['event']>, leafHash: string): OutboxRow {
    if ('flowId' in event) return this.transitionRow(event, leafHash);
    if ('incident_id' in event) return this.incidentRow(event, leafHash);
    const body: ControlNotice = {
      event: event.name,
      subject: event.subject,
      control_epoch: Number(this.place.epoch),
      effective_at_ms: this.place.atMs,
      leaf_hash: leafHash,
    };
    return { topic: 'control.v1', key: null, kind: event.name, ref: null, flowId: null, body: canonicalize(body) };
  }

  private transitionRow({ flowId, epoch, sequence, step, from, to }: FlowTransitionEvent, leafHash: string): OutboxRow {
    const body: FlowTransitioned = {
      v: 1,
      flow_id: flowId,
      sequence: String(sequence),
      epoch,
      event: step,
      from,
      to,
      leaf_hash: leafHash,
      transitioned_at_ms: this.place.atMs,
    };
    const ref = uuid8(sha256(`transition ${leafHash}`)); // names the event, also on lanes that name events by it
    const topic = 'flow-transitions.v1';
    return { topic, key: flowId, kind: 'flow_transition', ref, flowId, body: canonicalize(body) };
  }

  private incidentRow(event: IncidentEvent, leafHash: string): OutboxRow {
    const flowId = event.flow_id;
    const body: IncidentChanged = { v: 1, ...event, leaf_hash: leafHash, changed_at_ms: this.place.atMs };
    const ref = uuid8(sha256(`incident ${leafHash}`));
    return { topic: 'incidents.v1', key: flowId, kind: 'incident', ref, flowId, body: canonicalize(body) };
  }
}
