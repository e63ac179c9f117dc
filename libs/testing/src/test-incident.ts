import { PrivateKeySigner, signToken } from '@spendgate/artifact';
import { formatNoteKey } from '@spendgate/audit-log';
import {
  type BundleKey,
  type IncidentBundle,
  type LeafType,
  type OpsActionClaims,
  type RangeBundle,
  canonicalize,
  hashJsonText,
  intentBodyHash,
  opsContentHash,
  sha256,
  uuid8,
} from '@spendgate/codec';
import { MemoryLog, hashText, noteKeyOf } from './memory-log.js';
import { TEST_ISSUER, intentClaims, mandateClaim, namedId } from './test-domain.js';

const AT_MS = 1_700_000_000_000;
const FLOW = mandateClaim('main').id;
const INCIDENT = uuid8(sha256(canonicalize(['incident', FLOW, 1])));
const people = { ada: PrivateKeySigner.generate('person'), grace: PrivateKeySigner.generate('person') };
const agent = PrivateKeySigner.generate('agent');
const checkpoint = PrivateKeySigner.generate('checkpoint');
const READ_SET = '"what it was decided on"';
/** What two people sign for; the domain adds its epoch. */
const BASELINE = { mandate_hash: hashJsonText('mandate') };

/** Each leaf of the story by its name, in the order of the log. */
const STEPS = [
  ...([
    'checkpointKey',
    'agentKey',
    'adaKey',
    'graceKey',
    'before',
    'capture',
    'completed',
    'denied',
    'signal',
  ] as const),
  ...([
    'drifted',
    'contained',
    'opened',
    'refused',
    'recover',
    'recovering',
    'clear',
    'cleared',
    'ask',
    'approve',
  ] as const),
  ...(['closed', 'revalidated', 'proven', 'baseline', 'begun', 'after'] as const),
] as const;
type Step = (typeof STEPS)[number];
/** Where each leaf of the test incident lies. */
export const TEST_INCIDENT_LEAVES = Object.fromEntries(STEPS.map((step, index) => [step, index])) as Record<
  Step,
  number
>; // as: of the list above

/** Before anything is hashed or signed: as an operator could who lies from the start. */
export interface TestIncidentChange {
  readonly payload?: (step: Step, payload: object) => object;
  readonly causes?: (step: Step, causes: readonly string[]) => readonly string[];
  readonly type?: (step: Step, type: LeafType) => LeafType;
  /** Who signs the approval; grace when absent. */
  readonly approver?: keyof typeof people;
  /** With whose key; the approver's own when absent. */
  readonly approverKey?: keyof typeof people;
}

interface Act {
  readonly hash: string;
  readonly id: string;
  readonly claims: OpsActionClaims;
}

/** One incident told from the drift to the new baseline, made without any server. */
class Story {
  readonly log = new MemoryLog();
  readonly keys: BundleKey[] = [];
  private signed = 0;

  constructor(private readonly change: TestIncidentChange) {}

  add(step: Step, type: LeafType, payload: object, causes: readonly string[] = []): string {
    const index = this.log.leaves.length;
    if (STEPS[index] !== step) throw new Error(`${step} is not leaf ${index}`);
    const said = this.change.payload?.(step, payload) ?? payload;
    const led = this.change.causes?.(step, causes) ?? causes;
    return this.log.push(this.change.type?.(step, type) ?? type, timeOf(step), said, led);
  }

  addKey(step: Step, party: string, purpose: BundleKey['purpose'], { kid, jwk }: PrivateKeySigner): void {
    const isDomains = party === TEST_ISSUER;
    const of = isDomains ? { act: 'domain_key_added', purpose } : { act: 'key_added', kind: purpose, party };
    const leaf = this.add(step, 'key_changed', { ...of, kid, jwk });
    this.keys.push({ kid, jwk: { ...jwk }, party, purpose, leaf });
  }

  move(step: Step, sequence: number, event: string, from: string, to: string, cause: string, epoch = 1): string {
    return this.add(step, 'flow_transition', { flow: FLOW, epoch, sequence, event, from, to }, [cause]);
  }

