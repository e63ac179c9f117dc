import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer } from '@spendgate/artifact';
import {
  type Checkpoint,
  type NoteKey,
  NOTE_SIGNATURE,
  logOrigin,
  parseCheckpoint,
  parseNote,
} from '@spendgate/audit-log';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, EndParkedIntents, createAuthorizerParts } from '@spendgate/authorizer';
import { commitmentOf, leafHashOf } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { Metrics } from '@spendgate/platform';
import { DEFAULT_POLICY } from '@spendgate/policy';
import { GATE_SETTINGS, createGateParts } from '@spendgate/settlement-gate';
import {
  type Transaction,
  acquireLog,
  activatePolicies,
  inControlAct,
  readLastCheckpoint,
  recordDomainKeys,
  recordKeys,
  retireKey,
  revokeMandates,
  setDetectors,
} from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  batchOf,
  captureClaims,
  intentClaims,
  TEST_SPENDING,
  mandateClaim,
  namedId,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  signIntent,
  signOutcome,
  signRequest,
  voidClaims,
} from '@spendgate/testing';
import { IntegrateLeaves, SignHead, verifyDatabase } from '@spendgate/transparency-log';

const NOW_MS = Date.now();
const HOOK_MS = 120_000;
const logKey = PrivateKeySigner.generate('checkpoint');

let world: TestRuntime;
let remembered: Checkpoint;
let tx: Transaction;

/** Everything a domain does in a day, decided by the real authorizer, gate and log. */
beforeAll(async () => {
  world = await openTestRuntime({ settings: { ...AUTHORIZER_SETTINGS, ...GATE_SETTINGS } });
  const { pool } = world.database;
  await world.domain.mandates([
    mandateClaim('main'),
    mandateClaim('asks', { approvals: { above: '1.00' } }),
    mandateClaim('gone'),
    mandateClaim('watched', { spending: TEST_SPENDING }),
  ]);
  await inControlAct(pool, async (act) => {
    await recordDomainKeys(act, [
      described(logKey, 'checkpoint'),
      described(PrivateKeySigner.generate('artifact'), 'artifact'),
    ]);
    await recordDomainKeys(act, [described(PrivateKeySigner.generate('artifact'), 'artifact')]);
    const { kid, alg, jwk } = PrivateKeySigner.generate('agent');
    await recordKeys(act, [{ kid, kind: 'agent', partyId: 'buyer', alg, jwk }]);
    await retireKey(act, kid, act.atMs, null);
    await setDetectors(act, { mode: 'enforce', eventsPerDay: 1_000 });
    const { schemaText, policyText } = DEFAULT_POLICY;
    const policies = [{ policyId: 'other', setHash: 'one', schemaText, policyText }];
    await activatePolicies(act, policies);
    await activatePolicies(act, [{ policyId: 'other', setHash: 'two', schemaText, policyText: `${policyText} ` }]);
  });
  await decide();
  await settle();
  await inControlAct(pool, (act) => revokeMandates(act, { mandateIds: [namedId('gone')], by: 'acme', reason: 'over' }));
  await sign();
  await decide('late'); // after the checkpoint that is remembered
  await sign();
}, HOOK_MS);
afterAll(() => world.close());

const described = ({ kid, alg, jwk }: Signer, purpose: 'checkpoint' | 'artifact') => ({ kid, alg, jwk, purpose });

/** Authorized, denied, and one that waited and was ended. */
async function decide(mark = ''): Promise<void> {
  const { pool } = world.database;
  const parts = createAuthorizerParts(world.runtime);
  const lane = await world.lane(TOPICS.paymentIntents);
  const changes = {
    a: {},
    b: {},
    c: { amount: { value: '1000.01', currency: 'USD' } },
    d: { mandate: namedId('asks') },
    w: { mandate: namedId('watched') },
    ...(mark === '' ? { e: { mandate: namedId('gone') } } : {}),
  };
  const tokens = Object.entries(changes).map(([jti, change]) =>
    signIntent(world.domain.agent('buyer'), intentClaims(`${jti}${mark}`, NOW_MS, change)),
  );
  const { rows } = await pool.query<{ next: bigint }>('SELECT next FROM lanes WHERE lane_id = $1', [lane.laneId]);
  const batch = { appendedAtMs: NOW_MS, firstOffset: rows[0]?.next ?? 0n };
  await new AuthorizeBatch(parts).execute(batchOf(lane, await Promise.all(tokens), batch));
  await pool.query(`UPDATE parked_intents SET parked_until = clock_timestamp() - interval '1 ms'`);
  await new EndParkedIntents(parts).execute(lane);
}

