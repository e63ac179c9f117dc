import { settlementActionId } from '@spendgate/codec';
import { DependencyError } from '@spendgate/core';
import { keyAgrees } from '@spendgate/http-edge';
import type { Clock, Logger, TokenBuckets } from '@spendgate/platform';
import type { PolicySets } from '@spendgate/policy';
import type { Registry } from '@spendgate/store';
import type { LaneEvents } from '../publishing/lane-events.js';
import type { ManagedTransfer } from '../rails/rail-port.js';
import {
  type GateAnswer,
  type GateItem,
  type GateRefusal,
  type OutcomeItem,
  type RequestItem,
  refuse,
} from './gate-item.js';
import type { GateLane } from './gate-lane.js';
import { MicroBatch } from './micro-batch.js';
import { RegistryView } from './registry-view.js';
import { decodeRequest, verifyRequest } from './request-reader.js';
import type { SettleBatch } from './settle-batch.js';

export interface DoorParts {
  readonly issuer: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly policies: PolicySets;
  readonly settle: SettleBatch;
  readonly lane: GateLane;
  readonly events: LaneEvents;
  readonly presenterRate: TokenBuckets;
  /** Asked to move money that is granted; called after the commit. */
  readonly onTransfers: (transfers: readonly ManagedTransfer[]) => void;
}

/** What a door may narrow: the settlement the URL names must be the one the token is about. */
export interface DoorExpectation {
  readonly kind?: 'request' | 'outcome';
  readonly action?: 'void' | 'refund';
  /** Of a void: the artifact. Of a refund: the capture. Of an outcome: the settlement reported on. */
  readonly isAbout?: (item: GateItem) => boolean;
  /** As received: must name the id the request is kept under. */
  readonly idempotencyKey?: string | undefined;
}

/** The gate for callers without a partition: concurrent requests share one transaction on a leased lane. */
export class GateDoor {
  private readonly batch: MicroBatch<GateItem, GateAnswer>;

  constructor(private readonly parts: DoorParts) {
    this.batch = new MicroBatch((items) => this.decide(items));
  }

  /** Decides one signed request as it came. @throws {DependencyError} the database is away; nothing was decided */
  async present(token: Buffer, expected: DoorExpectation = {}): Promise<GateAnswer> {
    const read = await this.read(token);
    if (read.kind === 'refused') return read;
    const mismatch = unexpected(read, expected);
    return mismatch ?? this.submit(read);
  }

  /** Decides what the gate itself learnt, or a request read before. */
  submit(item: GateItem): Promise<GateAnswer> {
    return this.batch.submit(item);
  }

  settled(): Promise<void> {
    return this.batch.settled();
  }

  private async read(token: Buffer): Promise<RequestItem | OutcomeItem | GateRefusal> {
    const decoded = decodeRequest(token);
    if (decoded.kind === 'refused') return decoded;
    const { registry, policies, clock, issuer, presenterRate } = this.parts;
    const view = new RegistryView(await registry.at({ kids: [decoded.jws.header.kid] }), policies, issuer);
    const nowMs = clock.nowMs();
    const item = await verifyRequest(decoded, view, { domain: issuer, nowMs, appendedAtMs: null });
    if (item.kind === 'refused') return item;
    const waitMs = presenterRate.take(item.by.partyId, nowMs);
    return waitMs === 0 ? item : refuse('rate_limited', null, { verified: true, retryAfterMs: waitMs });
  }

  private async decide(items: readonly GateItem[]): Promise<readonly GateAnswer[]> {
    try {
      return await this.once(items);
    } catch (error) {
      if (error instanceof DependencyError) throw error;
      if (items.length === 1) return [this.contain(error)];
      // One of them meets a defect of ours, foreseen or not; the others must not pay for it.
      const answers: GateAnswer[] = [];
      for (const item of items) answers.push(...(await this.decide([item])));
      return answers;
    }
  }

  private once(items: readonly GateItem[]): Promise<readonly GateAnswer[]> {
    const { lane, settle, events, onTransfers } = this.parts;
    return lane.run(async (lease) => {
      const settled = await settle.execute(lease, items);
      events.push(lease, settled.events);
      if (settled.transfers.length > 0) onTransfers(settled.transfers);
      return settled.answers;
    });
  }

  private contain(error: unknown): GateRefusal {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.parts.logger.error(`settlement denied by a defect of ours: ${what}`);
    return refuse('internal_denied', null, { verified: true });
  }
}

/** The URL and the signed words must say the same: what is signed counts, and a difference is a mistake of the sender. */
function unexpected(
  item: RequestItem | OutcomeItem,
  { kind, action, isAbout, idempotencyKey }: DoorExpectation,
): GateRefusal | null {
  const verified = { verified: true };
  if (kind !== undefined && item.kind !== kind) return refuse('type_mismatch', 'header.typ', verified);
  if (item.kind === 'request' && action !== undefined && item.claims.action !== action) {
    return refuse('scope_mismatch', 'action', verified);
  }
  const id = item.kind === 'request' ? settlementActionId(item.claims) : item.claims.jti;
  if (!keyAgrees(idempotencyKey, id)) return refuse('malformed', 'Idempotency-Key', verified);
  if (isAbout === undefined || isAbout(item)) return null;
  return refuse('scope_mismatch', action === 'void' ? 'artifact' : 'capture_id', verified);
}
