import { setting } from '@spendgate/platform';

/** Settings of a witness, beside the process's data folder, address and port. */
export const WITNESS_SETTINGS = {
  SPENDGATE_WITNESS_NAME: setting.text({
    default: 'witness.local',
    about: 'name under which it cosigns, a schema-less URL by custom; in its verifier key',
  }),
  SPENDGATE_WITNESS_LOGS: setting.text({
    about: 'verifier keys (C2SP name+id+key) of the logs it watches, with spaces between; see /.well-known/spendgate',
  }),
} as const;