/** One captured and half of it refunded, one voided. */
async function settle(): Promise<void> {
  const gate = createGateParts(world.runtime);
  const [one, two] = await artifacts();
  if (one === undefined || two === undefined) throw new Error('two artifacts were issued');
  const ask = async (claims: object): Promise<unknown> =>
    gate.door.present(await signRequest(world.domain.settler, claims));
  const report = async (claims: object): Promise<unknown> =>
    gate.door.present(await signOutcome(world.domain.settler, claims));
  const answers = [
    await ask(captureClaims(one, 'c', '12.50')),
    await report(outcomeClaims(one, { capture_id: 'c' }, 'completed', '12.50')),
    await ask(refundClaims(one, 'c', 'r', '2.50')),
    await report(outcomeClaims(one, { refund_id: 'r' }, 'completed', '2.50')),
    await ask(voidClaims(two, 'v')),
  ];
  const done = { capture: { code: null }, outcome: { applied: true } };
  expect(answers).toMatchObject([done.capture, done.outcome, done.capture, done.outcome, done.capture]);
  await gate.events.stop();
}

async function artifacts(): Promise<IssuedTestArtifact[]> {
  const { rows } = await world.database.pool.query<{ id: string; hash: Buffer; flow: string; claims: string }>(
    `SELECT artifact_id AS id, claims_hash AS hash, flow_id AS flow, claims FROM artifacts WHERE flow_id = $1 ORDER BY status_idx`,
    [namedId('main')],
  );
  return rows.map(({ id, hash, flow, claims: text }) => {
    const claims = JSON.parse(text) as IssuedTestArtifact['claims']; // as: the authorizer's own claims
    const [{ amount, counterparty, reference }] = claims.authorization_details;
    const of = { amount: amount.value, currency: amount.currency, counterparty: counterparty.id, reference };
    return { id, hash: hash.toString('base64url'), flowId: flow, claims, ...of };
  });
}

async function sign(): Promise<void> {
  const { pool } = world.database;
  const state = await acquireLog(pool, 'spec', 60_000);
  if (state === undefined) throw new Error('the lease is free');
  const log = await IntegrateLeaves.resume(pool, new Metrics(), { batchMax: 1_000, leaseMs: 60_000 }, state);
  while ((await log.execute()).more);
  await (await SignHead.resume(pool, logOrigin(world.domain.issuer), logKey)).execute(log.epoch, log.head);
  const note = parseNote((await readLastCheckpoint(pool))?.note ?? '');
  const head = note === 'note_malformed' ? undefined : parseCheckpoint(note.text);
  if (head === undefined) throw new Error('a checkpoint was signed');
  remembered ??= head;
}

function logKeys(signer = logKey): NoteKey[] {
  const publicKey = Buffer.from(signer.jwk.kty === 'OKP' ? signer.jwk.x : '', 'base64url');
  return [{ name: logOrigin(world.domain.issuer), type: NOTE_SIGNATURE.ed25519, publicKey }];
}

interface Seen {
  readonly name: string;
  readonly fault: string;
  readonly index: number | null;
}

/** What is found in a database altered by these statements, which are undone. */
async function found(...statements: readonly string[]): Promise<Seen[]> {
  tx = await world.database.pool.connect();
  try {
    await tx.query('BEGIN');
    for (const sql of statements) await tx.query(sql);
    const report = await verifyDatabase(tx, { logKeys: logKeys(), remembered });
    const failed = report.statements.filter(({ holds }) => !holds);
    expect(report.valid).toBe(failed.length === 0);
    return failed.flatMap(({ name, faults }) => faults.map(({ fault, index }) => ({ name, fault, index })));
  } finally {
    await tx.query('ROLLBACK');
    tx.release();
  }
}

async function placeOf(where: string): Promise<number> {
  const { rows } = await world.database.pool.query<{ index: number }>(
    `SELECT min(p.index)::float8 AS index FROM log_positions p JOIN leaves l USING (lane_id, seq) WHERE ${where}`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`no leaf: ${where}`);
  return row.index;
}

