import { setting } from '@spendgate/platform';

/** Settings of the transparency log. None changes what is in the tree; they trade delay for work. */
export const LOG_SETTINGS = {
  SPENDGATE_LOG_PACE: setting.duration({
    default: 5,
    min: 0,
    max: 10_000,
    about: 'pause between two batches of audit leaves while there are any; a longer one makes larger batches',
  }),
  SPENDGATE_LOG_IDLE: setting.duration({
    default: 50,
    min: 5,
    max: 10_000,
    about: 'longest pause between two looks for audit leaves while there are none',
  }),
  SPENDGATE_LOG_LEASE: setting.duration({
    default: 3_000,
    min: 1_000,
    max: 60_000,
    about: 'a log process silent for this long is replaced by another one',
  }),
  SPENDGATE_LOG_BATCH: setting.integer({
    default: 8_192,
    min: 256,
    max: 65_536,
    about: 'audit leaves placed in one transaction, at most; bounds memory',
  }),
  SPENDGATE_CHECKPOINT_PUBLISH: setting.duration({
    default: 250,
    min: 0,
    max: 60_000,
    about: 'shortest time between two records on checkpoints.v1; HTTP always serves the newest checkpoint',
  }),
  SPENDGATE_LOG_LATE: setting.duration({
    default: 10_000,
    min: 100,
    max: 3_600_000,
    about: 'audit leaves that wait longer than this for a checkpoint make the log unready',
  }),
  SPENDGATE_WITNESSES: setting.text({
    about:
      'witnesses that cosign checkpoints: "URL VERIFIER-KEY", with commas between; absent: no proof against the operator',
  }),
  SPENDGATE_WITNESS_QUORUM: setting.integer({
    default: 1,
    min: 0,
    max: 100,
    about: 'how many of the witnesses must have cosigned; fewer stop the log, and with it every decision',
  }),
  SPENDGATE_WITNESS_LEAD: setting.duration({
    default: 10_000,
    min: 100,
    max: 3_600_000,
    about: 'longest the log signs on beyond the last checkpoint the quorum cosigned',
  }),
} as const;
