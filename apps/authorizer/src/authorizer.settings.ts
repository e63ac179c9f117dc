import { WEBHOOK_SETTINGS } from '@spendgate/http-edge';
import { setting } from '@spendgate/platform';
import { AUDIT_SETTINGS } from '@spendgate/store';
import { NOTICE_SETTINGS } from './notices/notice.settings.js';

/** Settings of the authorizer. None turns a denial into a pass: they bound load and patience. */
export const AUTHORIZER_SETTINGS = {
  ...AUDIT_SETTINGS,
  ...WEBHOOK_SETTINGS,
  ...NOTICE_SETTINGS,
  SPENDGATE_LOG_URL: setting.url({
    about: 'public URL of the log role, named in artifacts for their status list; absent: SPENDGATE_PUBLIC_URL',
  }),
  SPENDGATE_AGENT_INTENTS_PER_SECOND: setting.integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    about: 'intents per second of one agent, on average; more are rate_limited',
  }),
  SPENDGATE_AGENT_INTENTS_BURST: setting.integer({
    default: 20_000,
    min: 1,
    max: 10_000_000,
    about: 'intents of one agent at once',
  }),
  SPENDGATE_MANDATE_INTENTS_PER_SECOND: setting.integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    about: 'intents per second of one mandate, on average; more are rate_limited',
  }),
  SPENDGATE_MANDATE_INTENTS_BURST: setting.integer({
    default: 20_000,
    min: 1,
    max: 10_000_000,
    about: 'intents of one mandate at once',
  }),
  SPENDGATE_ATTESTER_RESULTS_PER_SECOND: setting.integer({
    default: 500,
    min: 1,
    max: 100_000,
    about: 'attestation results of one attester recorded per second, on average; more good ones are rate_limited',
  }),
  SPENDGATE_GRANTS_PER_SECOND: setting.integer({
    default: 2,
    min: 1,
    max: 1_000,
    about: 'mandates one principal or agent may hand in per second, on average; more are rate_limited',
  }),
  SPENDGATE_REFUSAL_EVENTS_PER_SECOND: setting.integer({
    default: 200,
    min: 1,
    max: 100_000,
    about: 'events on intent-refusals.v1 per second and partition; beyond them one summary per batch and code',
  }),
  SPENDGATE_ARTIFACT_LIFETIME_SECONDS: setting.integer({
    default: 3_600,
    min: 1,
    max: 86_400,
    about: 'seconds from an intent to the end of its artifact, when nothing else ends it sooner',
  }),
  SPENDGATE_PARKED_SWEEP_MS: setting.integer({
    default: 1_000,
    min: 10,
    max: 60_000,
    about: 'milliseconds between two looks for parked intents whose wait is over',
  }),
  SPENDGATE_DECISION_WAIT_SECONDS_MAX: setting.integer({
    default: 30,
    min: 1,
    max: 60,
    about: 'longest Prefer: wait=N the HTTP door honours',
  }),
} as const;
