import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sha256Text } from '../hash.js';
import { parseClaims } from './parse-claims.js';
import { CAPTURES_MAX } from './payment-intent.js';
import { settlementActionId } from './settlement.js';
import { isTokenTyp, TOKENS, type ClaimsOf, type TokenTyp } from './tokens.js';

const NOW = 1_000_000;
const DOMAIN = 'urn:spendgate:test';
const [MANDATE, ROOT, ID] = [1, 2, 3].map((n) => `00000000-0000-8000-8000-00000000000${n}`) as [string, string, string];
const hash = sha256Text('x');
const other = sha256Text('y');
const asked = { iss: 'party', aud: DOMAIN, iat: NOW, exp: NOW + 60, jti: 'a-1' };
const told = { iss: DOMAIN, aud: 'party', iat: NOW, exp: NOW + 60, jti: ID };
const amount = { value: '12.50', currency: 'USD' };
const artifact = { id: ID, hash };
const stages = ['policy', 'identity', 'runtime_integrity', 'environment', 'governance', 'issue'] as const;
const checks = {
  ...{ signature: true, scope_integrity: true, temporal_validity: true, environment_binding: true },
  ...{ policy_hash: true, origin: true, revocation_state: true, lineage: true },
};

/** One set of claims a `typ`, with every claim that can stand in it beside the others. */
const EXAMPLES: { readonly [T in TokenTyp]: ClaimsOf<T> } = {
  'mandate+jwt': {
    ...asked,
    mandate: {
      ...{
        id: MANDATE,
        version: 1,
        parent: ROOT,
        principal: 'acme',
        agent: 'shopper',
        depth: 1,
        delegation: { levels: 1 },
        park_seconds: 60,
      },
      limits: { currency: 'USD', total: '100.00', per_transaction: '10.00' },
      counterparties: ['shop'],
      validity: { from: NOW, until: NOW + 1 },
      policy: { id: 'default' },
      environment: { max_age_seconds: 60, measurements: ['sha256:abc'] },
      approvals: { above: '5.00' },
    },
  },
  'payment-intent+jwt': {
    ...asked,
    ...{ mandate: MANDATE, amount, counterparty: 'shop', audience: 'service', reference: 'r' },
    capture: { mode: 'multi', max_captures: 2, settle_by: NOW + 60 },
    ...{ deadline: NOW + 60, description: 'two books', purchased_at: '1997-01-01' },
    evidence: [{ type: 'cart', hash, uri: 'https://shop.example/1' }],
  },
  'authorization-artifact+jwt': {
    ...{ ...told, nbf: NOW, sub: 'shopper', cnf: { jkt: hash }, act: { sub: 'shopper', act: { sub: 'acme' } } },
    authorization_details: [
      {
        type: 'machine_commerce_payment',
        actions: ['capture', 'void', 'refund'],
        amount,
        counterparty: { id: 'shop', name: 'Shop', account: '1' },
        capture: { mode: 'single', max_captures: 1, settle_by: NOW + 60 },
        reference: 'r',
      },
    ],
    flow: { id: MANDATE, epoch: 0, mandate: MANDATE, baseline_hash: hash },
    policy: { id: 'default', version: 1, set_hash: hash, hash, decision_hash: hash },
    env: { measurement: 'm', evidence_hash: hash, verifier: 'attester', valid_until: NOW + 60 },
    lineage: { root: ROOT, parent: MANDATE, parent_hash: hash, depth: 1 },
    status: { status_list: { idx: 0, uri: 'https://spend.example/status/0' } },
  },
  'decision+jwt': {
    ...{ ...told, intent_id: ID, intent_jti: 'a-1', intent_hash: hash, mandate: MANDATE, outcome: 'denied' },
    ...{ code: 'budget_exceeded', field: 'amount', artifact: null, parked_until: null, supersedes: null },
    limit: { mandate: MANDATE, name: 'total', limit: '1.00', available: '0.00' },
    stages: stages.map((stage) => ({ stage, verdict: 'passed' })),
    ...{ decision_hash: hash, leaf_hash: hash },
  },
  'artifact-renewal+jwt': {
    ...{ ...asked, mandate: MANDATE, artifact, hold: ID, amount, max_captures: 1, settle_by: NOW },
  },
  'settlement-request+jwt': {
    ...{ ...asked, action: 'capture', artifact, capture_id: 'c', amount, counterparty: 'shop' },
    ...{ merchant_reference: 'r', final: true },
  },
  'settlement-outcome+jwt': {
    ...{ ...asked, artifact, capture_id: 'c', outcome: 'completed', amount, rail_reference: 'x', occurred_at: NOW },
  },
  'settlement-receipt+jwt': {
    ...{ ...told, request_jti: 'a-1', request_hash: hash, action: 'capture', action_id: 'c', artifact, checks },
    ...{ outcome: 'authorized', code: null, field: null, amount, state: 'capturing', outcome_due: NOW },
    money: { currency: 'USD', held: '0.00', capturing: '12.50', captured: '0.00', released: '0.00', refunded: '0.00' },
    ...{ decision_hash: hash, leaf_hash: hash },
  },
  'attestation-result+jwt': {
    ...{ ...asked, sub: 'shopper', eat_nonce: 'bm9uY2Utbm9uY2U', ueid: 'AWluc3RhbmNlLTE', measurements: ['m'] },
    ...{ dbgstat: 'disabled', 'ear.status': 'affirming', evidence_hash: hash, cnf: { jkt: hash } },
  },
  'key-transition+jwt': {
    ...{ ...asked, purpose: 'agent', old: { kid: hash }, overlap: { from: NOW, until: NOW + 1 }, proof: 'a.b.c' },
    new: { kid: other, jwk: { kty: 'EC', crv: 'P-256', x: hash, y: hash } },
  },
  'ops-action+jwt': {
    ...{ ...asked, action: 'halt', reason: 'because', causes: ['drift'], request: ID, change_hash: hash },
    targets: [{ kind: 'flow', id: MANDATE, version: 1 }],
  },
  'control-event+jwt': {
    ...{ ...told, aud: DOMAIN, event: 'agent_revoked', subject: { kind: 'agent', id: 'shopper' } },
    ...{ control_epoch: 1, effective_at: NOW, leaf_hash: hash },
  },
  'domain-attestation+jwt': {
    ...{ ...told, aud: DOMAIN, redacted: 0 },
    as_of: { tree_size: 2, leaf_index: 1, root: hash, time_ms: NOW },
    policies: [{ id: 'default', version: 1, set_hash: hash }],
    keys: { active: 1, digest: hash },
    mandates: { standing: 1, revoked: 0, digest: hash },
    flows: { states: [{ state: 'activated', count: 1 }], digest: hash },
    incidents: { open: 0, digest: hash },
    quarantine: { halts: 0, flows: 0, artifacts: 0, digest: hash },
  },
  'statuslist+jwt': {
    ...{ ...told, aud: DOMAIN, sub: 'https://spend.example/status/0', ttl: 60 },
    status_list: { bits: 2, lst: 'eNpjYGBgAAAABAAB' },
  },
};

