import { PrivateKeySigner, type Signer, StatusList, signToken } from '@spendgate/artifact';
import { NOTE_SIGNATURE, cosign, formatNote, parseNote, type NoteKey, formatNoteKey } from '@spendgate/audit-log';
import {
  type Bundle,
  type BundleKey,
  type LeafType,
  type SettlementBundle,
  canonicalize,
  hashJsonText,
  intentBodyHash,
  settlementBodyHash,
  settlementId,
} from '@spendgate/codec';
import { MemoryLog, hashText, noteKeyOf } from './memory-log.js';
import { TEST_ISSUER, intentClaims, mandateClaim, namedId } from './test-domain.js';

/** Where each leaf of the test bundle lies; 0 and 14 are of somebody else. */
export const TEST_LEAVES = {
  policy: 1,
  agentKey: 2,
  settlerKey: 3,
  artifactKey: 4,
  receiptKey: 5,
  statusKey: 6,
  checkpointKey: 7,
  root: 8,
  mandate: 9,
  baseline: 10,
  decision: 11,
  capture: 12,
  outcome: 13,
} as const;
type LeafName = keyof typeof TEST_LEAVES;

export interface TestBundleChange {
  /** Captured, major units, of 12.50. */
  readonly captured?: string;
  /** Changes what a leaf commits to, before anything is hashed or signed: as an operator could who lies from the start. */
  readonly payload?: (name: LeafName, payload: object) => object;
  /** Causes of a leaf, before it is hashed. */
  readonly causes?: (name: LeafName, causes: readonly string[]) => readonly string[];
  /** Size of the remembered checkpoint the bundle carries a consistency proof from. */
  readonly from?: number;
  /** Who cosigns the checkpoint, named `witness-0.example` and so on. */
  readonly witnesses?: readonly Signer[];
}

export interface TestBundle {
  readonly bundle: Bundle;
  /** Signed notes of earlier checkpoints, by size. */
  readonly noteAt: (size: number) => Promise<string>;
  readonly checkpointKey: Signer;
  /** The domain's public keys as its JWKS has them. */
  readonly jwks: { readonly keys: readonly object[] };
}

const AT = 1_700_000_000;
const AT_MS = AT * 1_000;
const SIZE = 15;
const DOMAIN_KEYS = {
  artifactKey: 'artifact',
  receiptKey: 'receipt',
  statusKey: 'status',
  checkpointKey: 'checkpoint',
} as const;
const keys = {
  agentKey: PrivateKeySigner.generate('agent'),
  settlerKey: PrivateKeySigner.generate('settlement'),
  artifactKey: PrivateKeySigner.generate('artifact'),
  receiptKey: PrivateKeySigner.generate('receipt'),
  statusKey: PrivateKeySigner.generate('status'),
  checkpointKey: PrivateKeySigner.generate('checkpoint'),
};
/** Whose hash is the capture's `decision_hash`. */
const CAPTURE_READ_SET = canonicalize('capture');
const CHECKS = ['signature', 'scope_integrity', 'temporal_validity', 'environment_binding', 'policy_hash', 'origin', 'revocation_state', 'lineage']; // prettier-ignore

/** A log of fifteen leaves in memory: what a domain does from its first key to the outcome of one capture. */
class Log extends MemoryLog {
  constructor(private readonly change: TestBundleChange) {
    super();
  }

  add(name: LeafName | null, type: LeafType, payload: object, causes: readonly string[] = []): string {
    const index = this.leaves.length;
    if (name !== null && TEST_LEAVES[name] !== index) throw new Error(`${name} is not leaf ${index}`);
    const said = name === null ? payload : (this.change.payload?.(name, payload) ?? payload);
    const led = name === null ? causes : (this.change.causes?.(name, causes) ?? causes);
    return this.push(type, AT_MS + index, said, led);
  }
}

/** The same for its one capture. */
export async function makeTestSettlement(change: TestBundleChange = {}): Promise<SettlementBundle> {
  const { bundle } = await makeTestBundle(change);
  const settlements = bundle.proof.settlements.map((each) => ({ ...each, read_set: CAPTURE_READ_SET }));
  return {
    ...bundle,
    v: 2,
    subject: { kind: 'settlement', id: settlements[0]?.settlement_id ?? '' },
    proof: { ...bundle.proof, settlements, refused: [] },
  };
}

