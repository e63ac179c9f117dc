import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, createAuthorizerParts } from '@spendgate/authorizer';
import { TOPICS } from '@spendgate/messaging';
import type { Setting, SettingTable } from '@spendgate/platform';
import { GATE_SETTINGS, createGateParts } from '@spendgate/settlement-gate';
import { inControlAct, revokeMandates } from '@spendgate/store';
import {
  type ArtifactChange,
  type TestRuntime,
  batchOf,
  captureClaims,
  intentClaims,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
  signRequest,
} from '@spendgate/testing';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '1000.00', per_transaction: '100.00' };
const MANDATES = [
  mandateClaim('main', { limits: LIMITS }),
  mandateClaim('expired', { validity: { from: 1, until: 2 } }),
  mandateClaim('revoked'),
  mandateClaim('small', { limits: { ...LIMITS, total: '10.00' } }),
  mandateClaim('one-shop', { counterparties: ['casino'] }),
  mandateClaim('approval', { approvals: { above: '10.00' } }),
  mandateClaim('attested', { environment: { max_age_seconds: 300, measurements: ['good'] } }),
];
/** What each intent asks that must not be had, whatever a setting says. */
const ASKED = {
  per_transaction_limit: { amount: { value: '100.01', currency: 'USD' } },
  amount_invalid: { amount: { value: '0.00', currency: 'USD' } },
  currency_mismatch: { amount: { value: '1.00', currency: 'EUR' } },
  intent_expired: { iat: 1, exp: 2 },
  policy_denied: { counterparty: 'casino' },
  mandate_expired: { mandate: namedId('expired') },
  mandate_revoked: { mandate: namedId('revoked') },
  budget_exceeded: { mandate: namedId('small') },
  scope_mismatch: { mandate: namedId('one-shop') },
  approval_required: { mandate: namedId('approval') },
  environment_unattested: { mandate: namedId('attested') },
} as const;
const CAPTURED: Readonly<Record<string, readonly [change: ArtifactChange, amount: string]>> = {
  artifact_expired: [{ lifetimeMs: -1_000 }, '1.00'],
  settle_by_passed: [{ settleByMs: -1_000 }, '1.00'],
  artifact_not_yet_valid: [{ notBeforeMs: 60_000 }, '1.00'],
  artifact_revoked: [{ status: 1 }, '1.00'],
  artifact_suspended: [{ status: 2 }, '1.00'],
  policy_mismatch: [{ policyHash: 'A'.repeat(43) }, '1.00'],
  lineage_fragmented: [{ parentHash: 'A'.repeat(43) }, '1.00'],
  amount_exceeds_artifact: [{ amount: '12.50' }, '12.51'],
};

/** Texts a person might set; a setting's schema says which of them it takes. */
const LADDER = ['false', 'true', ...['', 'ms', 's', 'm', 'h'].flatMap((unit) => powers().map((n) => `${n}${unit}`))];

function powers(): number[] {
  return [0, ...Array.from({ length: 10 }, (_, at) => [1, 5].map((digit) => digit * 10 ** at)).flat()];
}

/** Each setting at the smallest and at the largest value of the ladder that it takes. */
function extremes(table: SettingTable): [name: string, value: unknown][] {
  return Object.entries(table).flatMap(([name, { schema }]: [string, Setting<unknown>]): [string, unknown][] => {
    const taken = LADDER.map((text) => schema.safeParse(text)).flatMap((read) => (read.success ? [read.data] : []));
    const sorted = taken.sort((a, b) => Number(a) - Number(b));
    return [...new Set([sorted[0], sorted.at(-1)])].map((value) => [name, value]);
  });
}

let world: TestRuntime;
let offset = 0n;

beforeAll(async () => {
  world = await openTestRuntime({ settings: { ...AUTHORIZER_SETTINGS, ...GATE_SETTINGS } });
  await world.domain.mandates(MANDATES);
  const revoked = { mandateIds: [namedId('revoked')], by: 'acme', reason: 'spec' };
  await inControlAct(world.database.pool, (act) => revokeMandates(act, revoked));
}, HOOK_MS);
afterAll(() => world.close());

function runtimeWith(name: string, value: unknown): TestRuntime['runtime'] {
  return { ...world.runtime, settings: { ...world.runtime.settings, [name]: value } };
}

/** One record for each denial, and one whose signature is another key's. @returns the codes in that order */
async function decideAll(name: string, value: unknown): Promise<(string | null)[]> {
  const authorize = new AuthorizeBatch(createAuthorizerParts(runtimeWith(name, value)));
  const nowMs = Date.now();
  const signers = [...Object.values(ASKED).map(() => world.domain.agent('buyer')), PrivateKeySigner.generate('agent')];
  const records = await Promise.all(
    signers.map((signer, at) => {
      const jti = `${name}-${String(value)}-${at}`;
      return signIntent(signer, { ...intentClaims(jti, nowMs), ...Object.values(ASKED)[at] });
    }),
  );
  const first = offset;
  offset += BigInt(records.length);
  const lane = await world.lane(TOPICS.paymentIntents);
  await authorize.execute(batchOf(lane, records, { firstOffset: first, appendedAtMs: nowMs }));
  const { rows } = await world.database.pool.query<{ code: string | null }>(
    `SELECT code FROM (SELECT lane_offset, code FROM decisions UNION ALL SELECT lane_offset, code FROM refusals) AS a
     WHERE lane_offset >= $1 ORDER BY lane_offset`,
    [first],
  );
  return rows.map(({ code }) => code);
}

async function captureAll(name: string, value: unknown): Promise<(string | null)[]> {
  const gate = createGateParts(runtimeWith(name, value));
  const codes: (string | null)[] = [];
  for (const [change, amount] of Object.values(CAPTURED)) {
    const claims = captureClaims(await issueTestArtifact(world, change), 'c', amount);
    const answer = await gate.door.present(await signRequest(world.domain.settler, claims));
    codes.push(answer.kind === 'outcome' ? null : answer.code);
    // A broken lineage contains the flow; here each case stands for itself.
    await world.database.pool.query(`UPDATE flows SET state = 'executing' WHERE state = 'contained'`);
  }
  await gate.events.stop();
  return codes;
}

/** A setting may bound load, so a denial may turn into `rate_limited`: into no other, and never into a pass. */
function expectDenied(codes: readonly (string | null)[], expected: readonly string[]): void {
  expect(codes.map((code, at) => (code === 'rate_limited' ? expected[at] : code))).toEqual(expected);
}

describe('A26: no setting turns a denial into a pass', () => {
  it.each(extremes(AUTHORIZER_SETTINGS))('A26: the authorizer with %s = %p', async (name, value) => {
    expectDenied(await decideAll(name, value), [...Object.keys(ASKED), 'key_unknown']);
  });

  it.each(extremes(GATE_SETTINGS))('A26: the settlement gate with %s = %p', async (name, value) => {
    expectDenied(await captureAll(name, value), Object.keys(CAPTURED));
  });
});