const LEAF = (type: string, text = ''): string => `l.leaf LIKE '%"type":"${type}"%' AND l.payload LIKE '%${text}%'`;
const DENIED = LEAF('decision_denied', 'budget_exceeded');
const AUTHORIZED = LEAF('decision_authorized');
const CAPTURE = LEAF('settlement_capture_authorized');
const OUTCOME = LEAF('settlement_outcome_recorded', '12.50');
const REFUND = LEAF('settlement_refund_authorized');
const KEY = LEAF('key_changed', '"act":"domain_key_added","jwk":%"purpose":"checkpoint"');
const PARTY_KEY = LEAF('key_changed', '"kind":"settlement_service"');
const LOST_KEY = LEAF('key_changed', '"act":"key_added"%"kind":"agent"%');
const POLICY = LEAF('policy_activated', '"set_hash":"two"');
const MANDATE = (name: string): string => LEAF('mandate_registered', `"id":"${namedId(name)}"`);
const WATCHED = LEAF('flow_baseline_set', `"flow":"${namedId('watched')}"`);
const BASELINE = LEAF('flow_baseline_set', `"flow":"${namedId('main')}"`);
const MAIN = `WHERE mandate_id = '${namedId('main')}'`;
const OF_DENIED = `WHERE decision_id = (SELECT decision_id FROM decisions WHERE code = 'budget_exceeded' ORDER BY judged_at LIMIT 1)`;
const FIRST = `(SELECT artifact_id FROM artifacts ORDER BY status_idx LIMIT 1)`;
const CAPTURED = `WHERE action = 'capture'`;

type Tamper = readonly [what: string, table: string, fault: string, where: string | null, ...sql: string[]];