/** Claims that may be absent, by the path of the member; every other member of the examples is required. */
const OPTIONAL = new Set([
  ...['capture.max_captures', 'capture.settle_by', 'deadline', 'description', 'purchased_at', 'evidence'],
  ...['evidence[0].uri', 'authorization_details[0].counterparty.name', 'authorization_details[0].counterparty.account'],
  ...['act.act', 'amount', 'max_captures', 'settle_by', 'final', 'rail_reference', 'cnf', 'proof'],
]);
/** Optional in one token, required in another. */
const REQUIRED = new Set([
  'payment-intent+jwt amount',
  'settlement-outcome+jwt amount',
  'settlement-receipt+jwt amount',
  'settlement-request+jwt amount',
  'authorization-artifact+jwt cnf',
]);

interface Member {
  readonly path: string;
  readonly steps: readonly (string | number)[];
}
/** Every member of every object in a value, outermost first. */
function membersOf(value: unknown, steps: readonly (string | number)[] = [], path = ''): Member[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => membersOf(item, [...steps, i], `${path}[${i}]`));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = name.includes('.') ? `${path}["${name}"]` : path === '' ? name : `${path}.${name}`;
    return [{ path: here, steps: [...steps, name] }, ...membersOf(member, [...steps, name], here)];
  });
}
/** A copy with the object that holds a member changed. */
function changed(
  value: unknown,
  steps: readonly (string | number)[],
  change: (parent: Record<string, unknown>) => void,
) {
  const copy: unknown = structuredClone(value);
  const parent = steps.slice(0, -1).reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], copy);
  change(parent as Record<string, unknown>); // the steps come from membersOf
  return copy;
}
const isRequired = (typ: TokenTyp, path: string): boolean => REQUIRED.has(`${typ} ${path}`) || !OPTIONAL.has(path);
const cases = (Object.keys(EXAMPLES) as TokenTyp[]).flatMap((typ) =>
  membersOf(EXAMPLES[typ]).map((member) => [typ, member.path, member] as const),
);
const artifactCases = cases.filter(([typ]) => typ === 'authorization-artifact+jwt');

