import type { Signer } from '@spendgate/artifact';
import type { Clock } from '@spendgate/platform';
import { type Pool, type WebhookDelivery, readDomain } from '@spendgate/store';
import type { DeliveryFailure } from './delivery-sender.js';
import { postMessage } from './post-message.js';

/** RFC 9110 §15.5.11: the receiver wants no more; Standard Webhooks has senders stop at it. */
const GONE = 410;

export interface PosterParts {
  readonly pool: Pool;
  readonly clock: Clock;
  /** Also http and addresses that are not public; the demo domain may always. */
  readonly privateAddresses: boolean;
}

/** Posts signed messages (Standard Webhooks 1.0.0). */
export class WebhookPoster {
  private insecure: Promise<boolean> | undefined;

  constructor(private readonly parts: PosterParts) {}

  /** @param signer its key is of purpose `webhook` @returns `null`: the receiver has it */
  async post(
    delivery: WebhookDelivery,
    url: string,
    data: Readonly<Record<string, unknown>>,
    signer: Signer,
  ): Promise<DeliveryFailure | null> {
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
}

/** The same at every attempt: one leaf, one message. */
function messageId({ leafHash }: WebhookDelivery): string {
  return `msg_${leafHash.toString('base64url')}`;
}

/** A message that no leaf stands behind names none. */
function envelope(delivery: WebhookDelivery, data: Readonly<Record<string, unknown>>): object {
  const { index, leafHash } = delivery;
  return {
    type: delivery.leafType,
    timestamp: new Date(delivery.leafTimeMs).toISOString(),
    leaf_index: index < 0 ? null : index,
    leaf_hash: index < 0 ? null : leafHash.toString('base64url'),
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