/** By whom owns the database: triggers and constraints are off for all of them. */
const TAMPERS: readonly Tamper[] = [
  ['a denial turned into a grant', 'decisions', 'outcome', DENIED, `UPDATE decisions SET outcome = 'authorized' ${OF_DENIED}`],
  ['another reason', 'decisions', 'code', DENIED, `UPDATE decisions SET code = 'rate_limited' ${OF_DENIED}`],
  ['another agent', 'decisions', 'agent', DENIED, `UPDATE decisions SET agent_id = 'rival' ${OF_DENIED}`],
  ['another amount asked', 'decisions', 'amount', DENIED, `UPDATE decisions SET amount = 1 ${OF_DENIED}`],
  ['another currency asked', 'decisions', 'currency', DENIED, `UPDATE decisions SET currency = 'EUR' ${OF_DENIED}`],
  ['another payee asked', 'decisions', 'counterparty', DENIED, `UPDATE decisions SET counterparty_id = 'x' ${OF_DENIED}`],
  ['another request', 'decisions', 'request', DENIED, `UPDATE decisions SET request = 'x' ${OF_DENIED}`],
  ['another time', 'decisions', 'judged_at', DENIED, `UPDATE decisions SET judged_at = judged_at - interval '1 s' ${OF_DENIED}`],
  ['a deleted decision', 'decisions', 'row_missing', DENIED, `DELETE FROM decisions ${OF_DENIED}`],
  ['a decision that was never made', 'decisions', 'not_in_log', null, `UPDATE decisions SET leaf_hash = sha256('x') ${OF_DENIED}`],
  ['more money in an artifact', 'decisions', 'artifact', AUTHORIZED, `UPDATE artifacts SET claims = replace(claims, '"12.50"', '"92.50"') WHERE artifact_id = ${FIRST}`],
  ['an artifact for another presenter', 'artifacts', 'audience', AUTHORIZED, `UPDATE artifacts SET audience = 'thief' WHERE artifact_id = ${FIRST}`],
  ['a voided artifact alive again', 'artifacts', 'status', null, `UPDATE artifacts SET status = 0`],
  ['an artifact revoked by nobody', 'artifacts', 'status', AUTHORIZED, `UPDATE artifacts SET status = 1 WHERE artifact_id = ${FIRST}`],
  ['an artifact nobody decided', 'artifacts', 'not_in_log', null, `INSERT INTO artifacts SELECT (json_populate_record(a, '{"artifact_id":"${namedId('x')}","status":0}')).* FROM artifacts a LIMIT 1`],
  ['a larger hold', 'holds', 'amount', AUTHORIZED, `UPDATE holds SET amount = 90, held = held + 77.5 WHERE artifact_id = ${FIRST}`],
  ['a hold for another payee', 'holds', 'counterparty_id', AUTHORIZED, `UPDATE holds SET counterparty_id = 'x' WHERE artifact_id = ${FIRST}`],
  ['a capture taken out of a hold', 'holds', 'captured', AUTHORIZED, `UPDATE holds SET captured = 0, held = 12.5, ended = false WHERE artifact_id = ${FIRST}`],
  ['a hold that lives longer', 'holds', 'settle_by', AUTHORIZED, `UPDATE holds SET settle_by = settle_by + interval '1 day' WHERE artifact_id = ${FIRST}`],
  ['a hold that expires later', 'holds', 'expires_at', AUTHORIZED, `UPDATE holds SET expires_at = expires_at + interval '1 s' WHERE artifact_id = ${FIRST}`],
  ['a deleted hold', 'holds', 'row_missing', AUTHORIZED, `DELETE FROM holds WHERE artifact_id = ${FIRST}`],
  ['money back that no rail reported', 'holds', 'restored', AUTHORIZED, `UPDATE holds SET restored = 2.5 WHERE artifact_id = ${FIRST}`],
  ['a budget that forgot what was spent', 'budgets', 'captured', MANDATE('main'), `UPDATE budgets SET captured = 0 ${MAIN}`],
  ['a budget with less in hold', 'budgets', 'held', MANDATE('main'), `UPDATE budgets SET held = 0 ${MAIN}`],
  ['a budget that got money back', 'budgets', 'refunded', MANDATE('main'), `UPDATE budgets SET refunded = 12 ${MAIN}`],
  ['a deleted budget', 'budgets', 'row_missing', MANDATE('main'), `DELETE FROM budgets ${MAIN}`],
  ['another amount captured', 'settlements', 'amount', CAPTURE, `UPDATE settlements SET amount = 1 ${CAPTURED}`],
  ['a capture by another presenter', 'settlements', 'presenter', CAPTURE, `UPDATE settlements SET presenter = 'x' ${CAPTURED}`],
  ['a capture that failed after all', 'settlements', 'state', CAPTURE, `UPDATE settlements SET state = 'returned' ${CAPTURED}`],
  ['a refund never given', 'settlements', 'refunded', CAPTURE, `UPDATE settlements SET refunded = 0 ${CAPTURED}`],
  ['a receipt with other words', 'settlements', 'claims', CAPTURE, `UPDATE settlements SET claims = replace(claims, '"value":"12.50"', '"value":"2.50"') ${CAPTURED}`],
  ['a deleted refund', 'settlements', 'row_missing', REFUND, `DELETE FROM settlements WHERE action = 'refund'`],
  ['an outcome turned around', 'settlement_outcomes', 'outcome', OUTCOME, `UPDATE settlement_outcomes SET outcome = 'failed' WHERE amount = 12.5`],
  ['an outcome that never came', 'settlement_outcomes', 'not_in_log', null, `UPDATE settlement_outcomes SET leaf_hash = sha256('x') WHERE amount = 12.5`],
  ['another log key', 'domain_keys', 'jwk', KEY, `UPDATE domain_keys SET jwk = jwk || '{"x":"AAAA"}' WHERE purpose = 'checkpoint'`],
  ['a retired key back in use', 'domain_keys', 'retired_at', LEAF('key_changed', '"act":"domain_key_added"%"purpose":"artifact"'), `UPDATE domain_keys SET retired_at = NULL`],
  ['a key put in', 'domain_keys', 'not_in_log', null, `INSERT INTO domain_keys SELECT 'x', purpose, alg, jwk, active_from, null FROM domain_keys LIMIT 1`],
  ['a presenter’s key exchanged', 'party_keys', 'jwk', PARTY_KEY, `UPDATE party_keys SET jwk = jwk || '{"x":"AAAA"}' WHERE kind = 'settlement_service'`],
  ['a key given to another agent', 'party_keys', 'party_id', LOST_KEY, `SET LOCAL session_replication_role = replica`, `UPDATE party_keys SET party_id = 'rival' WHERE kind = 'agent'`],
  ['a deleted key', 'party_keys', 'row_missing', PARTY_KEY, `DELETE FROM party_keys WHERE kind = 'settlement_service'`],
  ['a policy rewritten', 'policies', 'policy_text', POLICY, `UPDATE policies SET policy_text = 'permit (principal, action, resource);' WHERE set_hash = 'two'`],
  ['an older policy in force', 'policies', 'active', LEAF('policy_activated', '"set_hash":"one"'), `UPDATE policies SET active = (version = 1) WHERE policy_id = 'other' AND version = 2`, `UPDATE policies SET active = true WHERE policy_id = 'other' AND version = 1`],
  ['a policy nobody put in force', 'policies', 'not_in_log', null, `INSERT INTO policies SELECT 'x', version, set_hash, policy_text, schema_text, active FROM policies LIMIT 1`],
  ['a higher limit', 'mandates', 'total_limit', MANDATE('main'), `UPDATE mandates SET total_limit = 1e9 ${MAIN}`],
  ['a grant reworded', 'mandates', 'claims', MANDATE('main'), `UPDATE mandates SET claims = replace(claims, '1000.00', '9000.00') ${MAIN}`],
  ['a revoked mandate back in force', 'mandates', 'revoked_at', MANDATE('gone'), `UPDATE mandates SET revoked_at = NULL`],
  ['a revoked flow back in execution', 'flows', 'state', LEAF('flow_baseline_set', `"flow":"${namedId('gone')}"`), `UPDATE flows SET state = 'executing' WHERE state = 'revoked'`],
  ['another baseline', 'flows', 'baseline', BASELINE, `UPDATE flows SET baseline_hash = 'x' WHERE flow_id = '${namedId('main')}'`],
  ['a flow nobody watches any more', 'flows', 'profile_hash', WATCHED, `UPDATE flows SET profile_hash = NULL, drift = NULL WHERE profile_hash IS NOT NULL`],
  ['evidence taken back', 'flows', 'drift', WATCHED, `UPDATE flows SET drift = jsonb_set(drift::jsonb, '{events}', '0')::text WHERE profile_hash IS NOT NULL`],
  ['evidence made unreadable', 'flows', 'drift', WATCHED, `UPDATE flows SET drift = '{' WHERE profile_hash IS NOT NULL`],
  ['detectors put back in shadow', 'domain', 'drift_mode', LEAF('control_act', '"act":"detectors_set"'), `UPDATE domain SET drift_mode = 'shadow'`],
  ['a threshold out of reach', 'domain', 'drift_events_per_day', LEAF('control_act', '"act":"detectors_set"'), `UPDATE domain SET drift_events_per_day = 10000000`],
  ['a party disabled by nobody', 'parties', 'state', LEAF('control_act', '"id":"buyer"'), `UPDATE parties SET state = 'disabled' WHERE party_id = 'buyer'`],
  ['a payee’s account', 'counterparties', 'accounts', LEAF('control_act', '"act":"counterparty_registered"'), `UPDATE counterparties SET accounts = '["thief"]' WHERE counterparty_id = 'shop'`],
  ['a leaf edited', 'log', 'leaf_altered', DENIED, `UPDATE leaves SET leaf = replace(leaf, 'decision_denied', 'decision_parked') WHERE payload LIKE '%budget_exceeded%'`],
  ['a payload edited', 'leaves', 'payload_altered', DENIED, `UPDATE leaves SET payload = replace(payload, 'budget_exceeded', 'rate_limited')`],
  ['a leaf deleted', 'log', 'leaf_missing', DENIED, `DELETE FROM leaves WHERE leaf LIKE '%decision_denied%'`],
  ['two leaves exchanged', 'log', 'leaf_altered', '(p.index = 3)', `UPDATE log_positions SET seq = 7 - seq WHERE index IN (3, 4)`],
  ['a leaf put in', 'lanes', 'leaves', null, `INSERT INTO leaves SELECT lane_id, 1000, leaf_hash, leaf, payload, salt FROM leaves LIMIT 1`],
  ['a place taken out', 'log', 'leaf_missing', '(p.index = 5)', `DELETE FROM log_positions WHERE index = 5`],
  ['a signed head edited', 'checkpoints', 'row_altered', null, `UPDATE checkpoints SET root = sha256('x')`],
  ['a signature on a checkpoint edited', 'checkpoints', 'signature_invalid', null, `UPDATE checkpoints SET note = replace(note, right(note, 20), right(note, 4))`],
  ['the head edited', 'log', 'head_differs', null, `UPDATE log_state SET root = sha256('x')`],
  ['the end cut off', 'log', 'log_truncated', null, `DELETE FROM log_positions WHERE index > 20`],
  ['the end cut off, with all that shows it', 'history', 'log_truncated', null, `DELETE FROM log_positions WHERE index > 20`, `DELETE FROM checkpoints`, `UPDATE log_state SET tree_size = 21`],
]; // prettier-ignore