/** A bundle in which all six statements hold, made without any server; `change` lies in one place. */
export async function makeTestBundle(change: TestBundleChange = {}): Promise<TestBundle> {
  const log = new Log(change);
  log.add(null, 'control_act', { n: 0 });
  log.add('policy', 'policy_activated', { policy: 'default', version: 1, set_hash: hashJsonText('set') });
  const recorded = recordKeys(log);
  const rootClaim = mandateClaim('root', { agent: null });
  const claim = mandateClaim('main', { parent: rootClaim.id, depth: 1 });
  const rootHash = hashJsonText(rootClaim);
  const hash = hashJsonText(claim);
  const root = log.add('root', 'mandate_registered', { mandate: rootClaim, hash: rootHash, parent_hash: null });
  const grant = { mandate: claim, hash, parent_hash: rootHash };
  const mandate = log.add('mandate', 'mandate_registered', grant, [root]);
  const baseline = { mandate_hash: hash };
  log.add('baseline', 'flow_baseline_set', { flow: claim.id, epoch: 1, sequence: 0, baseline }, [mandate]);
  const spent = await authorize(log, mandate, {
    mandateHash: hash,
    rootId: rootClaim.id,
    baselineHash: hashJsonText(baseline),
  });
  const settled = await capture(log, spent, change.captured ?? '12.50');
  log.add(null, 'control_act', { n: 14 });
  const leaves = Object.values(TEST_LEAVES).map((index) => log.shown(index));
  const noteAt = (size: number) => log.note(size, keys.checkpointKey);
  const inclusion = Object.values(TEST_LEAVES).map((index) => log.inclusion(index, SIZE));
  const { artifact, intent, decision } = spent;
  const witnessed = await cosigned(await noteAt(SIZE), change.witnesses ?? []);
  const bundle: Bundle = {
    v: 1,
    domain: TEST_ISSUER,
    subject: { kind: 'artifact', id: artifact.jti },
    proof: {
      artifact: { claims: canonicalize(artifact), token: spent.token },
      intent,
      decision,
      ...settled,
    },
    synchronization: {
      status_list: await signStatus(artifact.status.status_list.uri),
      checkpoint: { size: SIZE, root: hashText(log.head(SIZE).root) },
      consistency: change.from === undefined ? null : await continues(log, change.from),
    },
    lineage: { leaves, redacted: 0 },
    audit: { inclusion: await Promise.all(inclusion) },
    persistence: { ...witnessed, log_key: formatNoteKey(noteKeyOf(keys.checkpointKey)) },
    keys: recorded,
  };
  const jwks = {
    keys: recorded
      .filter(({ party }) => party === TEST_ISSUER)
      .map(({ jwk, kid, purpose }) => ({ ...jwk, kid, purpose, iss: TEST_ISSUER })),
  };
  return { bundle, noteAt, checkpointKey: keys.checkpointKey, jwks };
}

async function continues(log: Log, size: number) {
  return { size, root: hashText(log.head(size).root), proof: await log.consistency(size, SIZE) };
}

function recordKeys(log: Log): BundleKey[] {
  const parties = [
    ['agentKey', 'agent', 'buyer', 'agent'],
    ['settlerKey', 'settlement_service', 'settler', 'settlement'],
  ] as const;
  const ofParties = parties.map(([name, kind, party, purpose]): BundleKey => {
    const { kid, jwk } = keys[name];
    const leaf = log.add(name, 'key_changed', { act: 'key_added', kid, kind, party, jwk, successor: null });
    return { kid, jwk: { ...jwk }, party, purpose, leaf };
  });
  const names = Object.keys(DOMAIN_KEYS) as (keyof typeof DOMAIN_KEYS)[]; // as: the keys of our own table
  const ofDomain = names.map((name): BundleKey => {
    const { kid, jwk } = keys[name];
    const purpose = DOMAIN_KEYS[name];
    const leaf = log.add(name, 'key_changed', { act: 'domain_key_added', kid, purpose, jwk });
    return { kid, jwk: { ...jwk }, party: TEST_ISSUER, purpose, leaf };
  });
  return [...ofParties, ...ofDomain];
}

interface Grant {
  readonly mandateHash: string;
  readonly rootId: string;
  readonly baselineHash: string;
}

function artifactOf(
  claims: ReturnType<typeof intentClaims>,
  { mandateHash, rootId, baselineHash }: Grant,
  decisionHash: string,
) {
  return {
    iss: TEST_ISSUER,
    aud: 'settler',
    iat: AT,
    nbf: AT,
    exp: AT + 900,
    jti: namedId('artifact'),
    sub: 'buyer',
    cnf: { jkt: keys.settlerKey.kid },
    act: { sub: 'buyer', act: { sub: 'acme' } },
    authorization_details: [
      {
        type: 'machine_commerce_payment',
        actions: ['capture', 'void', 'refund'],
        amount: claims.amount,
        counterparty: { id: 'shop' },
        capture: { mode: 'single', max_captures: 1, settle_by: AT + 900 },
        reference: 'order-1',
      },
    ],
    flow: { id: claims.mandate, epoch: 1, mandate: claims.mandate, baseline_hash: baselineHash },
    policy: {
      id: 'default',
      version: 1,
      set_hash: hashJsonText('set'),
      hash: hashJsonText('slice'),
      decision_hash: decisionHash,
    },
    env: { measurement: null, evidence_hash: null, verifier: null, valid_until: null },
    lineage: { root: rootId, parent: claims.mandate, parent_hash: mandateHash, depth: 1 },
    status: { status_list: { idx: 3, uri: 'https://spend.example/status/0/0' } },
  };
}

