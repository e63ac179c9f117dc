import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { StartError } from '@spendgate/platform';
import { markOverdue, readWebhookBacklog, takeOpsAct } from '@spendgate/store';
import {
  TEST_PUBLIC_URL,
  TestHook,
  TestMailbox,
  type TestRuntime,
  isSignedHook,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  opsClaims,
  signOpsAct,
} from '@spendgate/testing';
import { AUTHORIZER_SETTINGS } from '../authorizer.settings.js';
import { oneLine } from './compose-notice.js';
import { readMailSettings } from './notice.settings.js';
import { PeopleNotices } from './people-notices.js';
import { MailSender } from './send-mail.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const FLOWS = ['one', 'two', 'three'];
const PASSWORD = 'correct-horse';

let world: TestRuntime;
let hook: TestHook;
let mailbox: TestMailbox;

beforeAll(async () => {
  [hook, mailbox] = [await TestHook.open(), await TestMailbox.open()];
  world = await openTestRuntime({
    settings: AUTHORIZER_SETTINGS,
    environment: {
      SPENDGATE_WEBHOOK_PRIVATE_ADDRESSES: 'true',
      SPENDGATE_OPS_WEBHOOK_URL: hook.url,
      SPENDGATE_SMTP_URL: `smtp://spendgate:${PASSWORD}@127.0.0.1:${mailbox.port}`,
      SPENDGATE_OPS_MAIL_FROM: 'spendgate@pay.example',
      SPENDGATE_OPS_MAIL_TO: 'ada@pay.example, grace@pay.example',
    },
    people: { ada: ['operator'] },
  });
  await world.domain.mandates(FLOWS.map((name) => mandateClaim(name)));
  await issueTestArtifact(world, { mandate: namedId('one'), amount: '12.50' });
}, HOOK_MS);
afterAll(async () => {
  hook.close();
  mailbox.close();
  await world.close();
}, HOOK_MS);
beforeEach(() => {
  Object.assign(hook, { received: [], answer: 200 });
  Object.assign(mailbox, { received: [], refusal: null, login: `spendgate:${PASSWORD}` });
});

async function rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, values)).rows as T[]; // as: the query names its columns
}

/** Gives every committed leaf its place, as the log does; nothing here asks for hashes or signatures. */
async function integrate(): Promise<void> {
  await rows(`WITH placed AS (
      INSERT INTO log_positions (index, lane_id, seq, leaf_hash)
      SELECT (SELECT tree_size FROM log_state) - 1 + row_number() OVER (ORDER BY lane_id, seq), lane_id, seq, leaf_hash
      FROM leaves WHERE NOT EXISTS (SELECT FROM log_positions p WHERE (p.lane_id, p.seq) = (leaves.lane_id, leaves.seq))
      RETURNING index)
    UPDATE log_state SET tree_size = tree_size + (SELECT count(*) FROM placed)`);
}

/** Sends all there is to send now, with the rights the role has. */
async function tell(notices = PeopleNotices.of(world.as('spendgate_authorizer'))): Promise<void> {
  await integrate();
  while (await notices.run());
}

async function act(action: string, kind: string, id: string, version: number | null = null): Promise<void> {
  const claims = opsClaims('ada', action, [{ kind, id, version }]);
  const answer = await takeOpsAct(world.database.pool, await signOpsAct(world.domain.person('ada'), claims));
  if (!answer.ok) throw new Error(answer.problem);
}

async function incidentOf(name: string): Promise<{ id: string; version: number }> {
  const [row] = await rows<{ id: string; version: number }>(
    'SELECT incident_id AS id, version FROM incidents WHERE flow_id = $1',
    [namedId(name)],
  );
  if (row === undefined) throw new Error(`no incident of ${name}`);
  return row;
}

const told = (): string[] => hook.received.map(({ json }) => json.type);
/** Head and body of a mail, folded lines joined (RFC 5322 §2.2.3) and soft breaks too (RFC 2045 §6.7). */
function mail(at = 0): { head: string; body: string } {
  const [head = '', ...body] = (mailbox.received[at]?.content ?? '').split('\r\n\r\n');
  return { head: head.replace(/\r\n[ \t]/g, ' '), body: body.join('\r\n\r\n').replace(/=\r\n/g, '') };
}

