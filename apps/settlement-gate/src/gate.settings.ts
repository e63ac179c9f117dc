import { WEBHOOK_SETTINGS } from '@spendgate/http-edge';
import { setting } from '@spendgate/platform';
import { AUDIT_SETTINGS } from '@spendgate/store';

/** Settings of the settlement gate. None of them turns a denial into a pass. */
export const GATE_SETTINGS = {
  ...AUDIT_SETTINGS,
  ...WEBHOOK_SETTINGS,
  SPENDGATE_OUTCOME_DUE_SECONDS: setting.integer({
    default: 3_600,
    min: 1,
    max: 604_800,
    about: 'silence of an external rail after this is settlement_unknown',
  }),
  SPENDGATE_RAIL_TIMEOUT_MS: setting.integer({
    default: 2_000,
    min: 50,
    max: 60_000,
    about: 'a managed rail that has not answered by then is settlement_unknown',
  }),
  SPENDGATE_GATE_SWEEP_MS: setting.integer({
    default: 1_000,
    min: 50,
    max: 60_000,
    about: 'pause between two looks for ended holds, overdue outcomes and broken lineages',
  }),
  SPENDGATE_REFUND_SHARE_PERCENT: setting.integer({
    default: 20,
    min: 0,
    max: 1_000,
    about: 'refunds of a settlement service above this share of its captures, per day and currency, open a case',
  }),
  SPENDGATE_REFUND_CASE_COUNT: setting.integer({
    default: 5,
    min: 1,
    max: 1_000_000,
    about: 'fewer refunds on a day than this open no case, whatever their share',
  }),
  SPENDGATE_PRESENTER_REQUESTS_PER_SECOND: setting.integer({
    default: 5_000,
    min: 1,
    max: 1_000_000,
    about: 'requests per second of one settlement service, on average; more are rate_limited',
  }),
} as const;
