import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Signer } from '@spendgate/artifact';
import { containWrites, inControlAct, recordContainment } from '@spendgate/store';
import {
  type DoorReply,
  type ServedModule,
  TestDoor,
  type TestRuntime,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  opsClaims,
  serveModule,
  signOpsAct,
} from '@spendgate/testing';
import { AuthorizerModule } from '../authorizer.module.js';
import { AUTHORIZER_SETTINGS } from '../authorizer.settings.js';
import { AUTHORIZER_ROUTES } from './routes.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const PEOPLE = { ada: ['operator'], grace: ['approver'], vera: [] };
const FLOWS = ['one', 'two', 'three', 'four'];

let world: TestRuntime;
let app: ServedModule;
let door: TestDoor;

interface Line {
  readonly incident: string;
  readonly flow: string;
  readonly version: number;
  readonly case: string;
  readonly rule: string;
}

const ada = (): Signer => world.domain.person('ada');
const get = (path: string, signer = ada()): Promise<DoorReply> => door.get(path, signer);

async function act(claims: ReturnType<typeof opsClaims>, headers: Record<string, string> = {}): Promise<DoorReply> {
  return door.post('/v1/ops/acts', await signOpsAct(world.domain.person(claims.iss), claims), headers);
}

/** Names of the flows whose incidents a list shows, in its order. */
async function listed(query = ''): Promise<string[]> {
  const { status, body } = await get(`/v1/ops/incidents${query}`);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return linesOf(body).map(({ flow }) => FLOWS.find((name) => namedId(name) === flow) ?? flow);
}
const linesOf = (body: DoorReply['body']): Line[] => body['incidents'] as Line[]; // as: held to the table by the door

async function incidentOf(name: string): Promise<Line> {
  const line = linesOf((await get('/v1/ops/incidents')).body).find(({ flow }) => flow === namedId(name));
  if (line === undefined) throw new Error(`no incident of ${name}`);
  return line;
}

beforeAll(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'other'], people: PEOPLE });
  await world.domain.mandates(FLOWS.map((name) => mandateClaim(name, { agent: name === 'four' ? 'other' : 'buyer' })));
  app = await serveModule(AuthorizerModule.forRoot(world.as('spendgate_authorizer')), world.runtime, { topics: false });
  door = new TestDoor(app.url, AUTHORIZER_ROUTES);
  await issueTestArtifact(world, { mandate: namedId('one') });
  for (const name of FLOWS) await act(opsClaims('ada', 'halt', [{ kind: 'flow', id: namedId(name) }]));
  // Minutes apart, and one of them too old: nobody waits an hour in a spec.
  await world.database.pool.query(
    `UPDATE incidents SET opened_at = now() - $1::interval, due_at = now() + '1 hour'::interval - $1::interval
     WHERE flow_id = ANY ($2::uuid[])`,
    ['2 hours', [namedId('one')]],
  );
}, HOOK_MS);
afterAll(async () => {
  await app.close();
  await world.close();
}, HOOK_MS);