describe('people are told', () => {
  it('once that a case opened, by a signed webhook and by mail: what, the money, who may clear it, where to look', async () => {
    for (const name of FLOWS) await act('halt', 'flow', namedId(name));
    await tell();
    expect(told()).toEqual(['incident_opened']); // of three flows that one rule stopped within minutes
    expect(hook.received.every((message) => isSignedHook(message, world.runtime.keys.webhook))).toBe(true);
    const { data } = hook.received[0]?.json ?? {};
    expect(data).toMatchObject({ causes: [{ kind: 'operator', role: 'operator', evidence: 'word' }] });
    expect(FLOWS.map(namedId)).toContain(data?.['flow']);

    expect(mailbox.received).toHaveLength(1);
    expect(mailbox.received[0]).toMatchObject({
      from: 'spendgate@pay.example',
      to: ['ada@pay.example', 'grace@pay.example'],
    });
    const { head, body } = mail();
    expect(head).toMatch(/^Subject: \[spendgate\] incident opened: operator\.halt, agent buyer$/m);
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(body).toContain('was stopped.');
    expect(body).toContain('Cause: operator, cleared by operator: say why the halt may end.');
    expect(body).toContain(`spendgate incidents show ${String(data?.['incident'])}`);
    await tell();
    expect([told(), mailbox.received.length]).toEqual([['incident_opened'], 1]);
  });

  it('of each escalation, with the money the flow holds', async () => {
    const { id, version } = await incidentOf('one');
    await act('escalate', 'incident', id, version);
    await tell();
    expect(hook.received.map(({ json }) => [json.type, json.data['incident']])).toEqual([['incident_escalated', id]]);
    expect(hook.received[0]?.json.data).toMatchObject({ money: [{ currency: 'USD', held: '12.5', frozen: '12.5' }] });
    expect(mail().body).toContain('12.5 USD held, of that 12.5 frozen');
    expect(mail().body).toContain(`${TEST_PUBLIC_URL}/v1/ops/incidents/${id}`);
  });

  it('once that a case is overdue; each incident has its leaf and its event once, however many sweeps look', async () => {
    const ids = FLOWS.map(namedId);
    await rows(`UPDATE incidents SET due_at = now() - interval '1 s' WHERE flow_id = ANY ($1::uuid[])`, [ids]);
    const pools = [1, 2, 3].map(() => world.as('spendgate_authorizer').pool);
    const marked = await Promise.all(pools.map((pool) => markOverdue(pool)));
    expect([...marked].sort()).toEqual([0, 0, 3]);
    expect(await markOverdue(world.database.pool)).toBe(0);
    const leaves = await rows(
      `SELECT 1 FROM leaves WHERE leaf::json ->> 'type' = 'incident_changed' AND payload::json ->> 'change' = 'overdue'`,
    );
    const events = await rows<{ body: string }>(
      `SELECT body FROM outbox WHERE topic = 'incidents.v1' AND body::json ->> 'change' = 'overdue'`,
    );
    expect([leaves.length, events.length]).toEqual([3, 3]);
    const { version } = await incidentOf('two');
    expect(events.map(({ body }) => JSON.parse(body) as object)).toContainEqual(
      expect.objectContaining({ flow_id: namedId('two'), version, causes: ['operator'], rule: 'operator.halt' }),
    );
    await tell();
    expect(told()).toEqual(['incident_overdue']);
    expect(mail().body).toContain('and is still stopped.');
  });

  it('once for each head the log stands at, while it is late and cannot tell itself', async () => {
    await rows(`INSERT INTO checkpoints (tree_size, root, note, signed_at)
      VALUES (1, '\\x00', '', now() - interval '200 s')`);
    // The leaves of this spec are younger than any bound one may set.
    const runtime = world.as('spendgate_authorizer');
    const notices = PeopleNotices.of({ ...runtime, settings: { ...runtime.settings, SPENDGATE_AUDIT_LATE: 2 } });
    for (let times = 0; times < 3; times += 1) while (await notices.run());
    expect(told()).toEqual(['audit_late']);
    expect(hook.received[0]?.json).toMatchObject({ leaf_index: null, leaf_hash: null });
    expect(mail().body).toMatch(/^The audit log has signed nothing for \d+ s while leaves wait/);
    expect(mail().body).toContain('on every intent is denied audit_unavailable.');
    await rows(`INSERT INTO checkpoints (tree_size, root, note, signed_at)
      VALUES (2, '\\x00', '', now() - interval '200 s')`);
    while (await notices.run());
    expect(told()).toEqual(['audit_late', 'audit_late']);
    await rows('UPDATE checkpoints SET signed_at = now()');
  });
});