async function authorize(log: Log, mandate: string, grant: Grant) {
  const claims = intentClaims('order-1', AT_MS);
  const decisionHash = hashJsonText('decision');
  const artifact = artifactOf(claims, grant, decisionHash);
  const said = {
    decision_id: namedId('decision'),
    intent_id: namedId('intent'),
    outcome: 'authorized' as const,
    code: null,
    field: null,
    supersedes: null,
    appended_at: AT_MS + 10,
    judged_at: AT_MS + 11,
    decision_hash: decisionHash,
  };
  const leaf_hash = log.add(
    'decision',
    'decision_authorized',
    {
      ...said,
      agent: 'buyer',
      agent_kid: keys.agentKey.kid,
      artifact: { id: artifact.jti, hash: hashJsonText(artifact) },
      intent_hash: hashText(intentBodyHash(claims)),
      mandate: claims.mandate,
      policy: { id: 'default', set_hash: hashJsonText('set'), version: 1 },
      stages: [{ stage: 'policy', verdict: 'passed' }],
    },
    [mandate],
  );
  return {
    artifact,
    token: await signToken(keys.artifactKey, 'authorization-artifact+jwt', artifact),
    intent: await signToken(keys.agentKey, 'payment-intent+jwt', claims),
    decision: { ...said, read_set: null, leaf_hash },
  };
}

/** One capture, granted, and what the settlement service reported of it. */
async function capture(log: Log, { artifact, decision }: Awaited<ReturnType<typeof authorize>>, value: string) {
  const named = { id: artifact.jti, hash: hashJsonText(artifact) };
  const amount = { value, currency: 'USD' };
  const common = { iss: 'settler', aud: TEST_ISSUER, iat: AT, exp: AT + 300, artifact: named, capture_id: 'c', amount };
  const request = {
    ...common,
    jti: 'request-1',
    action: 'capture' as const,
    counterparty: 'shop',
    merchant_reference: 'order-1',
  };
  const settlement = settlementId(artifact.jti, 'capture', 'c');
  const decided = { outcome: 'authorized', state: 'capturing', decision_hash: hashJsonText('capture') };
  const request_hash = hashText(settlementBodyHash(request));
  const checks = CHECKS.map((name) => ({ name, ok: true }));
  const said = { settlement, attempt: 0, presenter: 'settler', presenter_kid: keys.settlerKey.kid, artifact: named };
  const payload = { ...said, ...decided, request_hash, amount: value, currency: 'USD', checks };
  const leaf_hash = log.add('capture', 'settlement_capture_authorized', payload, [decision.leaf_hash]);
  const receipt = {
    ...{ iss: TEST_ISSUER, aud: 'settler', iat: AT, exp: AT + 900, jti: settlement, request_jti: request.jti },
    ...{
      request_hash,
      action: 'capture',
      action_id: 'c',
      artifact: named,
      ...decided,
      code: null,
      field: null,
      amount,
    },
    checks: Object.fromEntries(CHECKS.map((name) => [name, true])),
    ...{ money: null, outcome_due: null, leaf_hash },
  };
  const outcome = { ...common, jti: 'outcome-1', outcome: 'completed', occurred_at: AT };
  const outcome_id = namedId('outcome');
  const report = { outcome_id, settlement, reporter: 'settler', outcome: 'completed', amount };
  return {
    settlements: [
      {
        settlement_id: settlement,
        attempt: 0,
        request: await signToken(keys.settlerKey, 'settlement-request+jwt', request),
        claims: canonicalize(receipt),
        receipt: await signToken(keys.receiptKey, 'settlement-receipt+jwt', receipt),
        leaf_hash,
      },
    ],
    outcomes: [
      {
        outcome_id,
        settlement_id: settlement,
        token: await signToken(keys.settlerKey, 'settlement-outcome+jwt', outcome),
        leaf_hash: log.add('outcome', 'settlement_outcome_recorded', report, [leaf_hash]),
      },
    ],
  };
}

function signStatus(sub: string): Promise<string> {
  const list = { ttl: 60, status_list: StatusList.ofSize(64).encode() };
  const claims = { iss: TEST_ISSUER, aud: TEST_ISSUER, iat: AT, exp: AT + 3_600, jti: namedId('list'), sub, ...list };
  return signToken(keys.statusKey, 'statuslist+jwt', claims);
}

async function cosigned(note: string, witnesses: readonly Signer[]) {
  const parsed = parseNote(note);
  if (parsed === 'note_malformed') throw new Error('a note of our own');
  const signatures = [...parsed.signatures];
  const witnessed_by: string[] = [];
  for (const [n, signer] of witnesses.entries()) {
    const publicKey = Buffer.from(signer.jwk.x, 'base64url');
    const key: NoteKey = { name: `witness-${n}.example`, type: NOTE_SIGNATURE.cosignatureV1, publicKey };
    signatures.push(await cosign(parsed.text, AT, key, (bytes) => signer.sign(bytes)));
    witnessed_by.push(formatNoteKey(key));
  }
  return { note: formatNote({ ...parsed, signatures }), witnessed_by };
}
