import {
  type Pool,
  readClockMs,
  readDomain,
  readDomainKeys,
  readLogLag,
  readLogStanding,
  readRunningLogins,
  readSchemaState,
  WEBHOOK_QUEUE_MAX,
  readStoppedLanes,
  readWatchState,
  readWebhookBacklog,
} from '@spendgate/store';
import { ROLES, ROLE_NAMES } from '../runtime/roles.js';
import { type Finding, look, met, unmet } from './finding.js';

/** Clocks further apart than this make intents fail on their times. */
const SKEW_MS_MAX = 5_000;
/** A leaf should be under a signed head within seconds. */
const SIGNED_AGO_MS_MAX = 30_000;

/** What the database says, each with what mends it; later questions are left out when there is no schema to ask. */
export async function checkDatabase(pool: Pool, issuer: string): Promise<Finding[]> {
  const reachable = await look('database', 'start it, or mend SPENDGATE_DATABASE_URL', () => checkClock(pool));
  if (reachable.name === 'database' && reachable.ok !== true) return [reachable];
  const schema = await look('schema', 'spendgate migrate', () => checkSchema(pool));
  if (schema.ok !== true) return [reachable, schema];
  return [
    reachable,
    schema,
    await look('domain', 'spendgate apply FILE.yaml', () => checkDomain(pool, issuer)),
    await look('lanes', 'spendgate doctor --accept-lane NAME --as PERSON', () => checkLanes(pool)),
    await look('log', 'spendgate serve log', () => checkLog(pool)),
    await look('witnesses', 'spendgate serve log', () => checkWitnesses(pool)),
    await look('watch', 'spendgate serve drift-detector', () => checkWatch(pool)),
    await look('webhooks', 'spendgate apply FILE.yaml', () => checkWebhooks(pool)),
    await look('rights', 'spendgate migrate', () => checkRights(pool)),
  ];
}

async function checkClock(pool: Pool): Promise<Finding> {
  const beforeMs = Date.now();
  const databaseMs = await readClockMs(pool);
  const skewMs = Math.round(databaseMs - (beforeMs + Date.now()) / 2);
  if (Math.abs(skewMs) <= SKEW_MS_MAX) return met('database', `answers; its clock is ${skewMs} ms from this one`);
  return unmet('clock', `the database's clock is ${skewMs} ms from this one`, 'set both by NTP');
}

async function checkSchema(pool: Pool): Promise<Finding> {
  const { pending, unknown } = await readSchemaState(pool);
  if (pending.length > 0) return unmet('schema', `${pending.length} migrations are missing`, 'spendgate migrate');
  const newer = unknown.length === 0 ? '' : `; ${unknown.length} are of a newer release`;
  return met('schema', `migrated${newer}`);
}

async function checkDomain(pool: Pool, issuer: string): Promise<Finding> {
  const domain = await readDomain(pool);
  if (domain === undefined) return unmet('domain', 'there is none yet', 'spendgate apply FILE.yaml');
  const found = `${domain.issuer}, ${domain.kind}, control epoch ${domain.controlEpoch}`;
  if (domain.issuer !== issuer) return unmet('domain', `${found}; not ${issuer}`, `SPENDGATE_ISSUER=${domain.issuer}`);
  const keys = (await readDomainKeys(pool)).filter(({ retiredAtMs }) => retiredAtMs === null);
  if (keys.length === 0) return unmet('domain', `${found}; it has no keys`, 'spendgate apply FILE.yaml');
  return met('domain', `${found}, ${keys.length} keys`);
}

async function checkLanes(pool: Pool): Promise<Finding> {
  const stopped = await readStoppedLanes(pool);
  const [first] = stopped;
  if (first === undefined) return met('lanes', 'none is stopped');
  const found = stopped.map(({ name, stoppedReason }) => `${name}: ${stoppedReason}`).join('; ');
  return unmet('lanes', found, `spendgate doctor --accept-lane ${first.name} --as PERSON`);
}

async function checkLog(pool: Pool): Promise<Finding> {
  const { waitingLeaves, treeSize, signedSize, signedAgoMs } = await readLogLag(pool);
  const found = `${treeSize} leaves, ${waitingLeaves} waiting, signed up to ${Math.max(signedSize, 0)}`;
  const isBehind = waitingLeaves > 0 || signedSize < treeSize;
  if (!isBehind || signedAgoMs <= SIGNED_AGO_MS_MAX) return met('log', found);
  return unmet('log', `${found}, ${Math.round(signedAgoMs / 1000)} s ago`, 'spendgate serve log');
}

