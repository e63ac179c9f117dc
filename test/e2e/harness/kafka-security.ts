import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { runToEnd } from './processes.js';

/** The stores hold throw-away keys of one test run in a temporary folder; the word protects nothing. */
const STORE_PASSWORD = 'test-store';

/** The one user of the SASL_SSL harness; the password is new in each run. */
export const KAFKA_USER = { username: 'spendgate', password: randomBytes(24).toString('hex') } as const;

/** Makes an authority and a certificate for `localhost` with keytool. @returns server.properties lines and the CA file. */
export async function makeTls(folder: string): Promise<{ properties: Record<string, string>; caFile: string }> {
  const keystore = join(folder, 'kafka.p12');
  const caFile = join(folder, 'ca.pem');
  const base = ['-keystore', keystore, '-storepass', STORE_PASSWORD, '-storetype', 'PKCS12'];
  // One self-signed certificate is authority and server at once: enough to prove that the client checks it.
  await runToEnd('keytool', [
    '-genkeypair', '-alias', 'kafka', '-keyalg', 'EC', '-groupname', 'secp256r1', '-dname', 'CN=localhost',
    '-ext', 'SAN=dns:localhost,ip:127.0.0.1', '-ext', 'bc:c', '-validity', '2', ...base,
  ]); // prettier-ignore
  await runToEnd('keytool', ['-exportcert', '-rfc', '-alias', 'kafka', '-file', caFile, ...base]);
  const properties = {
    'ssl.keystore.location': keystore,
    'ssl.keystore.password': STORE_PASSWORD,
    'ssl.keystore.type': 'PKCS12',
    'ssl.key.password': STORE_PASSWORD,
  };
  return { properties, caFile };
}

/** server.properties lines that let SCRAM users in on the client listener. */
export function saslProperties(listener: string): Record<string, string> {
  const module = 'org.apache.kafka.common.security';
  const prefix = `listener.name.${listener.toLowerCase()}`;
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${module}.scram.ScramLoginModule required;`,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${module}.scram.ScramLoginModule required;`,
    [`${prefix}.plain.sasl.jaas.config`]: `${module}.plain.PlainLoginModule required user_${KAFKA_USER.username}="${KAFKA_USER.password}";`,
  };
}

/** Arguments of `StorageTool format` that create the user before the first start. */
export function scramArguments(): string[] {
  const user = `name=${KAFKA_USER.username},password="${KAFKA_USER.password}"`;
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[${user}]`]);
}
