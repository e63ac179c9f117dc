import { type DeliveryFailure, DeliverySender, WebhookPoster, sendingParts } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import {
  type NoticeChannel,
  NOTICE_TYPES,
  type WebhookDelivery,
  enqueueNotices,
  raiseAuditAlarm,
  readAuditLate,
  readIncidentView,
} from '@spendgate/store';
import { type Notice, composeIncidentNotice, composeLateNotice } from './compose-notice.js';
import { type MailSettings, readMailSettings } from './notice.settings.js';
import { MailSender } from './send-mail.js';

/** Of the time after which everything is denied for a late audit: somebody should come before. */
const ALARM_SHARE = 0.5;

interface NoticeParts extends ReturnType<typeof sendingParts> {
  readonly publicUrl: string;
  readonly webhookUrl: string | undefined;
  readonly mail: MailSettings | undefined;
  /** As `SPENDGATE_AUDIT_LATE`, ms. */
  readonly auditLateMs: number;
}

/**
 * Tells people by webhook and mail: a case opened, an incident was escalated or is overdue, the log is late. Incidents
 * come by the log's own order, so none is passed over; a late log is told of without it.
 */
export class PeopleNotices extends DeliverySender {
  private readonly poster: WebhookPoster;
  private readonly mail: MailSender | undefined;
  private readonly channels: readonly NoticeChannel[];

  constructor(private readonly parts: NoticeParts) {
    super('incidents', parts);
    const { mail, webhookUrl } = parts;
    this.poster = new WebhookPoster(parts);
    this.mail = mail === undefined ? undefined : new MailSender(mail);
    this.channels = [
      ...(webhookUrl === undefined ? [] : ['webhook' as const]),
      ...(mail === undefined ? [] : ['mail' as const]),
    ];
  }

  /** @throws {StartError} the mail settings are not in order */
  static of(runtime: Runtime): PeopleNotices {
    const { settings } = runtime;
    const url = settings['SPENDGATE_OPS_WEBHOOK_URL'];
    return new PeopleNotices({
      ...sendingParts(runtime),
      publicUrl: runtime.domain.publicUrl,
      webhookUrl: typeof url === 'string' ? url : undefined,
      mail: readMailSettings(settings),
      auditLateMs: Number(settings['SPENDGATE_AUDIT_LATE']),
    });
  }

  protected async enqueue(): Promise<boolean> {
    const { pool, auditLateMs } = this.parts;
    if (this.channels.length > 0) await raiseAuditAlarm(pool, auditLateMs * ALARM_SHARE, this.channels);
    return enqueueNotices(pool, this.channels);
  }

  protected canSend(): boolean {
    return this.channels.length > 0;
  }

  protected async send(delivery: WebhookDelivery): Promise<DeliveryFailure | null> {
    const notice = await this.compose(delivery);
    if (notice === undefined) return null;
    if (delivery.partyId === 'mail') {
      const id = delivery.leafHash.toString('base64url');
      return this.mail === undefined ? null : this.mail.send({ id, subject: notice.subject, text: notice.text });
    }
    const { webhookUrl, signer } = this.parts;
    if (webhookUrl === undefined) return null; // no longer wanted
    if (signer === undefined) return { error: 'no webhook key yet', final: false };
    return this.poster.post(delivery, webhookUrl, notice.data, signer);
  }

  /** As things stand now: a second attempt says what is true by then. */
  private async compose({ leafType, ref }: WebhookDelivery): Promise<Notice | undefined> {
    const { pool, publicUrl, auditLateMs } = this.parts;
    const type = NOTICE_TYPES.find((each) => each === leafType);
    if (type === undefined) return undefined;
    if (type === 'audit_late') return composeLateNotice(await readAuditLate(pool), auditLateMs, publicUrl);
    const view = await readIncidentView(pool, ref);
    return view === undefined ? undefined : composeIncidentNotice(type, view, publicUrl);
  }
}
