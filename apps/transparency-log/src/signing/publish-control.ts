import { type Signer, signToken } from '@spendgate/artifact';
import { type ControlEventClaims, canonicalize, eventHeaders, sha256, sha256Text, uuid8 } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import { type EventTransport, OutboxPublisher, type RenderedEvent, TOPICS } from '@spendgate/messaging';
import type { Logger } from '@spendgate/platform';
import {
  CONTROL_LANE,
  type ControlNotice,
  type LaneLease,
  type NumberedOutboxRow,
  type Pool,
  acquireLane,
} from '@spendgate/store';

/** A notice is kept as evidence as long as a chargeback can come. */
const NOTICE_LIFETIME_SECONDS = 400 * 86_400;
/** Pause between two looks at the lane. These events only notify: the rows decided already. */
const LOOK_MS = 250;

/**
 * Publishes what acts wider than one flow left on the control lane: signed notices on `control.v1`, and the flows' steps.
 *
 * Those acts come from short-lived processes (`apply`, the console), so someone who stays must publish for them. The
 * active log is that one: there is never more than one, and it is there whenever anything is decided.
 */
export class PublishControl {
  private readonly publisher: OutboxPublisher;
  private lease: LaneLease | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  /** @param isActive whether this process is the active log now */
  constructor(
    private readonly pool: Pool,
    transport: EventTransport,
    private readonly logger: Logger,
    private readonly domain: { readonly issuer: string; readonly signer: Signer },
    private readonly isActive: () => boolean,
  ) {
    this.publisher = new OutboxPublisher(pool, transport, (rows) => Promise.all(rows.map((row) => this.render(row))));
  }

  start(): void {
    this.timer = setInterval(() => {
      this.running ??= this.execute().finally(() => (this.running = undefined));
    }, LOOK_MS);
  }

  /** Ends after what is on its way. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** What fails is left for the next look; what is sent twice is dropped by consumers. */
  private async execute(): Promise<void> {
    if (!this.isActive()) {
      this.lease = undefined; // the next time is a new ownership, with a new epoch
      return;
    }
    try {
      this.lease ??= (await acquireLane(this.pool, CONTROL_LANE, null)).lease;
      await this.publisher.catchUp(this.lease);
    } catch (error) {
      this.lease = undefined;
      this.logger.warn('control events could not be published; they are tried again', error);
    }
  }

  private async render(row: NumberedOutboxRow): Promise<RenderedEvent> {
    if (row.body === null) throw new InvariantError('ERR_OUTBOX_ROW', `control lane row ${row.seq} has no body`);
    const id = uuid8(sha256(canonicalize(['control', this.domain.issuer, String(row.seq)])));
    if (row.topic === TOPICS.flowTransitions || row.topic === TOPICS.incidents) {
      const times = JSON.parse(row.body) as { transitioned_at_ms?: number; changed_at_ms?: number }; // as: our own column
      const timeMs = times.transitioned_at_ms ?? times.changed_at_ms ?? 0;
      const headers = eventHeaders(row.topic, { id, source: this.domain.issuer, timeMs });
      return { topic: row.topic, record: { key: row.key, value: Buffer.from(row.body), headers } };
    }
    const notice = JSON.parse(row.body) as ControlNotice; // as: our own column
    const value = Buffer.from(await signToken(this.domain.signer, 'control-event+jwt', this.claims(id, notice)));
    const naming = { id: sha256Text(value), source: this.domain.issuer, timeMs: notice.effective_at_ms };
    const headers = eventHeaders(TOPICS.control, naming);
    return { topic: TOPICS.control, record: { key: notice.subject.id, value, headers } };
  }

  private claims(jti: string, notice: ControlNotice): ControlEventClaims {
    const effectiveAt = Math.floor(notice.effective_at_ms / 1000);
    return {
      iss: this.domain.issuer,
      aud: this.domain.issuer,
      iat: effectiveAt,
      exp: effectiveAt + NOTICE_LIFETIME_SECONDS,
      jti,
      event: notice.event,
      subject: notice.subject,
      control_epoch: notice.control_epoch,
      effective_at: effectiveAt,
      leaf_hash: notice.leaf_hash,
    };
  }
}
