import { describe, expect, it } from '@jest/globals';
import { type AnyBundle, type BundleLeaf, canonicalize } from '@spendgate/codec';
import {
  TEST_INCIDENT_LEAVES,
  TEST_LEAVES,
  type TestIncidentChange,
  makeTestIncident,
  makeTestRange,
  makeTestSettlement,
} from '@spendgate/testing';
import { INCIDENT_STATEMENTS, RANGE_STATEMENTS, STATEMENTS } from './bundle-report.js';
import { type BundleVerification, verifyBundle } from './verify-bundle.js';

const at = TEST_INCIDENT_LEAVES;
const verify = (bundle: unknown, given: Omit<BundleVerification, 'bundle'> = {}) =>
  verifyBundle({ bundle: Buffer.from(canonicalize(bundle)), ...given });

/** The statements that do not hold, each with its first bad index. */
async function failing(bundle: unknown): Promise<Record<string, number | null>> {
  const { valid, statements } = await verify(bundle);
  const failed = statements.filter(({ holds }) => !holds);
  expect(valid).toBe(failed.length === 0);
  return Object.fromEntries(failed.map(({ name, first_bad }) => [name, first_bad]));
}

/** A copy of a bundle, changed in one place. */
function changed<B extends AnyBundle>(bundle: B, change: (bundle: B) => void): B {
  const copy = JSON.parse(JSON.stringify(bundle)) as B; // as: a copy
  change(copy);
  return copy;
}
function omit({ lineage, audit }: AnyBundle, index: number): void {
  for (const list of [lineage.leaves, audit.inclusion]) {
    const place = list.findIndex((each) => each.index === index);
    if (place === -1) throw new Error(`no leaf ${index}`);
    list.splice(place, 1);
  }
}
const leafOf = (bundle: AnyBundle, index: number): BundleLeaf | undefined =>
  bundle.lineage.leaves.find((leaf) => leaf.index === index);
const redact = (bundle: AnyBundle, index: number): void => {
  Object.assign(leafOf(bundle, index) ?? {}, { payload: null, salt: null });
  bundle.lineage.redacted += 1;
};

const settlement = await makeTestSettlement();
const incident = await makeTestIncident();
const range = await makeTestRange();

describe('the bundle of a settlement', () => {
  it('C10–C15: proves what moved, and by which authority', async () => {
    const report = await verify(settlement);
    expect(report).toMatchObject({ kind: 'settlement', valid: true, not_proven: [] });
    expect(report.statements.map(({ name, holds }) => [name, holds])).toEqual(STATEMENTS.map((name) => [name, true]));
    const said = Object.fromEntries(report.statements.map(({ name, detail }) => [name, detail]));
    expect(said['execution']).toContain('12.50 USD: completed');
    expect(said['authorization']).toContain('buyer may spend');
    expect(report.proofs.every(({ holds }) => holds)).toBe(true);
  });

  it.each<[string, string, number | null, Parameters<typeof changed<typeof settlement>>[1]]>([
    ['another settlement', 'execution', null, ({ subject, proof }) => { subject.id = proof.decision.decision_id; }],
    ['another read set', 'execution', TEST_LEAVES.capture, ({ proof }) => { proof.settlements.forEach((each) => { each.read_set = '"other"'; }); }],
    ['a refusal that was none', 'execution', TEST_LEAVES.outcome, ({ proof }) => { proof.refused = proof.settlements; proof.settlements = []; }],
    ['no receipt', 'execution', TEST_LEAVES.capture, ({ proof }) => { proof.settlements.forEach((each) => { each.receipt = null; }); }],
    ['an omitted decision', 'authorization', null, (bundle) => omit(bundle, TEST_LEAVES.decision)],
  ])('%s: %s does not hold', async (_case, name, index, change) => {
    expect(await failing(changed(settlement, change))).toMatchObject({ [name]: index });
  }); // prettier-ignore

  it('D2: a replay whose inputs were withheld is not valid', async () => {
    expect(await verify(settlement, { replay: true })).toMatchObject({ valid: false, replay: 'withheld' });
  });
});

