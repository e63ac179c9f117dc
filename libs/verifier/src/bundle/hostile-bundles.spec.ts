import { describe, expect, it } from '@jest/globals';
import { parseKeySet } from '@spendgate/artifact';
import { canonicalize, encodeLeaf } from '@spendgate/codec';
import {
  TEST_INCIDENT_LEAVES,
  TEST_ISSUER,
  TEST_LEAVES,
  makeTestBundle,
  makeTestIncident,
  makeTestRange,
  makeTestSettlement,
} from '@spendgate/testing';
import fc from 'fast-check';
import type { BundleReport } from './bundle-report.js';
import { verifyBundle } from './verify-bundle.js';

const good = await makeTestBundle({ from: 10 });
const TEXT = canonicalize(good.bundle);
const trusted = parseKeySet(good.jwks);
if (!trusted.ok) throw new Error(trusted.detail);
const trust = trusted.keys;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
const fresh = (): Json => JSON.parse(TEXT) as Json; // as: a copy of our own

/** Every place in a JSON value, by the names and indices that lead to it. */
function placesOf(value: Json): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([name, each]) => placesOf(each).map((rest) => [name, ...rest]))];
}

/** The value with another in one place. */
function put(value: Json, [name, ...rest]: readonly (string | number)[], other: Json): Json {
  if (name === undefined) return other;
  if (Array.isArray(value))
    return value.map((each, at) => (String(at) === String(name) ? put(each, rest, other) : each));
  if (typeof value !== 'object' || value === null) return value;
  const all = Object.entries(value).map(([own, each]) => [own, own === name ? put(each, rest, other) : each]);
  return Object.fromEntries(all) as Json; // as: of JSON values
}

/** Whether a value is another with nothing changed, only something left out by `null`: withheld is not forged. */
function isLess(less: Json, more: Json): boolean {
  if (less === null || Object.is(less, more)) return true;
  if (typeof less !== 'object' || typeof more !== 'object' || more === null) return less === more;
  const [a, b] = [Object.entries(less), Object.entries(more)];
  return a.length === b.length && a.every(([name, each], at) => b[at]?.[0] === name && isLess(each, b[at][1]));
}

const nested = (depth: number): Json => Array.from({ length: depth }).reduce<Json>((inside) => [inside], 0);
const NAMES = Object.keys(TEST_LEAVES);
const PLACES = placesOf(fresh());
/** Wrong types, edges of numbers, texts that mean something elsewhere, and what is too large or too deep. */
const HOSTILE: readonly Json[] = [
  ...[null, true, 0, -1, 1, 2 ** 31, Number.MAX_SAFE_INTEGER, '', 'x', '0', '{}', '[]', 'null', '..', 'a.b.c', [], {}],
  ...['A'.repeat(43), 'A'.repeat(300_000), '\n'.repeat(1_000), '{"causes":[]}', '{"kid":{},"jwk":[]}', '\u2028'],
  ...[nested(20), nested(40), Array<Json>(3_000).fill(0), { constructor: 0, toString: null, length: -1 }],
];

/** Whatever it is handed, it answers, and what is not the good bundle is not valid. */
async function judge(bundle: Uint8Array): Promise<BundleReport> {
  const report = await verifyBundle({ bundle, trust, replay: true });
  expect(report.statements).toHaveLength(6);
  expect(report.statements.every(({ holds, detail }) => holds || detail.length > 0)).toBe(true);
  return report;
}

const UNTEXTABLE = { constructor: 0, toString: null, length: -1 };