interface Logged {
  readonly type: string;
  readonly said: Readonly<Record<string, unknown>>;
  readonly hash: string;
  readonly causes: readonly string[];
}

it('B14–B20: the log holds authorizations, verification states, denials, lineage, evidence, attribution and governance', async () => {
  const { pool } = world.database;
  const { rows: logged } = await pool.query<Logged>(
    `SELECT leaf::jsonb ->> 'type' AS type, payload::jsonb AS said, leaf::jsonb -> 'causes' AS causes,
       translate(rtrim(encode(l.leaf_hash, 'base64'), '='), '+/', '-_') AS hash
     FROM leaves l JOIN log_positions p USING (lane_id, seq)`,
  );
  const { rows: stored } = await pool.query<{ name: string }>(
    `SELECT 'decision_' || outcome || ' ' || decision_id AS name FROM decisions`,
  );
  const decided = logged.filter(({ type }) => type.startsWith('decision_'));
  // One leaf for each decision, and none besides.
  const names = decided.map(({ type, said }) => `${type} ${String(said['decision_id'])}`);
  expect(names.sort()).toEqual(stored.map(({ name }) => name).sort());
  const hashes = new Set(logged.map(({ hash }) => hash));
  for (const { type, said, causes } of decided) {
    expect(said['stages']).not.toHaveLength(0); // verification states
    const evidence = [said['intent_hash'], said['decision_hash']];
    const attribution = [said['agent'], said['agent_kid']];
    expect([...evidence, ...attribution]).toEqual(Array(4).fill(expect.any(String)));
    expect(causes.every((cause) => hashes.has(cause)) && (type !== 'decision_authorized' || causes.length > 0)).toBe(
      true,
    );
  }
  expect([...new Set(logged.map(({ type }) => type))]).toEqual(
    expect.arrayContaining([
      ...['decision_authorized', 'decision_denied', 'decision_parked', 'flow_transition'],
      ...['settlement_capture_authorized', 'settlement_refund_authorized', 'settlement_outcome_recorded'],
      ...[
        'policy_activated',
        'mandate_registered',
        'mandate_revoked',
        'key_changed',
        'flow_baseline_set',
        'control_act',
      ],
    ]),
  );
});