describe('the bundle of an incident', () => {
  it('E15–E19: proves the signal, one containment, a standstill, two people, and the baseline they signed', async () => {
    const report = await verify(incident);
    expect(report.statements.filter(({ holds }) => !holds)).toEqual([]);
    expect(report.statements.map(({ name }) => name)).toEqual(INCIDENT_STATEMENTS);
    const said = Object.fromEntries(report.statements.map(({ name, detail }) => [name, detail]));
    expect(said['signal']).toContain('lineage (exact.lineage_fragmented)');
    expect(said['containment']).toContain('one after the other');
    expect(said['people']).toContain('ada and grace');
    expect(said['closing']).toContain('epoch 2');
  });

  it('says what it does not prove where not every leaf of the stretch is in it', async () => {
    const some = changed(incident, (bundle) => {
      bundle.proof.dense = false;
      omit(bundle, at.refused);
    });
    const { valid, not_proven } = await verify(some);
    expect([valid, not_proven.length]).toEqual([true, 2]);
    expect(await failing(changed(some, ({ proof }) => { proof.dense = true; }))).toEqual({ standstill: at.refused });
  }); // prettier-ignore

  it.each<[string, string, number | null, Parameters<typeof changed<typeof incident>>[1]]>([
    ['a removed act', 'people', at.cleared, (bundle) => omit(bundle, at.clear)],
    ['a removed request', 'people', at.approve, (bundle) => omit(bundle, at.ask)],
    ['a removed signal', 'signal', at.drifted, (bundle) => omit(bundle, at.signal)],
    ['a removed step', 'standstill', at.recovering, (bundle) => omit(bundle, at.recovering)],
    ['a removed clearing', 'clearing', at.signal, (bundle) => omit(bundle, at.cleared)],
    ['a removed closing', 'closing', at.revalidated, (bundle) => omit(bundle, at.closed)],
    ['a key nobody recorded', 'trust_continuity', at.recover, ({ keys }) => { keys.splice(keys.findIndex(({ party }) => party === 'ada'), 1); }],
    ['swapped keys', 'people', at.recover, ({ keys }) => { keys.forEach((key) => { if (key.purpose === 'person') key.party = key.party === 'ada' ? 'grace' : 'ada'; }); }],
    ['another epoch', 'signal', null, ({ proof }) => { proof.epoch = 2; }],
    ['another read set', 'signal', at.denied, ({ proof }) => { if (proof.shown_by !== null && 'decision' in proof.shown_by) proof.shown_by.decision.read_set = '"other"'; }],
    ['a payload', 'audit', at.opened, (bundle) => { Object.assign(leafOf(bundle, at.opened) ?? {}, { payload: '{}' }); }],
    ['a redaction that is not counted', 'trust_continuity', null, (bundle) => { redact(bundle, at.refused); bundle.lineage.redacted = 0; }],
  ])('with %s: %s does not hold', async (_case, name, index, change) => {
    expect(await failing(changed(incident, change))).toMatchObject({ [name]: index });
  }); // prettier-ignore

  const said = (step: keyof typeof at, change: object): TestIncidentChange => ({
    payload: (each, payload) => (each === step ? { ...payload, ...change } : payload),
  });
  it.each<[string, string, number, TestIncidentChange]>([
    ['one person twice', 'people', at.approve, { approver: 'ada' }],
    ['two names with one key', 'people', at.approve, { approver: 'grace', approverKey: 'ada' }],
    ['other people than signed', 'people', at.closed, said('closed', { by: ['grace', 'ada'] })],
    ['another person on an act', 'people', at.recover, said('recover', { person: 'grace' })],
    ['an approval of nothing', 'people', at.approve, { causes: (step, causes) => (step === 'approve' ? [] : causes) }],
    ['another time for the containment', 'containment', at.drifted, { payload: (step, payload) => (step === 'drifted' ? { ...payload, event: 'x' } : payload) }],
    ['a decision between drift and containment', 'containment', at.contained, said('contained', { sequence: 9 })],
    ['a step out of nowhere', 'containment', at.recovering, said('recovering', { from: 'drifting' })],
    ['an artifact while contained', 'standstill', at.refused, { type: (step, type) => (step === 'refused' ? 'decision_authorized' : type) }],
    ['a capture while contained', 'standstill', at.refused, { type: (step, type) => (step === 'refused' ? 'settlement_capture_authorized' : type), payload: (step, payload) => (step === 'refused' ? { flow: incident.proof.flow } : payload) }],
    ['more decisions than there are', 'standstill', at.begun, said('begun', { sequence: 20 })],
    ['another cause than the signal', 'signal', at.opened, said('opened', { causes: [{ kind: 'policy', rule: 'x', evidence: {} }] })],
    ['a cause cleared that was not', 'clearing', at.signal, said('cleared', { causes: ['policy'] })],
    ['a baseline nobody signed', 'closing', at.baseline, said('baseline', { baseline: { mandate_hash: 'x' } })],
    ['an epoch that did not go on', 'closing', at.baseline, said('baseline', { epoch: 1 })],
  ])('of an operator who logged %s: %s does not hold', async (_case, name, index, change) => {
    const failed = await failing(await makeTestIncident(change));
    expect(failed).toMatchObject({ [name]: index });
    expect(failed).not.toHaveProperty('audit'); // the log did record it
  }); // prettier-ignore
});

