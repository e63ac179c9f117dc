import { type SettingValues, StartError } from '@spendgate/platform';

/** The domain that `up` makes by itself on an empty data folder, with keys made on this machine. */
export const DEMO_ISSUER = 'urn:spendgate:demo';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/**
 * The issuer to serve. Without `SPENDGATE_ISSUER` it is the demo domain, which may exist only with nothing real
 * attached: embedded database, embedded transport, loopback. Its keys and people were made for trying things out.
 *
 * @throws {StartError} the demo issuer beside real infrastructure
 */
export function chooseIssuer(settings: SettingValues): string {
  const { SPENDGATE_ISSUER: issuer, SPENDGATE_HOST: host } = settings;
  if (typeof issuer === 'string' && issuer !== DEMO_ISSUER) return issuer;
  const real = ['SPENDGATE_DATABASE_URL', 'SPENDGATE_KAFKA_BROKERS'].filter((name) => settings[name] !== undefined);
  if (typeof host === 'string' && !LOOPBACK.has(host)) real.push('SPENDGATE_HOST');
  if (real.length > 0) {
    throw new StartError(
      `${real.join(', ')} is set, and the demo domain may not run on real infrastructure. ` +
        'Name your domain: SPENDGATE_ISSUER=https://pay.example, then declare it: spendgate apply FILE.yaml',
    );
  }
  return DEMO_ISSUER;
}