describe('a hostile bundle', () => {
  it('is answered, never crashed on, with any value in any place of it', async () => {
    const change = fc.record({
      place: fc.constantFrom(...PLACES),
      value: fc.oneof(fc.constantFrom(...HOSTILE), fc.jsonValue()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = changes.reduce((value, each) => put(value, each.place, each.value as Json), fresh()); // as: JSON
        const text = JSON.stringify(changed);
        const { valid, statements } = await judge(Buffer.from(text));
        if (valid || statements.every(({ holds }) => holds)) expect(isLess(changed, fresh())).toBe(true);
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it.each([
    ['a settlement', makeTestSettlement],
    ['an incident', makeTestIncident],
    ['a time range', makeTestRange],
  ])(
    'of %s is answered, never crashed on, with any value in any place of it',
    async (_kind, make) => {
      const text = canonicalize(await make());
      const again = (): Json => JSON.parse(text) as Json; // as: a copy of our own
      const place = fc.constantFrom(...placesOf(again()));
      const change = fc.record({ place, value: fc.oneof(fc.constantFrom(...HOSTILE), fc.jsonValue()) });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const changed = changes.reduce((value, each) => put(value, each.place, each.value as Json), again()); // as: JSON
          const { valid, statements } = await verifyBundle({
            bundle: Buffer.from(JSON.stringify(changed)),
            replay: true,
          });
          expect(statements.every(({ holds, detail }) => holds || detail.length > 0)).toBe(true);
          if (valid) expect(isLess(changed, again())).toBe(true);
        }),
        { numRuns: 100 },
      );
    },
    60_000,
  );

  it('of an incident is answered when nonsense was logged in any payload of it', async () => {
    const steps = Object.keys(TEST_INCIDENT_LEAVES);
    const change = fc.record({ step: fc.constantFrom(...steps), at: fc.nat(), value: fc.constantFrom(...HOSTILE) });
    await fc.assert(
      fc.asyncProperty(change, async ({ step, at, value }) => {
        const payload = (name: string, said: object): object => {
          if (name !== step) return said;
          const json = JSON.parse(canonicalize(said)) as Json; // as: a copy
          const places = placesOf(json).filter((place) => place.length > 0);
          return put(json, places[at % places.length] ?? [], value) as object; // as: the place is below the top
        };
        for (const make of [makeTestIncident, makeTestRange]) {
          const { statements } = await verifyBundle({ bundle: Buffer.from(canonicalize(await make({ payload }))) });
          expect(statements.length).toBeGreaterThan(0);
        }
      }),
      // a number of a step that cannot even be made a number: it was converted, and threw
      { numRuns: 100, examples: [[{ step: 'recovering', at: 1_871_454_292, value: UNTEXTABLE }]] },
    );
  }, 60_000);

  it('is answered when an operator logged nonsense from the start: any value in any payload', async () => {
    const change = fc.record({ leaf: fc.constantFrom(...NAMES), at: fc.nat(), value: fc.constantFrom(...HOSTILE) });
    await fc.assert(
      fc.asyncProperty(change, async ({ leaf, at, value }) => {
        const said = (name: string, payload: object): object => {
          if (name !== leaf) return payload;
          const json = JSON.parse(canonicalize(payload)) as Json; // as: a copy
          const places = placesOf(json).filter((place) => place.length > 0);
          return put(json, places[at % places.length] ?? [], value) as object; // as: the place is below the top
        };
        const { bundle } = await makeTestBundle({ payload: said });
        await judge(Buffer.from(canonicalize(bundle)));
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('is answered when a logged act is an object that cannot be made a text', async () => {
    const act = { toString: null, valueOf: null };
    const { bundle } = await makeTestBundle({
      payload: (name, payload) => (name === 'statusKey' ? { ...payload, act } : payload),
    });
    const { statements } = await judge(Buffer.from(canonicalize(bundle)));
    expect(statements.find(({ name }) => name === 'trust_continuity')).toMatchObject({ holds: false });
  });

  it.each<[string, () => Buffer, string]>([
    ['is larger than a bundle may be', () => Buffer.alloc(16_777_217, 0x20), 'too_large'],
    ['is nested millions deep', () => Buffer.alloc(8_000_000, '['), 'too_large'],
    ['is one endless text', () => Buffer.from(`"${'a'.repeat(16_000_000)}"`), 'too_large'],
    ['has two members of one name', () => Buffer.from(TEXT.replace('{', '{"v":1,')), 'malformed'],
    ['names a prototype', () => Buffer.from(TEXT.replace('{', '{"__proto__":{},')), 'malformed'],
    ['is no text', () => Buffer.from([0xff, 0xfe, 0x00]), 'encoding_invalid'],
    ['is empty', () => Buffer.alloc(0), 'malformed'],
  ])('that %s is refused by name', async (_what, make, code) => {
    const { valid, statements } = await judge(make());
    expect(valid).toBe(false);
    expect(statements.map(({ detail }) => detail)).toEqual(
      Array(6).fill(expect.stringContaining(`no bundle: ${code}`)),
    );
  });

  it('that claims a tree of millions of leaves is refused by the proofs, with nothing of that size made', async () => {
    for (const size of [5_000_000, Number.MAX_SAFE_INTEGER]) {
      const claims = JSON.parse(TEXT) as typeof good.bundle; // as: a copy
      claims.synchronization.checkpoint.size = size;
      claims.lineage.leaves.forEach((each, at) => (each.index = size - 100 + at));
      claims.audit.inclusion.forEach((each, at) => (each.index = size - 100 + at));
      const { statements } = await judge(Buffer.from(canonicalize(claims)));
      expect(statements.find(({ name }) => name === 'audit')).toMatchObject({ holds: false });
    }
  });

  it('whose leaves name causes in a circle, or each other thousandfold, is refused without going round', async () => {
    const circular = JSON.parse(TEXT) as typeof good.bundle; // as: a copy
    const fixed = { domain: TEST_ISSUER, type: 'control_act', salt: Buffer.alloc(32), timeMs: 0, payload: {} } as const;
    const web: { leaf: string; hash: string }[] = [];
    for (let at = 0; at < 2_000; at += 1) {
      const causes = web.slice(-64).map(({ hash }) => hash);
      const { leaf, leafHash } = encodeLeaf({ ...fixed, timeMs: at, causes });
      web.push({ leaf, hash: leafHash.toString('base64url') });
    }
    // A hash cannot hold its own leaf's hash, so a circle can only be claimed: the later ones first.
    const hung = web.map(({ leaf }, at) => ({ index: 100_000 - at, leaf, payload: null, salt: null }));
    circular.lineage.leaves.push(...hung);
    circular.lineage.redacted = hung.length;
    const { statements } = await judge(Buffer.from(canonicalize(circular)));
    expect(statements.find(({ name }) => name === 'lineage')).toMatchObject({
      holds: false,
      detail: expect.stringContaining('before its cause'),
    });
  });
});