describe('the bundle of a time range', () => {
  it('C14: proves that no leaf is missing, and what they add up to', async () => {
    const report = await verify(range);
    expect(report.statements.filter(({ holds }) => !holds)).toEqual([]);
    expect(report.statements.map(({ name }) => name)).toEqual(RANGE_STATEMENTS);
    expect(report.statements[0]?.detail).toBe('leaves 5 to 12, none missing; 7 of them state a time within the range');
    expect(report.statements[1]?.detail).toContain('12.5 USD in 1 settlement_capture_authorized');
    expect(report.not_proven).toHaveLength(1);
  });

  it('counts what is redacted, and has it in no sum', async () => {
    const less = changed(range, (bundle) => {
      redact(bundle, at.capture);
      bundle.proof.sums.splice(0, 1);
    });
    expect(await verify(less)).toMatchObject({ valid: true, redacted: 1 });
    expect((await verify(less)).not_proven).toHaveLength(2);
  });

  it.each<[string, string, number | null, Parameters<typeof changed<typeof range>>[1]]>([
    ['an omitted leaf', 'completeness', at.denied, (bundle) => omit(bundle, at.denied)],
    ['an omitted first leaf', 'completeness', at.capture, (bundle) => omit(bundle, at.capture)],
    ['an omitted last leaf', 'completeness', at.refused, (bundle) => omit(bundle, at.refused)],
    ['an omitted leaf that is counted', 'totals', null, (bundle) => omit(bundle, at.denied)],
    ['a wrong sum', 'totals', null, ({ proof }) => { proof.sums.forEach((sum) => { sum.amount = '12.51'; }); }],
    ['another spelling of a sum', 'totals', null, ({ proof }) => { proof.sums.forEach((sum) => { sum.amount = '12.50'; }); }],
    ['a wrong count', 'totals', null, ({ proof }) => { proof.counts.forEach((each) => { each.count += 1; }); }],
    ['a longer time', 'totals', null, ({ subject }) => { subject.to_ms += 1_000; }],
    ['a time that ends before it begins', 'completeness', null, ({ subject }) => { subject.to_ms = 1; }],
    ['another start', 'completeness', null, ({ proof }) => { if (proof.start !== null) proof.start.size = 4; }],
    ['no start', 'completeness', 4, ({ proof }) => { proof.start = null; }],
    ['another consistency', 'completeness', null, ({ proof }) => { proof.end.consistency.reverse(); }],
    ['the note of another bound', 'completeness', null, ({ proof }) => { proof.end.note = proof.start?.note ?? ''; }],
    ['a key nobody recorded', 'trust_continuity', at.agentKey, ({ keys }) => { keys.forEach((key) => { if (key.purpose === 'agent') key.party = 'rival'; }); }],
  ])('with %s: %s does not hold', async (_case, name, index, change) => {
    expect(await failing(changed(range, change))).toMatchObject({ [name]: index });
  }); // prettier-ignore
});

it('an artifact has version 1 and no other kind: a reader of one refuses the other', async () => {
  for (const bundle of [settlement, incident, range]) {
    expect(await verify({ ...bundle, v: 1 })).toMatchObject({ kind: null, valid: false });
    expect(await verify({ ...bundle, subject: { kind: 'artifact', id: settlement.subject.id } })).toMatchObject({
      kind: null,
      valid: false,
    });
  }
});
