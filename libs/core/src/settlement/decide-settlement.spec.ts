import { describe, expect, it } from '@jest/globals';
import { hash, OWN, T0_MS } from '../examples/admission-example.js';
import { capture, type Change, codeOf, decide, multi, own, row, strict } from '../examples/settlement-changes.js';
import * as example from '../examples/settlement-example.js';
import { captured, EXPIRY_MS, holdOf, JUDGED_MS, SETTLE_BY_MS, usd } from '../examples/settlement-example.js';
import { completeCapture, NO_DELTA } from '../hold.js';
import { ZERO } from '../money.js';
import { decideCapture, decideRefund, decideVoid } from './decide-settlement.js';
import { type Hold, type SettlementFacts, VERIFICATION_CHECKS } from './types.js';

describe('decideCapture', () => {
  it('E14, F5: authorizes a capture that uses the hold to the last cent', () => {
    const { decision, hold, delta } = decideCapture(example.capture, example.facts, EXPIRY_MS - 1);
    expect(decision).toEqual({
      ...{
        outcome: 'authorized',
        code: null,
        field: null,
        limit: null,
        state: 'capturing',
        amount: '12.50',
        currency: 'USD',
      },
      checks: VERIFICATION_CHECKS.map((name) => ({ name, ok: true, codes: [] })),
    });
    expect(hold).toMatchObject({ held: ZERO, capturing: usd('12.5'), captureCount: 1 });
    expect(delta).toMatchObject({ held: usd('-12.5'), capturing: usd('12.5'), captured: ZERO, refunded: ZERO });
  });

  it('A27–A34: reports all eight checks with what each found, and the first row of the table as the code', () => {
    const { decision } = capture({
      request: { amountText: '12.51', reference: 'other' },
      facts: { policy: { hash: hash('x') } },
      judgedAtMs: EXPIRY_MS,
    });
    expect(decision.code).toBe('scope_mismatch');
    expect(decision.checks.filter(({ ok }) => !ok).map(({ name, codes }) => [name, codes])).toEqual([
      ['scope_integrity', ['scope_mismatch', 'amount_exceeds_artifact']],
      ['temporal_validity', ['artifact_expired']],
      ['policy_hash', ['policy_mismatch']],
    ]);
  });

  it('A27–A34: what could not run did not pass', () => {
    const { decision } = capture({ facts: { artifact: 'absent', hold: 'absent' } });
    expect(decision.checks.filter(({ ok }) => ok)).toEqual([]);
  });

  it('A20: lets later captures come after exp, until settle_by', () => {
    const taken = multi({ held: usd('5'), captureCount: 1 });
    const later = { request: { amountText: '5.00' }, facts: { hold: taken }, judgedAtMs: SETTLE_BY_MS - 1 };
    expect(codeOf(capture(later))).toBe('authorized');
  });

  it('A25: names what the hold has left', () => {
    expect(capture({ request: { amountText: '12.51' } }).decision.limit).toEqual({
      ...{ mandate: OWN, name: 'held', limit: '12.5', available: '12.5' },
    });
  });

  it('A22: the same artifact under fifty ids is captured once', () => {
    let hold: SettlementFacts['hold'] = holdOf('12.50');
    const codes = Array.from({ length: 50 }, (_, index) => {
      const result = capture({ request: { actionId: `capture-${index}` }, facts: { hold } });
      ({ hold } = result);
      return codeOf(result);
    });
    expect(codes.filter((code) => code === 'authorized')).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(['authorized', 'artifact_consumed']));
  });

  it('multi grants max_captures parts, single and partial one', () => {
    const captureOften = (first: Hold) => {
      let hold: SettlementFacts['hold'] = first;
      return [1, 2, 3, 4].map(() => {
        const result = capture({ request: { amountText: '1.00' }, facts: { hold } });
        ({ hold } = result);
        return codeOf(result);
      });
    };
    const granted = 'authorized';
    expect(captureOften(multi())).toEqual([granted, granted, granted, 'capture_limit']);
    const consumed = [granted, 'artifact_consumed', 'artifact_consumed', 'artifact_consumed'];
    expect(captureOften(holdOf('12.50'))).toEqual(consumed);
    expect(captureOften(holdOf('12.50', { mode: 'partial' }))).toEqual(consumed);
  });

  it('a final capture is the last', () => {
    const { hold } = capture({ request: { amountText: '1.00', final: true }, facts: { hold: multi() } });
    expect(codeOf(capture({ request: { amountText: '1.00' }, facts: { hold } }))).toBe('artifact_consumed');
  });

  it('B21: the signed successor of the bound key may present it', () => {
    const rotated = { ...row({ successorJkts: [hash('2')] }), request: { presenterJkt: hash('2') } };
    expect(codeOf(capture(rotated))).toBe('authorized');
  });

  it('E12: an amended mandate carries the artifacts issued under its earlier version', () => {
    expect(codeOf(capture(own({ version: 2, hash: hash('N'), supersededHashes: [hash('A')] })))).toBe('authorized');
  });

  it('E14: fresh evidence of the bound measurement passes', () => {
    expect(codeOf(capture({ facts: { ...strict, ...row({ measurement: 'build-7' }).facts } }))).toBe('authorized');
    expect(codeOf(capture({ facts: { attestation: 'absent' } }))).toBe('authorized');
  });

  it('a repeat is answered with its receipt and never decided again', () => {
    const recorded = { settlementId: OWN, bodyHash: example.capture.bodyHash };
    expect(() => capture({ facts: { recorded } })).toThrow('ERR_ALREADY_RECORDED');
  });
});

