import { setting } from '@spendgate/platform';

/** Settings of the drift detector. None of them turns a denial into a pass: each bounds how long nobody may have looked. */
export const DETECTOR_SETTINGS = {
  SPENDGATE_DOMAIN_WATCH_SECONDS: setting.integer({
    default: 5,
    min: 1,
    max: 300,
    about: 'policies, keys and audit are verified within this, or every decision is trust_unverifiable',
  }),
  SPENDGATE_FLOW_WATCH_SECONDS: setting.integer({
    default: 60,
    min: 2,
    max: 86_400,
    about: 'a flow with live artifacts is verified within this, or its decisions are trust_unverifiable',
  }),
  SPENDGATE_WATCH_LAPSE_SECONDS: setting.integer({
    default: 604_800,
    min: 60,
    max: 31_536_000,
    about: 'a flow with live artifacts that nobody verified for longer than this is contained',
  }),
} as const;