const WITNESSES_ASKED = 'start the log: spendgate up, or spendgate serve log';
const WITNESS_SILENT =
  'start it; or two people accept its silence for one start: spendgate log accept --as PERSON --reason TEXT';
/** A running role asks no more whether the log is confirmed, and `up` keeps the key its own witness began with. */
const WITNESS_OBJECTS =
  'a restored backup has to be brought up to date; when the folder of the witness of `spendgate up` was lost: start `up` again';

async function checkWitnesses(pool: Pool): Promise<Finding> {
  const standing = await readLogStanding(pool);
  if (standing === undefined || standing.quorum === 0) return met('witnesses', 'none is asked');
  const { answers, confirmed } = standing;
  const since = confirmed ? 'the last log process was confirmed' : 'the last log process is not confirmed';
  const { silent = [], objecting = [] } = answers ?? {};
  if (objecting.length > 0) return unmet('witnesses', `${since}; refused by ${objecting.join('; ')}`, WITNESS_OBJECTS);
  if (silent.length > 0) return unmet('witnesses', `${since}; silent: ${silent.join(', ')}`, WITNESS_SILENT);
  return confirmed ? met('witnesses', since) : unmet('witnesses', since, WITNESSES_ASKED);
}

async function checkWatch(pool: Pool): Promise<Finding> {
  const state = await readWatchState(pool);
  const mend = 'spendgate serve drift-detector';
  if (state === undefined) return unmet('watch', 'nobody verifies continuously: no detector was ever started', mend);
  const { governance, overdueFlows, overdueMs, verifiedAgoMs, limbs } = state;
  const ago = `verified ${Math.round(verifiedAgoMs / 1_000)} s ago`;
  if (overdueMs >= 0) return unmet('watch', `${ago}: decisions are trust_unverifiable`, mend);
  if (governance !== 'verified') {
    const broken = Object.entries(limbs).filter(([, verdict]) => verdict !== 'verified');
    const named = broken.map(([limb, verdict]) => `${limb} ${verdict}`).join(', ');
    return unmet('watch', `${named}: decisions are governance_discontinuity`, 'spendgate verify database');
  }
  if (overdueFlows > 0) return unmet('watch', `${ago}; ${overdueFlows} flows overdue`, mend);
  return met('watch', `${ago}, no flow is overdue`);
}

/** Parties named in one finding; the worst come first. */
const PARTIES_SHOWN = 5;

async function checkWebhooks(pool: Pool): Promise<Finding> {
  const backlog = await readWebhookBacklog(pool, PARTIES_SHOWN);
  const waiting = backlog.reduce((sum, party) => sum + party.waiting, 0);
  const bad = backlog.filter((party) => party.dead > 0 || party.waiting >= WEBHOOK_QUEUE_MAX);
  if (bad.length === 0) return met('webhooks', `${waiting} messages wait, none is dead`);
  const found = bad.map(({ kind, partyId, waiting: left, dead, lastError }) => {
    return `${kind} ${partyId}: ${dead} dead, ${left} waiting (${lastError ?? 'queue full'})`;
  });
  return unmet('webhooks', found.join('; '), 'mend the receiver, or declare another URL: spendgate apply FILE.yaml');
}

/** Each role that runs as a process of its own, by the name it connects under. `up` is one process with one pool. */
const RUNNING = new Map(ROLE_NAMES.map((role) => [`spendgate ${role}`, ROLES[role].database] as const));

async function checkRights(pool: Pool): Promise<Finding> {
  const logins = await readRunningLogins(pool, RUNNING);
  if (logins.length === 0) return met('rights', 'no role runs as a process of its own');
  const bad = logins.filter(({ excess }) => excess.length > 0);
  if (bad.length === 0) return met('rights', `${logins.length} logins, none can do more than its role does`);
  const found = bad.map(({ login, application, excess }) => {
    const more = excess.length > ACTS_SHOWN ? `, and ${excess.length - ACTS_SHOWN} more` : '';
    return `${application} runs as ${login}: ${excess.slice(0, ACTS_SHOWN).join(', ')}${more}`;
  });
  return unmet('rights', found.join('; '), 'a login of its own for each role: docs/audit.md');
}

/** Acts named for one login. */
const ACTS_SHOWN = 5;