/** All that stops a capture but says nothing against giving money back. */
const HALTED: Partial<SettlementFacts> = {
  ...{
    scope: 'halted',
    drift: 'found',
    policy: 'unavailable',
    attestation: 'unknown',
    mandates: 'absent',
    flow: 'unknown',
  },
  watches: { ...example.facts.watches, identity: 'broken', governance: 'broken', lineage: 'broken', domain: 'broken' },
};

describe('decideVoid', () => {
  const voided = (change: Change = {}) => decide(example.voiding, change);

  it('releases what is held, also on a halted flow and after expiry: it only narrows', () => {
    const { decision, hold, delta } = decideVoid(example.voiding, { ...example.facts, ...HALTED }, EXPIRY_MS + T0_MS);
    expect(decision).toMatchObject({ outcome: 'authorized', state: 'released', amount: '12.50', currency: 'USD' });
    expect(hold).toMatchObject({ held: ZERO, released: usd('12.5'), ended: true });
    expect(delta).toMatchObject({ held: usd('-12.5'), capturing: ZERO });
  });

  it('may be asked by the agent, and by no other agent', () => {
    const by = (presenter: string) =>
      voided({ request: { presenterKind: 'agent', presenter, presenterJkt: hash('k') } });
    expect([codeOf(by('shopper-1')), codeOf(by('shopper-2')), codeOf(by('settler'))]).toEqual([
      ...['authorized', 'audience_mismatch', 'audience_mismatch'],
    ]);
  });

  it('A22: is granted once, and leaves what is in capture to its outcome', () => {
    const taken = multi({ held: usd('2.50'), capturing: usd('10'), captureCount: 1 });
    const first = voided({ facts: { hold: taken } });
    expect(first.hold).toMatchObject({ held: ZERO, capturing: usd('10'), ended: true });
    expect(codeOf(voided({ facts: { hold: first.hold } }))).toBe('artifact_consumed');
  });

  it('A23: a renewed artifact no longer rules its hold', () => {
    expect(codeOf(voided(row({ status: 'revoked' })))).toBe('artifact_revoked');
    expect(codeOf(voided(row({ status: 'unknown' })))).toBe('trust_unverifiable');
  });
});

describe('decideRefund', () => {
  const done = completeCapture(holdOf('12.50', { held: ZERO, capturing: usd('12.5') }), usd('12.5')).hold;
  const refunded = ({ request, facts, judgedAtMs }: Change = {}) =>
    decide(example.refund, {
      request: request ?? {},
      facts: { hold: done, capture: captured, ...facts },
      judgedAtMs: judgedAtMs ?? JUDGED_MS,
    });

  it('gives back captured money also after expiry, revocation and a halt; the limit waits for the rail', () => {
    const facts = { ...example.facts, ...HALTED, ...row({ status: 'revoked' }).facts, hold: done, capture: captured };
    const { decision, hold, delta } = decideRefund(example.refund, facts, SETTLE_BY_MS + T0_MS);
    expect(decision).toMatchObject({ outcome: 'authorized', state: 'refunding', amount: '12.50' });
    expect(hold).toBe(done);
    expect(delta).toBe(NO_DELTA);
  });

  it('belongs to the service that captured', () => {
    expect(codeOf(refunded({ facts: { capture: { ...captured, service: 'other' } } }))).toBe('audience_mismatch');
    expect(codeOf(refunded({ request: { presenterKind: 'agent', presenter: 'shopper-1' } }))).toBe('audience_mismatch');
  });

  it('A25: counts refunds that are under way', () => {
    const capture = { ...captured, refunded: usd('5'), refunding: usd('5') };
    expect(codeOf(refunded({ request: { amountText: '2.50' }, facts: { capture } }))).toBe('authorized');
    const over = refunded({ request: { amountText: '2.51' }, facts: { capture } }).decision;
    expect(over).toMatchObject({
      code: 'amount_exceeds_artifact',
      limit: { name: 'captured', limit: '12.5', available: '2.5' },
    });
  });

  it.each([
    ['scope_mismatch', 'no such capture', 'absent' as const],
    ['trust_unverifiable', 'the capture could not be read', 'unknown' as const],
    ['amount_exceeds_artifact', 'the capture is not completed yet', { ...captured, state: 'capturing' as const }],
  ])('denies with %s: %s', (code, _why, of) => {
    expect(codeOf(refunded({ facts: { capture: of } }))).toBe(code);
  });
});

describe('the three decisions', () => {
  it('take only their own action', () => {
    expect(() => decideCapture(example.voiding, example.facts, JUDGED_MS)).toThrow('ERR_WRONG_ACTION');
    expect(() => decideVoid(example.refund, example.facts, JUDGED_MS)).toThrow('ERR_WRONG_ACTION');
    expect(() => decideRefund(example.capture, example.facts, JUDGED_MS)).toThrow('ERR_WRONG_ACTION');
  });
});
