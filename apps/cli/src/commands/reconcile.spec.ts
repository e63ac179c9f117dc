import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, writePartyKey } from '@spendgate/artifact';
import { settlementId } from '@spendgate/codec';
import { GATE_SETTINGS, SettlementGateModule, createGateParts } from '@spendgate/settlement-gate';
import {
  type IssuedTestArtifact,
  type ServedModule,
  TEST_ISSUER,
  type TestRuntime,
  captureClaims,
  captureRun,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  registerBank,
  serveModule,
  signOutcome,
  signRequest,
} from '@spendgate/testing';
import 'reflect-metadata';
import { run } from '../index.js';
import { COLUMNS } from '../reconcile/read-csv.js';

const LONG_MS = 60_000;
const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-reconcile-'));
const environment = process.env;

let world: TestRuntime;
let gate: ReturnType<typeof createGateParts>;
let served: ServedModule;
let mandates = 0;
let mandate: string;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await writePartyKey(folder, 'bank', await registerBank(world));
  const runtime = world.as('spendgate_gate');
  served = await serveModule(SettlementGateModule.forRoot(runtime), runtime, { topics: false });
  gate = createGateParts(runtime);
  process.env = { ...environment, SPENDGATE_ISSUER: TEST_ISSUER, SPENDGATE_DATABASE_URL: world.database.url };
}, LONG_MS);
/** A flow of its own for each rule, because one that is contained stays so; and nothing left open on the rail. */
beforeEach(async () => {
  const own = mandateClaim(`main ${(mandates += 1)}`);
  await world.domain.mandates([own]);
  mandate = own.id;
  await world.database.pool.query(
    `UPDATE settlements SET state = 'captured' WHERE state IN ('capturing', 'refunding', 'unknown')`,
  );
});
afterAll(async () => {
  process.env = environment;
  await served.close();
  await gate.events.stop();
  await world.close();
  fs.rmSync(folder, { recursive: true, force: true });
}, LONG_MS);

/** A capture of 5.00 on the rail `bank`, granted and without an outcome. */
async function captured(): Promise<{ artifact: IssuedTestArtifact; id: string }> {
  const artifact = await issueTestArtifact(world, { mandate, counterparty: 'bank-shop', amount: '10.00' });
  await gate.door.present(await signRequest(world.domain.settler, captureClaims(artifact, 'c', '5.00')));
  return { artifact, id: settlementId(artifact.id, 'capture', 'c') };
}

const row = (id: string, change: Partial<Record<string, string>> = {}): string => {
  const cells: Partial<Record<string, string>> = {
    transfer_id: id, rail_reference: 'R-1', direction: 'capture', amount: '5.00', currency: 'USD',
    outcome: 'completed', occurred_at: '2026-01-31T12:00:00Z', ...change,
  }; // prettier-ignore
  return COLUMNS.map((name) => cells[name]).join(',');
};
const csv = (...rows: string[]): string => [COLUMNS.join(','), ...rows, ''].join('\n');

async function reconcile(report: string, ...more: string[]) {
  const file = path.join(folder, 'report');
  fs.writeFileSync(file, report);
  const args = ['settlements', 'reconcile', file, '--rail', 'bank', '--keys', folder, '--url', served.url, '--json'];
  const { stdout, stderr, exitCode } = await captureRun(run, [...args, ...more]);
  const lines = stdout.split('\n').filter((text) => text !== '');
  const rows = lines.map((text) => JSON.parse(text) as Record<string, unknown>); // as: our own JSON Lines
  return { findings: rows.map(({ finding, transfer }) => [finding, transfer]), rows, stderr, exitCode };
}

/** All that a report could have changed. */
async function recorded(): Promise<unknown> {
  const { rows } = await world.database.pool.query(
    `SELECT (SELECT count(*) FROM settlement_outcomes) AS outcomes, (SELECT count(*) FROM leaves) AS leaves,
       (SELECT sum(captured) FROM budgets) AS captured, (SELECT sum(capturing) FROM budgets) AS capturing`,
  );
  return rows[0];
}

