import path from 'node:path';
import { DomainKeys } from '@spendgate/artifact';
import { type NoteKey, NOTE_SIGNATURE, isKeyName, parseNoteKey } from '@spendgate/audit-log';
import { Logger, type LogLevel, Shutdown, StartError, readSettings, systemClock } from '@spendgate/platform';
import { CheckpointStore, WITNESS_SETTINGS, Witness, createWitnessServer } from '@spendgate/witness';
import { PROCESS_SETTINGS } from './process.settings.js';
import { ROLE_NAMES, settingsOf } from './roles.js';

/** A running witness. */
export interface RunningWitness {
  readonly url: string;
  /** What logs and verifiers name it by. */
  readonly verifierKey: string;
  readonly shutdown: Shutdown;
}

/**
 * Starts a witness: no database, no transport, no key of the domain; its own key and what it remembers are in a folder.
 *
 * @throws {StartError} a setting is not usable
 */
export async function runWitness(environment = process.env): Promise<RunningWitness> {
  const table = { ...PROCESS_SETTINGS, ...WITNESS_SETTINGS };
  const settings = readSettings(table, environment, { ...settingsOf(ROLE_NAMES), ...table });
  const logger = Logger.create({ level: settings.SPENDGATE_LOG_LEVEL as LogLevel, role: 'witness' }); // as: `oneOf` checked it
  const name = settings.SPENDGATE_WITNESS_NAME;
  if (!isKeyName(name)) throw new StartError('SPENDGATE_WITNESS_NAME: no spaces and no plus');
  const folder = path.join(path.resolve(settings.SPENDGATE_DATA), 'witness');
  const keys = await DomainKeys.open(path.join(folder, 'keys'), {
    issuer: name,
    purposes: ['checkpoint'],
    passphrase: settings.SPENDGATE_KEY_PASSPHRASE,
    createAtMs: systemClock.nowMs(),
  });
  const store = new CheckpointStore(path.join(folder, 'cosigned'));
  const witness = new Witness(
    name,
    keys.signer('checkpoint'),
    logsOf(settings.SPENDGATE_WITNESS_LOGS),
    store,
    systemClock,
  );
  const server = createWitnessServer(witness, logger);
  const { SPENDGATE_HOST: host, SPENDGATE_PORT: port } = settings;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const shutdown = new Shutdown(logger);
  shutdown.add('witness', () => {
    server.closeIdleConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const address = server.address();
  const listens = typeof address === 'object' && address !== null ? address.port : port;
  return { url: `http://${host}:${listens}`, verifierKey: witness.verifierKey, shutdown };
}

/** @throws {StartError} none is named, or one is no key of a log */
function logsOf(text: string | undefined): NoteKey[] {
  const texts = (text ?? '').split(/\s+/).filter((each) => each !== '');
  if (texts.length === 0)
    throw new StartError('SPENDGATE_WITNESS_LOGS names no log: see log.keys of its /.well-known/spendgate');
  return texts.map((each) => {
    const key = parseNoteKey(each);
    if (key?.type === NOTE_SIGNATURE.ed25519) return key;
    throw new StartError(`SPENDGATE_WITNESS_LOGS: ${each} is no verifier key of a log (name+id+key)`);
  });
}