  /** An act of a person, with the token it is. */
  async act(step: Step, person: keyof typeof people, said: Partial<OpsActionClaims>, first?: Act): Promise<Act> {
    this.signed += 1;
    const iat = Math.floor(timeOf(step) / 1_000);
    const claims: OpsActionClaims = {
      ...{ iss: person, aud: TEST_ISSUER, iat, exp: iat + 300, jti: `act-${this.signed}`, action: 'recover' },
      ...{ targets: [{ kind: 'incident', id: INCIDENT, version: 1 }], reason: 'spec', causes: [] },
      ...{ request: null, change_hash: null, ...said },
    };
    const signer = people[step === 'approve' ? (this.change.approverKey ?? person) : person];
    const token = await signToken(signer, 'ops-action+jwt', claims);
    const id = uuid8(sha256(canonicalize(['ops-act', person, claims.jti])));
    const { action, targets, reason, request } = claims;
    const payload = { act: action, id, targets, person, reason, request, token };
    const causes = first === undefined ? [] : [first.hash];
    return { hash: this.add(step, 'ops_action', payload, causes), id, claims };
  }
}

/** The four steps of the containment state one time. */
function timeOf(step: Step): number {
  const index = TEST_INCIDENT_LEAVES[step];
  const { signal, opened } = TEST_INCIDENT_LEAVES;
  return AT_MS + 1_000 * (index > signal && index <= opened ? signal : index);
}

async function tell(change: TestIncidentChange) {
  const story = new Story(change);
  story.addKey('checkpointKey', TEST_ISSUER, 'checkpoint', checkpoint);
  story.addKey('agentKey', 'buyer', 'agent', agent);
  story.addKey('adaKey', 'ada', 'person', people.ada);
  story.addKey('graceKey', 'grace', 'person', people.grace);
  const before = story.add('before', 'decision_authorized', { mandate: FLOW, decision_id: namedId('before') });
  const money = { amount: '12.50', currency: 'USD' };
  const capture = story.add('capture', 'settlement_capture_authorized', { flow: FLOW, ...money }, [before]);
  const completed = { outcome: 'completed', applied: true, amount: { value: '12.50', currency: 'USD' } };
  story.add('completed', 'settlement_outcome_recorded', { flow: FLOW, ...completed }, [capture]);
  const { decision, intent, hash } = await deny(story);
  const evidence = { code: 'lineage_fragmented', field: null };
  const drift = { rule: 'exact.lineage_fragmented', evidence };
  const signal = story.add(
    'signal',
    'verification_changed',
    { flow: FLOW, epoch: 1, limb: 'lineage', verdict: 'broken', ...drift },
    [hash],
  );
  const drifted = story.move('drifted', 7, 'drift_found', 'executing', 'drifting', signal);
  const contained = story.move('contained', 8, 'flow_contained', 'drifting', 'contained', drifted);
  const about = { incident: INCIDENT, flow: FLOW, epoch: 1 };
  story.add('opened', 'incident_opened', { ...about, causes: [{ kind: 'lineage', ...drift }] }, [contained]);
  story.add('refused', 'decision_denied', { mandate: FLOW, code: 'flow_contained' });
  const recover = await story.act('recover', 'ada', { action: 'recover' });
  const recovering = story.move('recovering', 10, 'recovery_opened', 'contained', 'recovering', recover.hash);
  const cleared = { causes: ['lineage'], change_hash: hashJsonText('finding') };
  const clear = await story.act('clear', 'ada', { action: 'clear_cause', ...cleared });
  story.add('cleared', 'incident_changed', { ...about, change: 'cause_cleared', by: ['ada'], causes: ['lineage'] }, [
    clear.hash,
  ]);
  const ask = await story.act('ask', 'ada', { action: 'revalidate', change_hash: hashJsonText(BASELINE) });
  const approval = { action: 'revalidate', request: ask.id, change_hash: opsContentHash(ask.claims) };
  const { approver = 'grace' } = change;
  const approve = await story.act('approve', approver, approval, ask);
  const closed = story.add(
    'closed',
    'incident_closed',
    { ...about, change: 'revalidated', by: ['ada', approver], causes: [] },
    [approve.hash],
  );
  const revalidated = story.move('revalidated', 11, 'flow_revalidated', 'recovering', 'revalidated', closed);
  const proven = story.move('proven', 12, 'proof_persisted', 'revalidated', 'proven', revalidated);
  const baseline = { ...BASELINE, domain_epoch: 9 };
  const next = story.add('baseline', 'flow_baseline_set', { flow: FLOW, epoch: 2, sequence: 12, baseline }, [proven]);
  story.move('begun', 13, 'baseline_signed', 'proven', 'baseline', next, 2);
  story.add('after', 'control_act', { n: 0, recovering });
  return { story, decision, intent };
}