async function flowState(): Promise<unknown> {
  const { rows } = await world.database.pool.query('SELECT state FROM flows WHERE flow_id = $1', [mandate]);
  return rows[0];
}

describe('settlements reconcile', () => {
  it('records what the rail says of granted money, and changes nothing when it says so again', async () => {
    const [moved, back] = [await captured(), await captured()];
    const report = csv(row(moved.id), row(back.id, { outcome: 'failed' }));
    const before = await recorded();
    expect((await reconcile(report, '--dry-run')).findings).toEqual([['settled', moved.id], ['returned', back.id]]); // prettier-ignore
    expect(await recorded()).toEqual(before);
    const first = await reconcile(report);
    expect(first.rows.map(({ finding, state }) => [finding, state])).toEqual([
      ['settled', 'captured'],
      ['returned', 'returned'],
    ]);
    expect(first.exitCode).toBe(0);
    const after = await recorded();
    const again = await reconcile(report);
    expect([again.findings, again.exitCode]).toEqual([[['confirmed', moved.id], ['confirmed', back.id]], 0]); // prettier-ignore
    expect(await recorded()).toEqual(after);
  });

  it('contains the flow by the word of the rail when another amount moved, once', async () => {
    const { id } = await captured();
    const report = csv(row(id, { amount: '7.00' }));
    const { findings, rows, exitCode } = await reconcile(report);
    expect([findings, rows[0]?.['state'], exitCode]).toEqual([[['amount_differs', id]], 'unknown', 2]);
    expect(await flowState()).toEqual({ state: 'contained' });
    const after = await recorded();
    expect((await reconcile(report)).exitCode).toBe(2);
    expect(await recorded()).toEqual(after);
  });

  it('contains the flow when money moved that the rail had said did not', async () => {
    const { id } = await captured();
    await reconcile(csv(row(id, { outcome: 'failed' })));
    const late = await reconcile(csv(row(id)));
    expect([late.findings, late.exitCode]).toEqual([[['contradicts', id]], 2]);
    expect(await flowState()).toEqual({ state: 'contained' });
  });

  it('names money nobody authorized, double and wrong entries, and what is missing, and records none of them', async () => {
    const [one, overdue, other] = [await captured(), await captured(), await captured()];
    const { pool } = world.database;
    await pool.query('UPDATE settlements SET outcome_due_at = now() WHERE settlement_id = $1', [overdue.id]);
    const nobody = '11111111-2222-4333-8444-555555555555';
    const before = await recorded();
    const report = csv(
      row(nobody),
      row('rent for march'),
      row(one.id, { direction: 'refund' }),
      row(one.id, { currency: 'EUR' }),
      row(other.id, { outcome: 'unknown' }),
      row(other.id, { outcome: 'unknown', rail_reference: 'R-2' }),
    );
    const { findings, exitCode } = await reconcile(report);
    expect(findings).toEqual([
      ['unauthorized', nobody],
      ['unauthorized', 'rent for march'],
      ['direction_differs', one.id],
      ['duplicate', one.id],
      ['pending', other.id],
      ['duplicate', other.id],
      ['overdue', overdue.id],
    ]);
    expect(exitCode).toBe(2);
    expect(await recorded()).toEqual(before);
  });

  it('knows no movement of another rail, and no denied capture', async () => {
    const artifact = await issueTestArtifact(world, { mandate });
    const present = async (id: string, value: string) =>
      gate.door.present(await signRequest(world.domain.settler, captureClaims(artifact, id, value)));
    await present('external', '5.00');
    const ids = [settlementId(artifact.id, 'capture', 'external')];
    const own = await issueTestArtifact(world, { mandate, counterparty: 'bank-shop' });
    await gate.door.present(await signRequest(world.domain.settler, captureClaims(own, 'denied', '500.00')));
    ids.push(settlementId(own.id, 'capture', 'denied'));
    const { findings } = await reconcile(csv(...ids.map((id) => row(id))));
    expect(findings).toEqual(ids.map((id) => ['unauthorized', id]));
  });

  it('is the word of the rail: a refund the service reported restores its limits by it', async () => {
    const { artifact, id } = await captured();
    await reconcile(csv(row(id)));
    const refund = refundClaims(artifact, 'c', 'r', '2.00');
    await gate.door.present(await signRequest(world.domain.settler, refund));
    const says = outcomeClaims(artifact, { refund_id: 'r' }, 'completed', '2.00');
    await gate.door.present(await signOutcome(world.domain.settler, says));
    const refundId = settlementId(artifact.id, 'refund', 'r');
    const report = csv(row(refundId, { direction: 'refund', amount: '2.00' }));
    expect((await reconcile(report)).findings).toEqual([['settled', refundId]]);
    expect((await reconcile(report)).findings).toEqual([['confirmed', refundId]]);
    const { rows } = await world.database.pool.query(
      'SELECT captured::float8, refunded::float8 FROM budgets WHERE mandate_id = $1',
      [mandate],
    );
    expect(rows).toEqual([{ captured: 5, refunded: 2 }]);
  });

  it('cannot be signed by anybody but the rail', async () => {
    const { id } = await captured();
    const own = fs.readFileSync(path.join(folder, 'bank.jwk.json'));
    fs.rmSync(path.join(folder, 'bank.jwk.json'));
    await writePartyKey(folder, 'bank', PrivateKeySigner.generate('rail'));
    const { rows, exitCode } = await reconcile(csv(row(id)));
    fs.writeFileSync(path.join(folder, 'bank.jwk.json'), own);
    expect([rows[0]?.['finding'], exitCode]).toEqual(['refused', 2]);
    expect((await reconcile(csv(row(id)))).findings).toEqual([['settled', id]]);
  });
});