describe('token claims', () => {
  it('have an example of every typ, and each is accepted as it is', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(TOKENS).sort());
    for (const typ of Object.keys(TOKENS)) {
      if (isTokenTyp(typ)) expect(parseClaims(typ, EXAMPLES[typ])).toEqual({ ok: true, claims: EXAMPLES[typ] });
    }
  });

  it.each(artifactCases.filter(([typ, path]) => isRequired(typ, path)))(
    'A1–A10: an %s without %s is refused',
    (typ, path, { steps }) => {
      const without = changed(EXAMPLES[typ], steps, (parent) => delete parent[String(steps.at(-1))]);
      expect(parseClaims(typ, without)).toEqual({ ok: false, code: 'malformed', field: path });
    },
  );

  it('of every other typ are refused when a required one is missing, naming it', () => {
    for (const [typ, path, { steps }] of cases.filter((each) => isRequired(each[0], each[1]))) {
      const without = changed(EXAMPLES[typ], steps, (parent) => delete parent[String(steps.at(-1))]);
      const missingArtifact = typ === 'settlement-request+jwt' && /^artifact(\.id)?$/.test(path);
      const expected = missingArtifact
        ? { code: 'artifact_missing', field: 'artifact' }
        : { code: 'malformed', field: path };
      // Which claim of a contradicting pair is named is the business of its own spec.
      if (path === 'capture_id') expect([typ, parseClaims(typ, without)]).toMatchObject([typ, { ok: false }]);
      else expect([typ, parseClaims(typ, without)]).toEqual([typ, { ok: false, ...expected }]);
    }
  });

  it('may be absent where the table says so', () => {
    for (const [typ, path, { steps }] of cases.filter((each) => !isRequired(each[0], each[1]))) {
      const without = changed(EXAMPLES[typ], steps, (parent) => delete parent[String(steps.at(-1))]);
      expect([typ, path, parseClaims(typ, without).ok]).toEqual([typ, path, true]);
    }
  });

  it('are refused with another JSON type in place of any one', () => {
    for (const [typ, path, { steps }] of cases) {
      const wrong = changed(EXAMPLES[typ], steps, (parent) => (parent[String(steps.at(-1))] = [[]]));
      const result = parseClaims(typ, wrong);
      expect([typ, path, result.ok]).toEqual([typ, path, false]);
      if (!result.ok && result.code === 'malformed') expect(result.field.startsWith(path)).toBe(true);
    }
  });

  it('are refused with an unknown member in any object, naming it', () => {
    for (const [typ, path, { steps }] of cases) {
      const more = changed(EXAMPLES[typ], steps, (parent) => (parent['surplus'] = 1));
      const at = path.slice(0, Math.max(0, path.lastIndexOf('.')));
      const field = at === '' || path.endsWith('"]') ? 'surplus' : `${at}.surplus`;
      expect([typ, parseClaims(typ, more)]).toEqual([typ, { ok: false, code: 'unknown_field', field }]);
    }
  });

  it('report a wrong claim before an unknown one, as the denials table orders them', () => {
    const both = { surplus: 1, ...EXAMPLES['payment-intent+jwt'], jti: '' };
    expect(parseClaims('payment-intent+jwt', both)).toMatchObject({ code: 'malformed', field: 'jti' });
  });

  it.each(Object.entries(TOKENS))('of %s live at least a second and at most the named maximum', (typ, spec) => {
    if (!isTokenTyp(typ)) throw new Error(typ);
    const lives = (seconds: number) => {
      const deadline = typ === 'payment-intent+jwt' ? { deadline: NOW } : {};
      const nbf = typ === 'authorization-artifact+jwt' ? { nbf: NOW - 1 } : {};
      return parseClaims(typ, { ...EXAMPLES[typ], exp: NOW + seconds, ...deadline, ...nbf });
    };
    expect(lives(1).ok).toBe(true);
    expect(lives(spec.maxLifetimeSeconds).ok).toBe(true);
    for (const seconds of [0, -1, spec.maxLifetimeSeconds + 1]) {
      expect(lives(seconds)).toEqual({ ok: false, code: 'malformed', field: 'exp' });
    }
  });

  it.each<[TokenTyp, string, string, object]>([
    ['payment-intent+jwt', 'deadline', 'a deadline after exp', { deadline: NOW + 61 }],
    [
      'payment-intent+jwt',
      'capture.max_captures',
      'a single capture, twice',
      { capture: { mode: 'single', max_captures: 2 } },
    ],
    [
      'payment-intent+jwt',
      'capture.max_captures',
      'more than the named maximum',
      { capture: { mode: 'multi', max_captures: CAPTURES_MAX + 1 } },
    ],
    ['payment-intent+jwt', 'amount.value', 'money as a number', { amount: { value: 12, currency: 'USD' } }],
    ['payment-intent+jwt', 'description', '141 characters', { description: 'x'.repeat(141) }],
    ['payment-intent+jwt', 'description', 'a mark that turns the reading direction', { description: 'pay \u202e00.1' }],
    ['payment-intent+jwt', 'description', 'a line break', { description: 'a\nb' }],
    ['payment-intent+jwt', 'mandate', 'a mandate id in upper case', { mandate: MANDATE.replace('8000', 'ABCD') }],
    ['payment-intent+jwt', 'counterparty', 'a payee that is no party id', { counterparty: '../shop' }],
    ['payment-intent+jwt', 'iat', 'a time before 1970', { iat: -1 }],
    [
      'payment-intent+jwt',
      'evidence[0].hash',
      'a digest of 31 bytes',
      { evidence: [{ type: 'cart', hash: hash.slice(1) }] },
    ],
    [
      'payment-intent+jwt',
      'evidence',
      'nine pieces',
      { evidence: Array.from({ length: 9 }, () => ({ type: 'cart', hash })) },
    ],
    ['payment-intent+jwt', 'aud', 'several audiences', { aud: [DOMAIN] }],
    ['authorization-artifact+jwt', 'nbf', 'a window that is empty', { nbf: NOW + 60 }],
    [
      'authorization-artifact+jwt',
      'env',
      'half an environment',
      { env: { ...EXAMPLES['authorization-artifact+jwt'].env, verifier: null } },
    ],
    [
      'authorization-artifact+jwt',
      'authorization_details',
      'two scopes',
      { authorization_details: [1, 2].map(() => EXAMPLES['authorization-artifact+jwt'].authorization_details[0]) },
    ],
    ['settlement-request+jwt', 'refund_id', 'a second id', { refund_id: 'r' }],
    ['settlement-request+jwt', 'capture_id', 'a void of a capture', { action: 'void', void_id: 'v' }],
    ['settlement-request+jwt', 'refund_id', 'a refund without its id', { action: 'refund' }],
    ['settlement-request+jwt', 'final', 'a final refund', { action: 'refund', refund_id: 'r' }],
    ['settlement-outcome+jwt', 'capture_id', 'both a capture and a refund', { refund_id: 'r' }],
    ['settlement-receipt+jwt', 'code', 'a grant with a denial code', { code: 'flow_contained' }],
    ['settlement-receipt+jwt', 'code', 'a code no table knows', { outcome: 'denied', code: 'no_reason', amount: null }],
    ['settlement-receipt+jwt', 'amount', 'a denial that grants money', { outcome: 'denied', code: 'flow_contained' }],
    ['decision+jwt', 'stages', 'stages out of order', { stages: [...EXAMPLES['decision+jwt'].stages].reverse() }],
    ['decision+jwt', 'stages', 'five stages', { stages: EXAMPLES['decision+jwt'].stages.slice(1) }],
    ['decision+jwt', 'code', 'an authorization with a code', { outcome: 'authorized' }],
    ['decision+jwt', 'artifact', 'a denial with an artifact', { artifact }],
    ['decision+jwt', 'parked_until', 'a denial that waits', { parked_until: NOW }],
    ['attestation-result+jwt', 'measurements', 'a measurement twice', { measurements: ['m', 'm'] }],
    ['key-transition+jwt', 'new.kid', 'a key that follows itself', { old: { kid: other } }],
    [
      'key-transition+jwt',
      'overlap.until',
      'an overlap that ends before it begins',
      { overlap: { from: 2, until: 1 } },
    ],
    [
      'key-transition+jwt',
      'new.jwk.d',
      'a private member',
      { new: { kid: other, jwk: { kty: 'OKP', crv: 'Ed25519', x: hash, d: hash } } },
    ],
    [
      'ops-action+jwt',
      'targets',
      'a target twice',
      { targets: [1, 2].map((version) => ({ kind: 'flow', id: 'a', version })) },
    ],
    ['ops-action+jwt', 'targets', 'no target', { targets: [] }],
    ['ops-action+jwt', 'causes', 'a cause twice', { causes: ['a', 'a'] }],
    ['statuslist+jwt', 'status_list.bits', 'one bit an entry', { status_list: { bits: 1, lst: 'eNpj' } }],
  ])('of %s are refused at %s: %s', (typ, field, _because, change) => {
    expect(parseClaims(typ, { ...EXAMPLES[typ], ...change })).toMatchObject({ ok: false, field });
  });

  it.each<[string, string, object]>([
    ['mandate.depth', 'a root below another', { parent: null }],
    ['mandate.depth', 'a child at depth 0', { depth: 0 }],
    ['mandate.parent', 'a mandate cut from itself', { parent: MANDATE }],
    ['mandate.principal', 'a root somebody else signed', { parent: null, depth: 0 }],
    ['mandate.validity.until', 'a validity that is empty', { validity: { from: 2, until: 2 } }],
    ['mandate.counterparties', 'a payee twice', { counterparties: ['a', 'a'] }],
    ['mandate.limits.total', 'a limit as a number', { limits: { currency: 'USD', total: 1, per_transaction: null } }],
    [
      'mandate.limits.per_week',
      'a limit this version cannot enforce',
      { limits: { ...EXAMPLES['mandate+jwt'].mandate.limits, per_week: '1.00' } },
    ],
  ])('of a mandate are refused at %s: %s', (field, _because, change) => {
    const { mandate } = EXAMPLES['mandate+jwt'];
    const result = parseClaims('mandate+jwt', { ...asked, mandate: { ...mandate, ...change } });
    expect(result).toMatchObject({ ok: false, field });
  });

  it('of a root mandate are accepted when the principal signed it', () => {
    const { mandate } = EXAMPLES['mandate+jwt'];
    const root = { ...asked, iss: 'acme', mandate: { ...mandate, parent: null, depth: 0 } };
    expect(parseClaims('mandate+jwt', root).ok).toBe(true);
  });

  it.each<[string, object]>([
    ['void', { action: 'void', void_id: 'v', capture_id: undefined, amount: undefined, final: undefined }],
    ['refund', { action: 'refund', refund_id: 'r', final: undefined }],
  ])('of a %s are accepted with its own id', (_, change) => {
    const all: Record<string, unknown> = { ...EXAMPLES['settlement-request+jwt'], ...change };
    const request = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const result = parseClaims('settlement-request+jwt', request);
    expect(result.ok && settlementActionId(result.claims)).toBe(request['refund_id'] ?? request['void_id']);
  });

  it.each([undefined, null, 'garbage', [], {}, { hash }])(
    'A18: a request whose artifact is %j names no artifact',
    (named) => {
      const request = { ...EXAMPLES['settlement-request+jwt'], artifact: named, jti: '', surplus: 1 };
      expect(parseClaims('settlement-request+jwt', request)).toEqual({
        ok: false,
        code: 'artifact_missing',
        field: 'artifact',
      });
    },
  );

  it.each([null, 1, 'x', [], true])('are refused as a whole when the payload is %j', (payload) => {
    expect(parseClaims('payment-intent+jwt', payload)).toEqual({ ok: false, code: 'malformed', field: 'payload' });
  });

  it('are judged without a throw, whatever JSON they are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...cases), (value, [typ, , { steps }]) => {
        const wild = changed(EXAMPLES[typ], steps, (parent) => (parent[String(steps.at(-1))] = value));
        expect(typeof parseClaims(typ, wild).ok).toBe('boolean');
        expect(typeof parseClaims(typ, value).ok).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  it('know their typs by own name only', () => {
    expect([isTokenTyp('decision+jwt'), isTokenTyp('toString'), isTokenTyp('JWT')]).toEqual([true, false, false]);
  });
});
