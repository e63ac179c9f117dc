import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { logOrigin, verifyCheckpoint, verifyInclusion } from '@spendgate/audit-log';
import { type OpsActionClaims, leafHashOf } from '@spendgate/codec';
import { proveFlows, readProposal, takeOpsAct } from '@spendgate/store';
import {
  type ServedModule,
  TEST_ISSUER,
  approvingClaims,
  mandateClaim,
  opsClaims,
  recordLogKeys,
  serveModule,
  signOpsAct,
  signedGet,
  until,
} from '@spendgate/testing';
import { type FlowTimeline, TransparencyLogModule, noteKeyOf, readTimeline } from '@spendgate/transparency-log';
import { WatchedWorld } from './watched-world.js';

const HOOK_MS = 60_000;
const environment = { max_age_seconds: 300, measurements: ['good'] };
const MAIN = mandateClaim('main', { environment });
const OTHER = mandateClaim('other', { agent: null });
const PEOPLE = { ada: ['operator', 'approver'], grace: ['operator', 'approver'] };
const PATH = `/v1/flows/${MAIN.id}/timeline`;

type Page = Omit<FlowTimeline, 'next'> & { readonly next_cursor: string | null };

let watched: WatchedWorld;
let log: ServedModule;
let logKey: ReturnType<typeof noteKeyOf>;

/** A flow that spends, captures, drifts, is contained and let go by two people. */
beforeAll(async () => {
  watched = await WatchedWorld.open([MAIN, OTHER], PEOPLE);
  const { runtime } = watched.world;
  const keys = await recordLogKeys(runtime.pool);
  logKey = noteKeyOf(logOrigin(TEST_ISSUER), keys.checkpoint.jwk);
  const ofLog = { ...runtime, keys: { ...runtime.keys, ...keys }, pool: watched.world.as('spendgate_log').pool };
  log = await serveModule(TransparencyLogModule.forRoot(ofLog), ofLog, { topics: false });
  await watched.look();
  expect(await watched.capture(await watched.issued())).toBe('capturing');
  await watched.run(`UPDATE attestations SET measurement = 'evil'`);
  expect(await watched.ask()).toMatchObject({ outcome: 'environment_integrity_failure' });
  await watched.run(`UPDATE attestations SET measurement = 'good', recorded_at = now()`);
  await recover();
  await until('the proof', async () => (await proveFlows(runtime.pool)) > 0);
  await watched.look();
  await watched.issued();
  await until('all leaves under a checkpoint', async () => {
    const [row] = await watched.run<{ done: boolean }>(
      'SELECT (SELECT count(*) FROM leaves) = coalesce((SELECT max(tree_size) FROM checkpoints), 0) AS done',
    );
    return row?.done === true;
  });
}, HOOK_MS);
afterAll(async () => {
  await log.close();
  await watched.close();
}, HOOK_MS);

async function take(claims: OpsActionClaims): Promise<string> {
  const token = await signOpsAct(watched.world.domain.person(claims.iss), claims);
  const answer = await takeOpsAct(watched.world.runtime.pool, token);
  if (!answer.ok) throw new Error(answer.problem);
  return answer.act;
}

async function recover(): Promise<void> {
  const incident = async () => {
    const [row] = await watched.run<{ id: string; version: number }>(
      'SELECT incident_id AS id, version FROM incidents',
    );
    return [{ kind: 'incident', id: row?.id ?? '', version: row?.version ?? 0 }];
  };
  await take(opsClaims('ada', 'recover', await incident()));
  await take(opsClaims('ada', 'clear_cause', await incident(), { causes: ['environment'] }));
  const proposal = await readProposal(watched.world.runtime.pool, MAIN.id);
  const first = opsClaims('ada', 'revalidate', await incident(), { change_hash: proposal?.hash ?? null });
  await take(approvingClaims('grace', first, await take(first)));
}

const get = <T = Page>(path: string, signer = watched.world.domain.person('ada')): Promise<[number, T]> =>
  signedGet<T>(log.url, path, signer);