describe('a database whose owner altered it', () => {
  it('A35, I4: untouched, everything is what the log says', async () => {
    expect(await found()).toEqual([]);
  });

  it.each(TAMPERS)('A35: %s is found: %s, %s', async (_what, name, fault, where, ...sql) => {
    const seen = await found(...sql);
    const index = where === null ? expect.anything() : await placeOf(where);
    const expected = where === null ? { name, fault } : { name, fault, index };
    expect(seen).toContainEqual(expect.objectContaining(expected));
  });

  it('C16: a log rebuilt from a changed leaf and signed again with the stolen log key shows by a remembered checkpoint alone', async () => {
    await rebuild();
    const { pool } = world.database;
    expect(await verifyDatabase(pool, { logKeys: logKeys(), remembered: null })).toMatchObject({ valid: true });
    expect(await found()).toEqual([{ name: 'history', fault: 'rewritten', index: 0 }]);
  });
});

/** A denial gets another reason in row, payload, leaf, tree and signature. */
async function rebuild(): Promise<void> {
  const { pool } = world.database;
  type Row = { lane_id: number; seq: bigint; leaf: string; payload: string; salt: Buffer; leaf_hash: Buffer };
  const { rows } = await pool.query<Row>(`SELECT * FROM leaves WHERE payload LIKE '%budget_exceeded%' LIMIT 1`);
  const [row] = rows;
  if (row === undefined) throw new Error('one was denied');
  const payload = row.payload.replace('budget_exceeded', 'rate_limited');
  const commitment = commitmentOf(row.salt, payload).toString('base64url');
  const leaf = row.leaf.replace(/"commitment":"[^"]*"/, `"commitment":"${commitment}"`);
  const hash = leafHashOf(leaf);
  const place = [row.lane_id, row.seq];
  await pool.query(`UPDATE leaves SET leaf = $3, payload = $4, leaf_hash = $5 WHERE lane_id = $1 AND seq = $2`, [
    ...place,
    leaf,
    payload,
    hash,
  ]);
  await pool.query(`UPDATE decisions SET code = 'rate_limited', leaf_hash = $2 WHERE leaf_hash = $1`, [
    row.leaf_hash,
    hash,
  ]);
  await pool.query(`TRUNCATE log_positions, log_tiles, checkpoints`);
  await pool.query(
    `UPDATE log_state SET tree_size = 0, root = sha256(''), cursors = '{}', owner = NULL, leased_until = NULL`,
  );
  await sign();
}
