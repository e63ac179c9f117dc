export {
  type PartySource,
  type WebhookDelivery,
  type WebhookSource,
  WEBHOOK_QUEUE_MAX,
  claimWebhooks,
  deleteWebhook,
  enqueueWebhooks,
  failWebhook,
  purgeWebhooks,
  readWebhookBacklog,
} from './deliveries.js';
export { type NoticeChannel, NOTICE_TYPES, type NoticeType, enqueueNotices, raiseAuditAlarm } from './queue-notices.js';