async function pages(limit: number): Promise<Page[]> {
  const found: Page[] = [];
  for (let cursor: string | null = ''; cursor !== null; cursor = found.at(-1)?.next_cursor ?? null) {
    const [status, page] = await get(`${PATH}?limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    expect([status, page.truncated]).toEqual([200, false]);
    found.push(page);
  }
  return found;
}

/** The root the log signed at that size, by its own key. */
async function rootAt(treeSize: number): Promise<Uint8Array> {
  const [row] = await watched.run<{ note: string }>('SELECT note FROM checkpoints WHERE tree_size = $1', [treeSize]);
  const verdict = verifyCheckpoint(row?.note ?? '', [logKey]);
  if (!verdict.valid) throw new Error(verdict.code);
  return verdict.checkpoint.root;
}

describe('the timeline of a flow', () => {
  it('C23–C28: all six phases are reached, each with first and latest evidence that is in the signed tree', async () => {
    const [page] = await pages(500);
    expect(page?.phases.map(({ phase, reached }) => [phase, reached])).toEqual([
      ['issued', true],
      ['trust_established', true],
      ['continuous_verification', true],
      ['continuity_enforced', true],
      ['proof_generated', true],
      ['lineage_and_audit_persisted', true],
    ]);
    const shown = page?.phases.flatMap(({ first, latest }) => [first, latest]) ?? [];
    const evidence = new Map([...shown, ...(page?.steps ?? [])].map((one) => [`${one?.proof_url}`, one]));
    expect(evidence.size).toBeGreaterThan(15);
    for (const one of evidence.values()) {
      if (one == null) throw new Error('a phase that was reached has evidence');
      const { leaf_index: leafIndex, leaf_hash: hash, tree_size: treeSize } = one;
      const [, { leaf }] = await get<{ leaf: string }>(one.leaf_url);
      expect([leafHashOf(leaf).toString('base64url'), JSON.parse(leaf)]).toMatchObject([hash, { type: one.leaf_type }]);
      const [, { proof }] = await get<{ proof: string[] }>(one.proof_url);
      const hashes = proof.map((each) => Buffer.from(each, 'base64url'));
      const inclusion = {
        leafIndex,
        treeSize,
        leafHash: leafHashOf(leaf),
        root: await rootAt(treeSize),
        proof: hashes,
      };
      expect(verifyInclusion(inclusion)).toEqual({ valid: true });
    }
  });

  it('walks the nine phases in order, and begins the next epoch where the new baseline was set', async () => {
    const [page] = await pages(500);
    const steps = page?.steps ?? [];
    const walked = steps
      .filter(({ event }) => event !== 'checkpoint_signed')
      .map(({ epoch, phase }) => `${epoch}.${phase}`);
    expect(walked.filter((each, at) => each !== walked[at - 1])).toEqual([
      ...['1.1', '1.2', '1.3', '1.4', '1.5', '1.6', '1.7', '1.8', '1.9'],
      ...['2.1', '2.2', '2.3', '2.4'],
    ]);
    const events = steps.map(({ event, trust_phase: phase }) => `${event} ${phase}`);
    expect(events).toEqual(
      expect.arrayContaining([
        'mandate_registered issued',
        'flow_baseline_set issued',
        'authority_verified issued',
        'decision_authorized issued',
        'environment_trusted trust_established',
        'first_artifact_issued continuous_verification',
        'settlement_capture_authorized continuity_enforced',
        'decision_denied continuity_enforced',
        'verification_changed continuity_enforced',
        'incident_opened continuity_enforced',
        'ops_action continuity_enforced',
        'incident_closed continuity_enforced',
        'checkpoint_signed proof_generated',
        'proof_persisted lineage_and_audit_persisted',
      ]),
    );
  });

  it('comes page by page, each step once and the six phases on each', async () => {
    const [whole] = await pages(500);
    const small = await pages(3);
    expect(small.flatMap(({ steps }) => steps)).toEqual(whole?.steps);
    expect(small.every(({ phases }) => JSON.stringify(phases) === JSON.stringify(whole?.phases))).toBe(true);
  });

  it('of a flow nobody used has no trust, no verification and no end yet', async () => {
    const [status, { phases }] = await get(PATH.replace(MAIN.id, OTHER.id));
    const reached = phases.filter((each) => each.reached).map(({ phase }) => phase);
    expect([status, reached.includes('issued'), reached.includes('lineage_and_audit_persisted')]).toEqual([
      200,
      true,
      false,
    ]);
    expect(reached).not.toContain('continuous_verification');
  });

  it('is for people, and refuses what it does not know', async () => {
    expect(await get(PATH, watched.world.domain.agent('buyer'))).toMatchObject([401, { code: 'key_unknown' }]);
    expect(await get(`${PATH}?limit=0`)).toMatchObject([400, { code: 'malformed', field: 'limit' }]);
    expect(await get(`${PATH}?cursor=x`)).toMatchObject([400, { field: 'cursor' }]);
    expect(await get(`${PATH}?from=1`)).toMatchObject([400, { field: 'from' }]);
    expect((await get(PATH.replace(MAIN.id, mandateClaim('none').id)))[0]).toBe(404);
    expect((await get(PATH.replace(MAIN.id, '%00')))[0]).toBe(404);
  });

  it('tells of a decision whose content was redacted: what it led to is still proven', async () => {
    const [before] = await pages(500);
    const first = before?.steps.find(({ event }) => event === 'decision_authorized');
    const hash = Buffer.from(first?.leaf_hash ?? '', 'base64url');
    type Content = { payload: string; salt: Buffer };
    const [kept] = await watched.run<Content>('SELECT payload, salt FROM leaves WHERE leaf_hash = $1', [hash]);
    const write = (payload: string | null, salt: Buffer | null) =>
      watched.run('UPDATE leaves SET payload = $2, salt = $3 WHERE leaf_hash = $1', [hash, payload, salt]);
    await write(null, null);
    expect(await pages(500)).toEqual([before]);
    await write(kept?.payload ?? '', kept?.salt ?? null);
  });

  it('a leaf that was edited is not told of: the answer says so instead', async () => {
    const { pool } = watched.world.runtime;
    const edit = (from: string, to: string) =>
      watched.run(`UPDATE leaves SET payload = replace(payload, $1, $2) WHERE leaf LIKE '%"type":"incident_opened"%'`, [
        from,
        to,
      ]);
    await edit('evil', 'good');
    expect((await get<{ detail: string }>(PATH))[0]).toBe(503);
    await expect(readTimeline(pool, MAIN.id, null, 10)).rejects.toThrow('does not commit to its payload');
    await edit('good', 'evil');
    expect((await get(PATH))[0]).toBe(200);
  });
});