/** The decision that showed the drift, on an intent its agent signed. */
async function deny(story: Story) {
  const claims = intentClaims('order-1', AT_MS);
  const intent_hash = hashText(intentBodyHash(claims));
  const said = {
    ...{ decision_id: namedId('denied'), intent_id: namedId('intent'), outcome: 'denied' as const },
    ...{ code: 'lineage_fragmented' as const, field: null, supersedes: null },
    ...{ appended_at: AT_MS, judged_at: timeOf('denied') },
  };
  const stages = [{ stage: 'identity', verdict: 'failed' }];
  const decided = {
    outcome: said.outcome,
    code: said.code,
    field: null,
    limit: null,
    stages,
    terms: null,
    parkedUntilMs: null,
  };
  // The text `decision_hash` covers, in RFC 8785 order.
  const text = `{"body":${canonicalize(intent_hash)},"decision":${canonicalize(decided)},"intent":${canonicalize(said.intent_id)},"read_set":${READ_SET}}`;
  const decision_hash = hashText(sha256(text));
  const payload = { ...said, decision_hash, agent: 'buyer', agent_kid: agent.kid, intent_hash, mandate: FLOW, stages };
  const hash = story.add('denied', 'decision_denied', payload);
  const intent = await signToken(agent, 'payment-intent+jwt', claims);
  return { decision: { ...said, read_set: READ_SET, decision_hash, leaf_hash: hash }, intent, hash };
}

async function prove(story: Story, indices: readonly number[]) {
  const { log, keys } = story;
  const size = log.leaves.length;
  const inclusion = await Promise.all(indices.map((index) => log.inclusion(index, size)));
  return {
    synchronization: { checkpoint: { size, root: hashText(log.head(size).root) }, consistency: null },
    lineage: { leaves: indices.map((index) => log.shown(index)), redacted: 0 },
    audit: { inclusion },
    persistence: {
      note: await log.note(size, checkpoint),
      log_key: formatNoteKey(noteKeyOf(checkpoint)),
      witnessed_by: [],
    },
    keys,
  };
}

/** A bundle of an incident in which every statement holds; `change` lies from the start. */
export async function makeTestIncident(change: TestIncidentChange = {}): Promise<IncidentBundle> {
  const { story, decision, intent } = await tell(change);
  const { denied, begun } = TEST_INCIDENT_LEAVES;
  const indices = STEPS.map((_, index) => index).filter((index) => index < 4 || (index >= denied && index <= begun));
  return {
    v: 2,
    domain: TEST_ISSUER,
    subject: { kind: 'incident', id: INCIDENT },
    proof: { flow: FLOW, epoch: 1, dense: true, shown_by: { decision, intent } },
    ...(await prove(story, indices)),
  };
}

/** A bundle of the time from the first capture to the end of the containment, between checkpoints of 5 and 13 leaves. */
export async function makeTestRange(change: TestIncidentChange = {}): Promise<RangeBundle> {
  const { story } = await tell(change);
  const { log } = story;
  const [start, end, size] = [5, 13, log.leaves.length];
  const indices = STEPS.map((_, index) => index).filter(
    (index) => index === 0 || index < 4 || (index >= start && index < end),
  );
  const bound = async (at: number, later: number) => ({
    size: at,
    root: hashText(log.head(at).root),
    note: await log.note(at, checkpoint),
    consistency: await log.consistency(at, later),
  });
  const sum = { currency: 'USD', count: 1, amount: '12.5' };
  return {
    v: 2,
    domain: TEST_ISSUER,
    subject: { kind: 'range', from_ms: timeOf('capture'), to_ms: timeOf('refused') },
    proof: {
      start: await bound(start, end),
      end: await bound(end, size),
      counts: [
        { type: 'decision_denied', count: 1 },
        { type: 'flow_transition', count: 2 },
        { type: 'incident_opened', count: 1 },
        { type: 'settlement_capture_authorized', count: 1 },
        { type: 'settlement_outcome_recorded', count: 1 },
        { type: 'verification_changed', count: 1 },
      ],
      sums: [
        { type: 'settlement_capture_authorized', ...sum },
        { type: 'settlement_outcome_recorded', ...sum },
      ],
    },
    ...(await prove(story, indices)),
  };
}
