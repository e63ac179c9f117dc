import { Logger, StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { acceptLane } from '../doctor/accept-lane.js';
import { checkDatabase } from '../doctor/check-database.js';
import { checkDataFolder, checkKeys, checkNode, checkService, describeMemory } from '../doctor/check-machine.js';
import { checkTransport } from '../doctor/check-transport.js';
import { type Finding, notAsked, unmet } from '../doctor/finding.js';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printLine } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { type OpenDatabase, dataFolder, openDatabase } from '../runtime/open-database.js';
import { openTransport } from '../runtime/open-transport.js';
import { type ProcessSettings, readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { keyFolder, personFrom } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly acceptLane?: string;
  readonly as?: string;
  readonly keys?: string;
  readonly json?: boolean;
}

/** What every check works on, once settings are in order. */
interface Place {
  readonly settings: ProcessSettings;
  readonly issuer: string;
}

/** `spendgate doctor`: names each unmet condition with the command that mends it. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .option('--accept-lane <name>', 'let a stopped lane go on with the log as it is now')
    .option('--as <person>', 'the operator who accepts; signs with PERSON.jwk.json of the key folder')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--json', 'JSON Lines: {"name", "ok", "detail", "mend"}')
    .action(doctor);
  describeVerb(command, {
    group: 'operate',
    summary: 'what is not in order, and what mends it',
    example: 'spendgate doctor\n  spendgate doctor --accept-lane payment-intents.v1/3 --as ada',
    exits: '2 something is unmet',
  });
}

async function doctor({ acceptLane: lane, as, keys, json = false }: Options): Promise<void> {
  if (lane !== undefined) return accept(lane, as, keys);
  const findings = await examine();
  for (const finding of findings) show(finding, json);
  if (findings.some(({ ok }) => ok === false)) process.exitCode = EXIT.denied;
}

async function accept(lane: string, as: string | undefined, keys: string | undefined): Promise<void> {
  if (as === undefined)
    throw new StartError('say who accepts: --as PERSON, an operator whose key is in the key folder');
  const place = readPlace();
  const person = await personFrom(keyFolder(keys), as);
  const database = await openDatabase();
  const transport = transportOf(place, database);
  try {
    const { clusterId, next } = await acceptLane({ ...place, ...database, transport }, lane, person);
    note(`lane ${lane} goes on with log ${clusterId} from offset ${next}`);
  } finally {
    await transport.stop();
    await database.close();
  }
}

async function examine(): Promise<Finding[]> {
  const machine = [checkNode(), checkDataFolder(dataFolder())];
  try {
    const place = readPlace();
    const { settings, issuer } = place;
    const found = [...machine, await checkKeys(settings, issuer), ...(await examineDatabase(place))];
    return [...found, await checkService(), describeMemory(settings.SPENDGATE_DATA)];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [...machine, unmet('settings', error.message, 'spendgate config print')];
  }
}

async function examineDatabase(place: Place): Promise<Finding[]> {
  let database: OpenDatabase;
  try {
    database = await openDatabase(place.settings.SPENDGATE_DATA);
  } catch (error) {
    return [unmet('database', error instanceof Error ? error.message : String(error), 'spendgate up')];
  }
  const transport = transportOf(place, database);
  try {
    const found = await checkDatabase(database.pool, place.issuer);
    const isMigrated = found.some(({ name, ok }) => name === 'schema' && ok === true);
    if (!isMigrated) return [...found, notAsked('topics', 'the schema comes first')];
    return [...found, ...(await checkTransport(transport, database.pool))];
  } finally {
    await transport.stop();
    await database.close();
  }
}

function readPlace(): Place {
  const settings = readProcessSettings(ROLE_NAMES);
  return { settings, issuer: chooseIssuer(settings) };
}

function transportOf({ settings, issuer }: Place, { pool, url }: OpenDatabase) {
  const logger = Logger.create({ level: 'silent', role: 'doctor' });
  return openTransport({ settings, pool, logger, issuer, databaseUrl: url });
}

function show({ name, ok, detail, mend }: Finding, json: boolean): void {
  if (json) return printJson({ name, ok, detail, mend });
  const mark = ok === null ? '-' : ok ? 'ok' : 'UNMET';
  printLine(`${mark.padEnd(5)}  ${name.padEnd(12)} ${detail}`);
  if (mend !== null) printLine(`${''.padEnd(5)}  ${''.padEnd(12)} → ${mend}`);
}