describe('a mail server that takes nothing', () => {
  it('is asked again under the same id; the password is in no error', async () => {
    mailbox.login = 'spendgate:another';
    const { id, version } = await incidentOf('two');
    await act('escalate', 'incident', id, version);
    await tell();
    expect(told()).toEqual(['incident_escalated']); // the other channel does not wait for it
    const [failed] = await readWebhookBacklog(world.database.pool, 10);
    expect(failed).toMatchObject({ kind: 'people', partyId: 'mail', waiting: 1, lastError: 'EAUTH, answered 535' });

    mailbox.login = `spendgate:${PASSWORD}`;
    mailbox.refusal = '451 later';
    const again = () => rows('UPDATE webhook_deliveries SET next_attempt_at = now()');
    await again();
    await tell();
    mailbox.refusal = null;
    expect((await readWebhookBacklog(world.database.pool, 10))[0]?.lastError).toBe('EENVELOPE, answered 451');
    await again();
    await tell();
    const [leaf] = await rows<{ hash: Buffer }>(
      `SELECT leaf_hash AS hash FROM leaves WHERE leaf::json ->> 'type' = 'incident_changed'
         AND payload::json ->> 'incident' = $1 AND payload::json ->> 'change' = 'escalated'`,
      [id],
    );
    expect(mail().head).toContain(`Message-ID: <${leaf?.hash.toString('base64url')}@pay.example>`);
    expect(await readWebhookBacklog(world.database.pool, 10)).toEqual([]);
  });

  it('kills the message when its time is over, for doctor to show', async () => {
    mailbox.refusal = '550 never';
    const { id, version } = await incidentOf('three');
    await act('escalate', 'incident', id, version);
    const runtime = world.as('spendgate_authorizer');
    await tell(PeopleNotices.of({ ...runtime, settings: { ...runtime.settings, SPENDGATE_WEBHOOK_GIVE_UP: 0 } }));
    expect(await readWebhookBacklog(world.database.pool, 10)).toMatchObject([{ partyId: 'mail', waiting: 0, dead: 1 }]);
  });
});

describe('what others wrote', () => {
  it.each(['shop\r\nBcc: thief@evil.example', 'shop\u2028Bcc: x', 'shop\u0000', '\u202Epohs'])(
    'stays one line of text: %j',
    (name) => {
      expect(oneLine(name)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    },
  );

  it('begins no header and adds no recipient', async () => {
    const settings = readMailSettings(world.runtime.settings);
    if (settings === undefined) throw new Error('mail is set');
    const subject = 'shop\r\nBcc: thief@evil.example\r\n\r\nPay me';
    expect(await new MailSender(settings).send({ id: 'x', subject, text: '.\r\n.\r\nQUIT' })).toBeNull();
    expect(mailbox.received[0]?.to).toEqual(['ada@pay.example', 'grace@pay.example']);
    expect(mail().head).not.toMatch(/^bcc:/im);
    expect(mail().body).toBe('.\r\n.\r\nQUIT');
  });
});

describe('the mail settings', () => {
  const smtp = { SPENDGATE_SMTP_URL: `smtps://u:${PASSWORD}@mail.example` };
  const whole = { ...smtp, SPENDGATE_OPS_MAIL_FROM: 'a@b.example', SPENDGATE_OPS_MAIL_TO: 'c@d.example' };

  it('are none, or all', () => {
    expect(readMailSettings({})).toBeUndefined();
    expect(readMailSettings(whole)).toMatchObject({ from: 'a@b.example', to: ['c@d.example'] });
    expect(() => readMailSettings(smtp)).toThrow(StartError);
  });

  it.each([
    { SPENDGATE_OPS_MAIL_TO: 'c@d.example\nBcc: x@y' },
    { SPENDGATE_OPS_MAIL_TO: 'c@d.example,' },
    { SPENDGATE_OPS_MAIL_FROM: 'Name <a@b>' },
    { SPENDGATE_SMTP_URL: `http://u:${PASSWORD}@mail.example` },
  ])('are refused in another form, without repeating the password: %j', (change) => {
    let said = '';
    try {
      readMailSettings({ ...whole, ...change });
    } catch (error) {
      said = String(error);
    }
    expect(said).not.toBe('');
    expect(said).not.toContain(PASSWORD);
  });
});
