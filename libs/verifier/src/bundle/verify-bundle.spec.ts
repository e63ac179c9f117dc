import { describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, parseKeySet } from '@spendgate/artifact';
import { type Bundle, canonicalize } from '@spendgate/codec';
import { TEST_LEAVES, type TestBundleChange, makeTestBundle } from '@spendgate/testing';
import { STATEMENTS, type StatementName } from './bundle-report.js';
import { PROOFS } from './bundle-report.js';
import { type BundleVerification, verifyBundle } from './verify-bundle.js';

type Given = Omit<BundleVerification, 'bundle'>;
const verify = (bundle: unknown, given: Given = {}) =>
  verifyBundle({ bundle: Buffer.from(canonicalize(bundle)), ...given });

/** The statements that do not hold, each with its first bad index. */
async function failing(bundle: unknown, given: Given = {}): Promise<Partial<Record<StatementName, number | null>>> {
  const { valid, statements } = await verify(bundle, given);
  const failed = statements.filter(({ holds }) => !holds);
  expect(valid).toBe(failed.length === 0);
  return Object.fromEntries(failed.map(({ name, first_bad }) => [name, first_bad]));
}

const good = await makeTestBundle({ from: 10 });
const { decision, capture, outcome, mandate, root, baseline, policy, agentKey } = TEST_LEAVES;

