import type { Signer } from '@spendgate/artifact';
import { type PartySource, type WebhookDelivery, enqueueWebhooks } from '@spendgate/store';
import { type DeliveryFailure, type DeliveryParts, DeliverySender } from './delivery-sender.js';
import { type PosterParts, WebhookPoster } from './post-webhook.js';

export interface WebhookParts extends DeliveryParts, PosterParts {
  readonly source: PartySource;
  /** Key of purpose `webhook`: what it signs can be taken for no other object. `undefined`: messages are queued only. */
  readonly signer: Signer | undefined;
  /** What the party may see of it; `undefined`: there is no such thing any more. */
  render(delivery: WebhookDelivery): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** Sends decisions or receipts to those who declared a webhook (Standard Webhooks 1.0.0). */
export class WebhookSender extends DeliverySender {
  private readonly poster: WebhookPoster;

  constructor(private readonly parts: WebhookParts) {
    super(parts.source, parts);
    this.poster = new WebhookPoster(parts);
  }

  protected enqueue(): Promise<boolean> {
    return enqueueWebhooks(this.parts.pool, this.parts.source);
  }

  protected canSend(): boolean {
    return this.parts.signer !== undefined;
  }

  protected async send(delivery: WebhookDelivery): Promise<DeliveryFailure | null> {
    const { signer } = this.parts;
    const data = delivery.url === null ? undefined : await this.parts.render(delivery);
    // Whoever declared no webhook any more, or was disabled, is sent nothing that waited.
    if (delivery.url === null || data === undefined || signer === undefined) return null;
    return this.poster.post(delivery, delivery.url, data, signer);
  }
}

/** What a role's process has, and each sender needs. */
type SendingRuntime = Omit<DeliveryParts, 'giveUpMs'> & {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly keys: { readonly webhook?: Signer | undefined };
};

/** Parts of a sender from a role's runtime, by `WEBHOOK_SETTINGS`. */
export function sendingParts({ pool, clock, logger, settings, keys }: SendingRuntime) {
  return {
    ...{ pool, clock, logger, signer: keys.webhook },
    giveUpMs: Number(settings['SPENDGATE_WEBHOOK_GIVE_UP']),
    privateAddresses: settings['SPENDGATE_WEBHOOK_PRIVATE_ADDRESSES'] === true,
  };
}
