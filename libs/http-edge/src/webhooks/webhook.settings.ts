import { setting } from '@spendgate/platform';

/** Settings of every role that sends webhooks. */
export const WEBHOOK_SETTINGS = {
  SPENDGATE_WEBHOOK_GIVE_UP: setting.duration({
    default: 86_400_000,
    min: 1_000,
    max: 604_800_000,
    about: 'a webhook message not delivered within this is dead; `spendgate doctor` shows it',
  }),
  SPENDGATE_WEBHOOK_PRIVATE_ADDRESSES: setting.boolean({
    default: false,
    about: 'webhooks may be http and at loopback or private addresses; the demo domain always may',
  }),
} as const;
