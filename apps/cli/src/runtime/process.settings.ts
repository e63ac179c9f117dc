import { LOG_LEVELS, setting } from '@spendgate/platform';

/** What every role reads, whichever it is. The role's own table and the messaging table stand beside it. */
export const PROCESS_SETTINGS = {
  SPENDGATE_DATA: setting.text({ default: '.spendgate', about: 'folder of keys and of the embedded database' }),
  SPENDGATE_ISSUER: setting.text({
    about: 'names this domain in every token, for example https://pay.example; absent: the demo domain, embedded only',
  }),
  SPENDGATE_DATABASE_URL: setting.url({ secret: true, about: 'PostgreSQL 17 or newer; absent: the embedded one' }),
  SPENDGATE_OWNER_DATABASE_URL: setting.url({
    secret: true,
    about: 'PostgreSQL user that may change the schema, for migrate; absent: SPENDGATE_DATABASE_URL',
  }),
  SPENDGATE_DATABASE_CONNECTIONS: setting.integer({
    default: 16,
    min: 4,
    max: 200,
    about: 'connections to PostgreSQL of one process',
  }),
  SPENDGATE_HOST: setting.text({ default: '127.0.0.1', about: 'address the HTTP port listens on' }),
  SPENDGATE_PORT: setting.integer({ default: 8080, min: 0, max: 65_535, about: 'HTTP port; 0: any free one' }),
  SPENDGATE_SOURCE_REQUESTS_PER_SECOND: setting.integer({
    default: 2_000,
    min: 1,
    max: 1_000_000,
    about: 'requests per second of one network address at the HTTP port, before any signature is looked at',
  }),
  SPENDGATE_PUBLIC_URL: setting.url({ about: 'how clients address this port; absent: http://HOST:PORT' }),
  SPENDGATE_KEY_PASSPHRASE: setting.secret({ about: 'opens and seals the key files; better as …_FILE' }),
  SPENDGATE_WITNESS_WAIT: setting.duration({
    default: 60_000,
    min: 100,
    max: 3_600_000,
    about:
      'a role that decides gives up its start when the log has not compared the database with its witnesses by then',
  }),
  SPENDGATE_LOG_LEVEL: setting.text({ default: 'info', oneOf: LOG_LEVELS, about: LOG_LEVELS.join(', ') }),
} as const;