describe('camt.054', () => {
  const booked = (id: string, change = ''): string =>
    `<Ntry><Amt Ccy="USD">5</Amt><CdtDbtInd>DBIT</CdtDbtInd>${change}<Sts><Cd>BOOK</Cd></Sts>
     <BookgDt><Dt>2026-01-31</Dt></BookgDt><AcctSvcrRef>A&amp;B</AcctSvcrRef><NtryDtls><TxDtls><Refs>
     <EndToEndId>${id.replaceAll('-', '')}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>`;
  const message = (...entries: string[]): string =>
    `<?xml version="1.0" encoding="UTF-8"?><c:Document xmlns:c="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08">
     <c:BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>1</MsgId></GrpHdr><Ntfctn><Id>1</Id>${entries.join('')}</Ntfctn>
     </c:BkToCstmrDbtCdtNtfctn></c:Document>`;

  it('settles a booked debit, and takes one without our id for money nobody authorized', async () => {
    const { id } = await captured();
    const { rows } = await reconcile(message(booked(id), booked('NOTPROVIDED')));
    expect(rows).toMatchObject([
      { finding: 'settled', transfer: id, reported: '5.00', rail_reference: 'A&B', state: 'captured' },
      { finding: 'unauthorized', transfer: 'NOTPROVIDED' },
    ]);
  });

  it('reads a reversal as of the movement it reverses: after a capture it contradicts', async () => {
    const { id } = await captured();
    const reversal = booked(id, '<RvslInd>true</RvslInd>').replace('DBIT', 'CRDT');
    const { findings } = await reconcile(message(booked(id)));
    expect([...findings, ...(await reconcile(message(reversal))).findings]).toEqual([
      ['settled', id],
      ['contradicts', id],
    ]);
  });

  it('takes each transaction of a batch booking by its own amount', async () => {
    const [one, two] = [await captured(), await captured()];
    const each = ({ id }: { id: string }): string =>
      `<TxDtls><Refs><EndToEndId>${id.replaceAll('-', '')}</EndToEndId></Refs><Amt Ccy="USD">5.00</Amt></TxDtls>`;
    const batch = `<Ntry><Amt Ccy="USD">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
      <BookgDt><DtTm>2026-01-31T10:00:00</DtTm></BookgDt><NtryDtls>${each(one)}${each(two)}</NtryDtls></Ntry>`;
    expect((await reconcile(message(batch))).findings).toEqual([['settled', one.id], ['settled', two.id]]); // prettier-ignore
    const without = batch.replaceAll('<Amt Ccy="USD">5.00</Amt>', '');
    expect((await reconcile(message(without))).stderr).toContain('entry 1.1: amount_invalid');
  });

  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`;
  it.each([
    ['entities', bomb + message().replace(/<\?xml.*\?>/, ''), 'doctype_forbidden'],
    ['depth', '<a>'.repeat(200_000), 'malformed'],
    ['depth that closes', '<a>'.repeat(200_000) + '</a>'.repeat(200_000), 'malformed'],
    ['an end that is missing', message().slice(0, -4), 'malformed'],
    ['another message', '<Document><BkToCstmrStmt/></Document>', 'malformed'],
    ['a name that is no name', '<__proto__><a/></__proto__>', 'malformed'],
  ])('refuses a file of %s by name', async (_, report, name) => {
    const { stderr, exitCode } = await reconcile(report);
    expect([stderr.includes(name), exitCode]).toEqual([true, 1]);
  });
});

describe('a hostile file', () => {
  it.each([
    ['a float', { amount: '5.0' }, 'line 3: amount_invalid'],
    ['an exponent', { amount: '5e2' }, 'line 3: amount_invalid'],
    ['a sign', { amount: '-5.00' }, 'line 3: amount_invalid'],
    ['too many digits', { amount: '5.001' }, 'line 3: currency_precision'],
    ['an endless amount', { amount: '9'.repeat(100_000) }, 'line 3: amount_invalid'],
    ['no currency', { currency: 'ZZZ' }, 'line 3: currency_unsupported'],
    ['a direction', { direction: 'void' }, 'line 3: direction_invalid'],
    ['an outcome', { outcome: 'COMPLETED' }, 'line 3: outcome_invalid'],
    ['a time without offset', { occurred_at: '2026-01-31T12:00:00' }, 'line 3: occurred_at_invalid'],
    ['a terminal escape', { rail_reference: '\u001b[2J' }, 'line 3: reference_invalid'],
    ['no id', { transfer_id: '' }, 'line 3: transfer_invalid'],
    ['a cell too many', { rail_reference: 'a,b' }, 'line 3: malformed'],
    ['an open quote', { rail_reference: '"a' }, 'line 3: malformed'],
  ])('with %s is refused by line and name, and nothing before it is sent', async (_, change, refusal) => {
    const { id } = await captured();
    const before = await recorded();
    const { stderr, exitCode } = await reconcile(csv(row(id), row(id, change)));
    expect([stderr.slice(0, refusal.length), exitCode]).toEqual([refusal, 1]);
    expect(await recorded()).toEqual(before);
  });

  it.each([
    ['too large', 'x'.repeat(33 * 1024 * 1024), 'report: too_large'],
    ['of too many lines', csv(...Array.from({ length: 100_001 }, () => row('x'))), 'report: too_large'],
    ['of other columns', 'a,b\n1,2\n', 'line 1: columns_invalid'],
    ['empty', '', 'line 1: columns_invalid'],
  ])('that is %s is refused by name', async (_, report, refusal) => {
    const { stderr, exitCode } = await reconcile(report);
    expect([stderr.slice(0, refusal.length), exitCode]).toEqual([refusal, 1]);
  });

  it('whose bytes are no UTF-8 is refused by name', async () => {
    const file = path.join(folder, 'latin1');
    fs.writeFileSync(file, Buffer.from([0x74, 0xe9]));
    const { stderr } = await captureRun(run, ['settlements', 'reconcile', file, '--rail', 'bank', '--keys', folder]);
    expect(stderr).toContain('encoding_invalid');
  });
});
