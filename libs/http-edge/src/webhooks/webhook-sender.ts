import type { Signer } from '@spendgate/artifact';
import { type Clock, type Logger, Sweeper } from '@spendgate/platform';
import {
  type Pool,
  type WebhookDelivery,
  type WebhookSource,
  claimWebhooks,
  deleteWebhook,
  enqueueWebhooks,
  failWebhook,
  purgeWebhooks,
  readDomain,
} from '@spendgate/store';
import { postMessage } from './post-message.js';

/** Messages under way at once in this process. */
const AT_ONCE_MAX = 32;
const BACKOFF_FIRST_SECONDS = 5;
const BACKOFF_MAX_SECONDS = 3_600;
const PAUSE_MS = 1_000;
/** RFC 9110 §15.5.11: the receiver wants no more; Standard Webhooks has senders stop at it. */
const GONE = 410;

export interface WebhookParts {
  readonly source: WebhookSource;
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Key of purpose `webhook`: what it signs can be taken for no other object. `undefined`: messages are queued only. */
  readonly signer: Signer | undefined;
  /** A message not delivered within this dies, ms. */
  readonly giveUpMs: number;
  /** Also http and addresses that are not public; the demo domain may always. */
  readonly privateAddresses: boolean;
  /** What the party may see of it; `undefined`: there is no such thing any more. */
  render(delivery: WebhookDelivery): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Where in (0, 1) a wait lies; tests give their own. */
  readonly jitter?: () => number;
}

/**
 * Sends decisions or receipts to those who declared a webhook (Standard Webhooks 1.0.0). At least once: a message is
 * deleted after its answer, so a killed sender repeats it, under the same `webhook-id`. Best-effort order: a message that
 * fails holds up no other.
 */
export class WebhookSender {
  private readonly sweeper: Sweeper;
  private insecure: Promise<boolean> | undefined;

  constructor(private readonly parts: WebhookParts) {
    this.sweeper = new Sweeper(`${parts.source} webhook`, PAUSE_MS, () => this.run(), parts.logger);
  }

  start(): void {
    this.sweeper.start();
  }

  /** Finishes what is under way. */
  stop(): Promise<void> {
    return this.sweeper.stop();
  }

  /** @returns whether there is more to do at once */
  async run(): Promise<boolean> {
    const { pool, source, signer } = this.parts;
    const more = await enqueueWebhooks(pool, source);
    if (signer === undefined) return more;
    const due = await claimWebhooks(pool, source, AT_ONCE_MAX);
    await Promise.all(due.map((delivery) => this.deliver(delivery, signer)));
    if (due.length === 0) await purgeWebhooks(pool);
    return more || due.length > 0;
  }

  private async deliver(delivery: WebhookDelivery, signer: Signer): Promise<void> {
    const { pool } = this.parts;
    const data = delivery.url === null ? undefined : await this.parts.render(delivery);
    // Whoever declared no webhook any more, or was disabled, is sent nothing that waited.
    if (delivery.url === null || data === undefined) return deleteWebhook(pool, delivery);
    const failure = await this.post(delivery, delivery.url, data, signer);
    if (failure === null) return deleteWebhook(pool, delivery);
    const tooOld = this.parts.clock.nowMs() - delivery.createdAtMs >= this.parts.giveUpMs;
    const again = failure.final || tooOld ? null : this.waitSeconds(delivery.attempts);
    await failWebhook(pool, delivery, failure.error, again);
  }

  /** @returns `null`: the receiver has it */
  private async post(
    delivery: WebhookDelivery,
    url: string,
    data: Readonly<Record<string, unknown>>,
    signer: Signer,
  ): Promise<{ readonly error: string; readonly final: boolean } | null> {
    const { clock, privateAddresses, pool } = this.parts;
    this.insecure ??= readDomain(pool).then((domain) => privateAddresses || domain?.kind === 'demo');
    const body = Buffer.from(JSON.stringify(envelope(delivery, data)));
    const headers = await signMessage(messageId(delivery), Math.floor(clock.nowMs() / 1_000), body, signer);
    try {
      const status = await postMessage(url, headers, body, { insecure: await this.insecure });
      if (status >= 200 && status < 300) return null;
      return { error: `answered ${status}`, final: status === GONE };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error), final: false };
    }
  }

  /** Doubling, between half and one and a half of it, so that what failed together does not come together again. */
  private waitSeconds(attempts: number): number {
    const seconds = Math.min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** Math.min(attempts - 1, 20));
    return seconds * (0.5 + (this.parts.jitter ?? Math.random)());
  }
}

/** The same at every attempt: one leaf, one message. */
function messageId({ leafHash }: WebhookDelivery): string {
  return `msg_${leafHash.toString('base64url')}`;
}

function envelope(delivery: WebhookDelivery, data: Readonly<Record<string, unknown>>): object {
  return {
    type: delivery.leafType,
    timestamp: new Date(delivery.leafTimeMs).toISOString(),
    leaf_index: delivery.index,
    leaf_hash: delivery.leafHash.toString('base64url'),
    data,
  };
}

/**
 * Headers of a message: `v1a`, Ed25519 over `id.timestamp.body` (Standard Webhooks §"Signature scheme").
 *
 * @param atSeconds of this attempt: a receiver refuses old ones, so that a captured message cannot be sent again later
 */
async function signMessage(
  id: string,
  atSeconds: number,
  body: Buffer,
  signer: Signer,
): Promise<Readonly<Record<string, string>>> {
  const signature = await signer.sign(Buffer.concat([Buffer.from(`${id}.${atSeconds}.`), body]));
  return {
    'content-type': 'application/json',
    'user-agent': 'spendgate',
    'webhook-id': id,
    'webhook-timestamp': String(atSeconds),
    'webhook-signature': `v1a,${signature.toString('base64')}`,
    'spendgate-key': signer.kid,
  };
}