describe('incidents over HTTP', () => {
  it('are listed newest first, page by page, each once', async () => {
    const all = await listed();
    expect([...all].sort()).toEqual([...FLOWS].sort());
    expect(all.at(-1)).toBe('one');
    const seen: string[] = [];
    let path: string | undefined = '/v1/ops/incidents?state=open&limit=1';
    for (let page = 0; path !== undefined && page < 10; page += 1) {
      const { body, headers }: DoorReply = await get(path);
      seen.push(...linesOf(body).map(({ flow }) => flow));
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      expect(body['has_more']).toBe(path !== undefined);
    }
    expect(seen).toEqual(all.map(namedId));
  });

  it('are narrowed by each filter, and a filter nobody knows is refused', async () => {
    expect(await listed('?agent=other')).toEqual(['four']);
    expect(await listed('?counterparty=shop')).toEqual(['one']);
    expect(await listed('?overdue=true')).toEqual(['one']);
    expect((await listed('?overdue=false')).sort()).toEqual(['four', 'three', 'two']);
    expect(await listed('?cause=operator&rule=operator.halt&state=contained')).toHaveLength(4);
    expect(await listed('?cause=settlement')).toEqual([]);
    expect(await listed('?state=revoked')).toEqual([]);
    expect(await listed(`?case=${(await incidentOf('one')).case}`)).toContain('one');
    for (const [query, field] of [
      ['?state=gone', 'state'],
      ['?overdue=1', 'overdue'],
      ['?case=x', 'case'],
      ['?agent=', 'agent'],
      ['?agent=a&agent=b', 'agent'],
      ['?agent=%00', 'agent'],
      ['?agnet=a', 'agnet'],
      ['?cursor=x', 'cursor'],
      ['?limit=0', 'limit'],
    ]) {
      expect([query, await get(`/v1/ops/incidents${query}`)]).toMatchObject([
        query,
        { status: 400, body: { code: 'malformed', field } },
      ]);
    }
  });

  it('one shows its causes with who clears each, its money, and what two people would sign', async () => {
    const { incident } = await incidentOf('one');
    const { status, headers, body } = await get(`/v1/ops/incidents/${incident}`);
    expect([status, headers.get('etag'), body['overdue']]).toEqual([200, `"${String(body['version'])}"`, true]);
    expect(body['causes']).toMatchObject([
      { kind: 'operator', cleared_by: null, clears: { role: 'operator', evidence: 'word' } },
    ]);
    const [money] = body['money'] as Record<string, string>[]; // as: held to the table by the door
    expect(money).toMatchObject({ currency: 'USD', holds: 1, capturing: '0', captured: '0', released: '0' });
    expect(money?.['frozen']).toBe(money?.['held']);
    expect(body['reaches']).toMatchObject([{ flows: 1, holds: 1 }]);
    expect(body['baseline']).toMatchObject({ text: expect.stringContaining('mandate_hash') });
  });

  it('a cause that a machine found is cleared by the role and on the evidence its kind asks for', async () => {
    await inControlAct(world.database.pool, async (control) => {
      const flow = { flowId: namedId('two'), epoch: 1, state: 'contained', sequence: 9n } as const;
      const signal = { kind: 'settlement', rule: 'exact.settlement_mismatch', evidence: { amount: '1' } } as const;
      const contained = recordContainment(control, { flow, signal, cause: Buffer.alloc(32) });
      if (contained === null) throw new Error('the flow is contained');
      for (const { statement, values } of containWrites([contained]))
        await control.tx.query({ text: statement.text, values: [...values] });
    });
    const { incident } = await incidentOf('two');
    const { body } = await get(`/v1/ops/incidents/${incident}`);
    expect(body).toMatchObject({ open_causes: ['operator', 'settlement'] });
    expect(body['causes']).toMatchObject([{}, { clears: { role: 'approver', evidence: 'document' } }]);
    expect(await listed('?cause=settlement')).toEqual(['two']);
  });

  it('an act on a version that moved on answers 412 and does nothing, signed or said by If-Match', async () => {
    const { incident: id, version } = await incidentOf('three');
    const assign = (signed: number) => opsClaims('ada', 'assign', [{ kind: 'incident', id, version: signed }]);
    expect(await act(assign(version + 1))).toMatchObject({ status: 412, body: { type: 'urn:spendgate:ops:stale' } });
    expect(await act(assign(version), { 'if-match': `"${version + 1}"` })).toMatchObject({ status: 412 });
    expect(await act(assign(version), { 'if-match': `W/"${version}"` })).toMatchObject({ status: 400 });
    const { body } = await get(`/v1/ops/incidents/${id}`);
    expect([body['version'], body['assigned_to']]).toEqual([version, null]);

    const claims = assign(version);
    const first = await act(claims, { 'if-match': `"${version}"` });
    expect(first).toMatchObject({ status: 200, body: { replayed: false } });
    expect(await act(claims, { 'if-match': `"${version}"` })).toMatchObject({ status: 200, body: { replayed: true } });
    expect(await act(assign(version))).toMatchObject({ status: 412 });
    expect(await listed('?assigned_to=ada')).toEqual(['three']);
  });

  it('of two people who act on what both saw, one does and the other is told', async () => {
    const { incident: id, version } = await incidentOf('four');
    const notes = ['ada', 'ada'].map((person) => opsClaims(person, 'note', [{ kind: 'incident', id, version }]));
    const answers = await Promise.all(notes.map((claims) => act(claims)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await get(`/v1/ops/incidents/${id}`)).body['notes']).toHaveLength(1);
  });

  it('cases sum their incidents up', async () => {
    const { status, body } = await get('/v1/ops/cases');
    const cases = body['cases'] as { case: string; incidents: number; open: number }[]; // as: held to the table
    expect(status).toBe(200);
    expect(cases.reduce((sum, each) => sum + each.open, 0)).toBe(4);
    for (const { case: id, incidents } of cases) expect(await listed(`?case=${id}`)).toHaveLength(incidents);
    expect((await get('/v1/ops/cases?state=closed')).status).toBe(400);
  });

  it('any person of the domain may read; an agent, a stranger and nobody at all learn nothing', async () => {
    const { incident } = await incidentOf('one');
    for (const path of ['/v1/ops/incidents', `/v1/ops/incidents/${incident}`, '/v1/ops/cases']) {
      expect((await get(path, world.domain.person('vera'))).status).toBe(200);
      for (const agent of ['buyer', 'other'])
        expect(await get(path, world.domain.agent(agent))).toMatchObject({
          status: 401,
          body: { code: 'key_unknown' },
        });
      expect((await get(path, world.domain.settler)).status).toBe(401);
      expect((await door.get(path)).status).not.toBe(200);
    }
    const missing = await get(`/v1/ops/incidents/${namedId('none')}`);
    expect([missing.status, (await get('/v1/ops/incidents/nothing')).body]).toEqual([404, missing.body]);
    // Refused for the key before the id or the query is looked at.
    expect((await get(`/v1/ops/incidents/${namedId('none')}`, world.domain.agent('buyer'))).status).toBe(401);
    expect((await get('/v1/ops/incidents?state=gone', world.domain.agent('buyer'))).status).toBe(401);
  });
});