/** A copy of the good bundle, changed in one place. */
function changed(change: (bundle: Bundle) => void): Bundle {
  const copy = JSON.parse(JSON.stringify(good.bundle)) as Bundle; // as: a copy
  change(copy);
  return copy;
}
const leafAt = (bundle: Bundle, index: number) => {
  const leaf = bundle.lineage.leaves.find((each) => each.index === index);
  if (leaf === undefined) throw new Error(`no leaf ${index}`);
  return leaf;
};
const redact = (bundle: Bundle, index: number): void => {
  Object.assign(leafAt(bundle, index), { payload: null, salt: null });
  bundle.lineage.redacted += 1;
};
/** Another signature of the same length over the same claims. */
const forge = (token: string | null): string => {
  const [head = '', body = '', signature = ''] = (token ?? '').split('.');
  return [head, body, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.');
};

describe('a bundle', () => {
  it('C10–C15: proves all six statements from itself alone', async () => {
    const report = await verify(good.bundle);
    expect(report.statements.map(({ name, holds, first_bad }) => [name, holds, first_bad])).toEqual(
      STATEMENTS.map((name) => [name, true, null]),
    );
    expect(report).toMatchObject({ valid: true, trust: 'bundle', redacted: 0, replay: null });
  });

  it('E4: has five parts, and is no bundle without any of them', async () => {
    for (const part of ['proof', 'synchronization', 'lineage', 'audit', 'persistence'] as const) {
      const rest = Object.fromEntries(Object.entries(good.bundle).filter(([name]) => name !== part));
      const report = await verify(rest);
      expect(report.statements.map(({ holds }) => holds)).toEqual(STATEMENTS.map(() => false));
      expect(report.statements[0]?.detail).toContain(part);
    }
  });

  it('is one text only: another spelling of the same JSON is no bundle (RFC 8785)', async () => {
    const spaced = Buffer.from(JSON.stringify(good.bundle, null, 1));
    expect(await verifyBundle({ bundle: spaced })).toMatchObject({ valid: false });
    expect(await verifyBundle({ bundle: Buffer.from(`${canonicalize(good.bundle)}\n`) })).toMatchObject({
      valid: true,
    });
    expect(await verifyBundle({ bundle: Buffer.from('{}') })).toMatchObject({ valid: false });
  });

  it('takes the domain keys from a trust file, and says whose word they are', async () => {
    const trusted = parseKeySet(good.jwks);
    if (!trusted.ok) throw new Error(trusted.detail);
    expect(await verify(good.bundle, { trust: trusted.keys })).toMatchObject({ valid: true, trust: 'given' });
    const other = PrivateKeySigner.generate('artifact');
    const strangers = parseKeySet({ keys: [{ ...other.jwk, purpose: 'artifact', iss: good.bundle.domain }] });
    if (!strangers.ok) throw new Error(strangers.detail);
    expect(await failing(good.bundle, { trust: strangers.keys })).toMatchObject({
      authorization: decision,
      audit: null,
    });
  });

  it('counts what is redacted: the tree still holds it, a mandate of another level may stay unseen', async () => {
    const report = await verify(changed((bundle) => redact(bundle, root)));
    expect(report).toMatchObject({ valid: true, redacted: 1 });
    expect(await failing(changed((bundle) => redact(bundle, decision)))).toMatchObject({ authorization: decision });
  });
});

describe('the five typed proofs', () => {
  /** The proofs that do not hold, each with what it lacks. */
  async function lacking(bundle: unknown): Promise<Record<string, readonly string[]>> {
    const { proofs } = await verify(bundle);
    expect(proofs.map(({ name }) => name)).toEqual(PROOFS);
    return Object.fromEntries(proofs.filter(({ holds }) => !holds).map(({ name, missing }) => [name, missing]));
  }

  it('E10: governance, trust and authorization continuity, synchronization and operational evidence hold in one file', async () => {
    expect(await lacking(good.bundle)).toEqual({});
  });

  it('E10: a proof that lacks a part does not hold, and says which', async () => {
    const withheld = changed((bundle) => [root, mandate].forEach((index) => redact(bundle, index)));
    expect(await verify(withheld)).toMatchObject({ valid: true });
    expect(await lacking(withheld)).toEqual({ governance: ['mandate'] });
    expect(await lacking(changed(({ synchronization }) => { synchronization.status_list = null; }))).toEqual({
      governance: [],
      trust_continuity: [],
      synchronization: ['status_list'],
    }); // prettier-ignore
    expect(await lacking(changed(({ proof }) => { proof.settlements.forEach((each) => { each.receipt = null; }); }))).toEqual({
      operational_evidence: ['receipts'],
    }); // prettier-ignore
    expect(await lacking(changed(({ proof }) => { proof.artifact.token = null; }))).toEqual({
      authorization_continuity: ['artifact'],
    }); // prettier-ignore
    expect(Object.keys(await lacking({}))).toEqual(PROOFS);
  });

  it('E10: a proof whose statement does not hold does not hold either', async () => {
    const forged = changed(({ proof }) => { proof.settlements.forEach((each) => { each.receipt = forge(each.receipt); }); }); // prettier-ignore
    expect(await lacking(forged)).toEqual({ operational_evidence: [] });
    const edited = changed((bundle) => { leafAt(bundle, outcome).payload = '{}'; }); // prettier-ignore
    expect(Object.keys(await lacking(edited))).toEqual(PROOFS); // all rest on the log
  });
});

describe('a bundle somebody tampered with', () => {
  it.each<[string, StatementName, number | null, (bundle: Bundle) => void]>([
    ['C10: the signature of the artifact', 'authorization', decision, ({ proof }) => { proof.artifact.token = forge(proof.artifact.token); }],
    ['C10: no signature of the artifact', 'authorization', decision, ({ proof }) => { proof.artifact.token = null; }],
    ['C10: the signature of the intent', 'authorization', decision, ({ proof }) => { proof.intent = forge(proof.intent); }],
    ['C10: another subject', 'authorization', decision, ({ subject, proof }) => { subject.id = proof.decision.intent_id; }],
    ['C10: the stored decision', 'authorization', decision, ({ proof }) => { proof.decision.judged_at += 1; }],
    ['C11: a key nobody recorded', 'trust_continuity', decision, ({ keys, proof }) => { keys.forEach((key) => { if (key.purpose === 'agent') key.leaf = proof.decision.decision_hash; }); }],
    ['C11: a key of another party', 'trust_continuity', agentKey, ({ keys }) => { keys.forEach((key) => { if (key.purpose === 'agent') key.party = 'rival'; }); }],
    ['C11: the status list', 'trust_continuity', decision, ({ synchronization: s }) => { s.status_list = forge(s.status_list); }],
    ['C11: no status list', 'trust_continuity', decision, ({ synchronization }) => { synchronization.status_list = null; }],
    ['C8, C12: a cause left out', 'lineage', mandate, ({ lineage, audit }) => { for (const list of [lineage.leaves, audit.inclusion]) list.splice(list.findIndex(({ index }) => index === root), 1); }],
    ['C8, C12: a leaf that is said to lie before its cause', 'lineage', 0, (bundle) => { leafAt(bundle, decision).index = 0; leafAt(bundle, 0).index = 0; }],
    ['C12: what was redacted is not counted', 'lineage', null, (bundle) => { redact(bundle, root); bundle.lineage.redacted = 0; }],
    ['C14: a payload', 'audit', capture, (bundle) => { const leaf = leafAt(bundle, capture); leaf.payload = leaf.payload?.replace('12.50', '11.50') ?? null; }],
    ['C14: a leaf', 'audit', outcome, (bundle) => { const leaf = leafAt(bundle, outcome); leaf.leaf = leaf.leaf.replace(/"time":\d+/, '"time":1700000000999'); }],
    ['C14: an inclusion proof', 'audit', baseline, ({ audit }) => { audit.inclusion.forEach((each) => { if (each.index === baseline) each.proof.reverse(); }); }],
    ['C14: the root', 'audit', null, ({ synchronization, proof }) => { synchronization.checkpoint.root = proof.decision.leaf_hash; }],
    ['C14: the checkpoint', 'audit', null, ({ persistence }) => { persistence.note = persistence.note.replace('\n15\n', '\n16\n'); }],
    ['C9, C15: the signature of a receipt', 'execution', capture, ({ proof }) => { proof.settlements.forEach((each) => { each.receipt = forge(each.receipt); }); }],
    ['C15: no signed receipt', 'execution', capture, ({ proof }) => { proof.settlements.forEach((each) => { each.receipt = null; }); }],
    ['C15: the signature of a request', 'execution', capture, ({ proof }) => { proof.settlements.forEach((each) => { each.request = forge(each.request); }); }],
    ['C9, C15: the signature of an outcome', 'execution', outcome, ({ proof }) => { proof.outcomes.forEach((each) => { each.token = forge(each.token); }); }],
  ])('%s: %s does not hold', async (_case, name, index, change) => {
    expect(await failing(changed(change))).toMatchObject({ [name]: index });
  }); // prettier-ignore
});

describe('an operator who lies from the start, everything signed and in the tree', () => {
  const said = (name: keyof typeof TEST_LEAVES, change: object): TestBundleChange => ({
    payload: (each, payload) => (each === name ? { ...payload, ...change } : payload),
  });
  it.each<[string, StatementName, number, TestBundleChange]>([
    ['C13: more captured than was authorized', 'enforcement', capture, { captured: '12.51' }],
    ['C13: a stage that did not pass', 'enforcement', decision, said('decision', { stages: [{ stage: 'policy', verdict: 'failed' }] })],
    ['C13: a check that did not pass', 'enforcement', capture, said('capture', { checks: [{ name: 'origin', ok: false }] })],
    ['C10: another artifact in the log', 'authorization', decision, said('decision', { artifact: { id: 'x', hash: 'y' } })],
    ['C10: another agent in the log', 'authorization', decision, said('decision', { agent: 'rival' })],
    ['C11: another policy in force', 'trust_continuity', policy, said('policy', { version: 2 })],
    ['C11: another baseline', 'trust_continuity', baseline, said('baseline', { epoch: 2 })],
    ['C11: another key recorded', 'trust_continuity', agentKey, said('agentKey', { jwk: PrivateKeySigner.generate('agent').jwk })],
    ['C12: another grant', 'lineage', mandate, said('mandate', { hash: 'x' })],
    ['C12: a root that is none', 'lineage', root, said('root', { mandate: { id: 'x' } })],
    ['C12: a decision without its mandate', 'lineage', decision, { causes: (name, causes) => (name === 'decision' ? [] : causes) }],
    ['C12: a capture of nobody knows what', 'lineage', capture, { causes: (name, causes) => (name === 'capture' ? [] : causes) }],
    ['C15: another amount in the log', 'execution', capture, said('capture', { amount: '1.00' })],
    ['C15: another outcome in the log', 'execution', outcome, said('outcome', { outcome: 'failed' })],
  ])('%s: %s does not hold', async (_case, name, index, change) => {
    const { bundle } = await makeTestBundle(change);
    const failed = await failing(bundle);
    expect(failed).toMatchObject({ [name]: index });
    expect(failed).not.toHaveProperty('audit'); // the log did record it
  }); // prettier-ignore
});

describe('a remembered checkpoint', () => {
  it('C16: the log continues it', async () => {
    expect(await failing(good.bundle, { remembered: await good.noteAt(10) })).toEqual({});
  });
  it('C16: fails where the bundle has no proof from it', async () => {
    expect(await failing(good.bundle, { remembered: await good.noteAt(9) })).toEqual({ audit: null });
  });
  it('C16: fails when the operator rewrote what was before it, all of it signed anew', async () => {
    const rewritten = await makeTestBundle({
      from: 10,
      payload: (name, payload) => (name === 'statusKey' ? { ...payload, note: 'rewritten' } : payload),
    });
    expect(await failing(rewritten.bundle)).toEqual({});
    expect(await failing(rewritten.bundle, { remembered: await good.noteAt(10) })).toEqual({ audit: null });
  });
  it('C16: fails when it is not signed by the log', async () => {
    const forged = (await good.noteAt(10)).replace('\n10\n', '\n9\n');
    expect(await failing(good.bundle, { remembered: forged })).toEqual({ audit: null });
  });
});

it('D2: a replay that was asked for and cannot be made is not valid', async () => {
  expect(await verify(good.bundle, { replay: true })).toMatchObject({ valid: false, replay: 'withheld' });
});
