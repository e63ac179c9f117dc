import { describe, expect, it } from '@jest/globals';
import { canonicalize, splitCompact } from '@spendgate/codec';
import fc from 'fast-check';
import { compactVerify, importJWK } from 'jose';
import { KeySet } from './key-set.js';
import { parsePublicKey } from './public-key.js';
import { PrivateKeySigner } from './sign.js';
import { verifyCompactBatch } from './verify-compact.js';

const TYP = 'payment-intent+jwt';
const signers = [
  PrivateKeySigner.generate('agent'),
  PrivateKeySigner.generate('agent'),
  PrivateKeySigner.generate('agent', 'ES256'),
];
const keys = new KeySet(
  signers.flatMap(({ jwk }) => {
    const parsed = parsePublicKey(jwk, { purpose: 'agent' });
    return parsed.ok ? [parsed.key] : [];
  }),
);
const at = <T>(list: readonly T[], index: number): T => {
  const found = list[index % list.length];
  if (found === undefined) throw new RangeError('empty list');
  return found;
};

/** What jose says of a token that passed the codec's gate: the oracle. */
async function joseAccepts(jws: string, kid: string): Promise<boolean> {
  const key = keys.find(kid);
  if (key === undefined) return false;
  const imported = await importJWK({ ...key.jwk }, key.algorithms[0]);
  return compactVerify(jws, imported, { algorithms: [...key.algorithms] }).then(
    () => true,
    () => false,
  );
}

describe('verifyCompactBatch', () => {
  it('A19: accepts exactly the tokens jose accepts, whatever was changed in them', async () => {
    const token = fc.record({
      signer: fc.nat({ max: 2 }),
      named: fc.nat({ max: 2 }),
      alg: fc.constantFrom('EdDSA', 'Ed25519', 'ES256'),
      payload: fc.json({ maxDepth: 2 }),
      mutation: fc.oneof(
        { weight: 3, arbitrary: fc.constant(undefined) },
        {
          weight: 5,
          arbitrary: fc.record({ part: fc.nat({ max: 2 }), place: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) }),
        },
        { weight: 1, arbitrary: fc.record({ cut: fc.integer({ min: -3, max: 3 }) }) },
      ),
    });
    let accepted = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(token, { minLength: 1, maxLength: 8 }), async (drawn) => {
        const tokens = await Promise.all(drawn.map(forge));
        const split = tokens.map((jws) => splitCompact(Buffer.from(jws), { typ: TYP }));
        const passed = split.flatMap((each, index) => (each.ok ? [{ jws: each.jws, text: at(tokens, index) }] : []));
        const ours = await verifyCompactBatch(
          passed.map(({ jws }) => jws),
          { typ: TYP, keys: keys.find, atMs: 1 },
        );
        const theirs = await Promise.all(passed.map(({ jws, text }) => joseAccepts(text, jws.header.kid)));
        expect(ours.map(({ ok }) => ok)).toEqual(theirs);
        accepted += theirs.filter(Boolean).length;
        refused += theirs.filter((yes) => !yes).length;
      }),
      { numRuns: 150 },
    );
    expect(accepted).toBeGreaterThan(20); // a property that never says yes proves nothing
    expect(refused).toBeGreaterThan(20);
  });

  it('A19: a flipped bit anywhere in the signature or the payload is signature_invalid', async () => {
    const jws = await forge({ signer: 0, named: 0, alg: 'EdDSA', payload: '{"amount":"1.00"}', mutation: undefined });
    const [h, p = '', s = ''] = jws.split('.');
    for (const [part, text] of [p, s].entries()) {
      const bytes = Buffer.from(text, 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const parts = part === 0 ? [h, changed.toString('base64url'), s] : [h, p, changed.toString('base64url')];
        const split = splitCompact(Buffer.from(parts.join('.')));
        if (!split.ok) throw new Error(split.code);
        const [verdict] = await verifyCompactBatch([split.jws], { typ: TYP, keys: keys.find, atMs: 1 });
        expect(verdict).toEqual({ ok: false, code: 'signature_invalid', field: 'signature' });
      }
    }
  });
});

interface Drawn {
  signer: number;
  named: number;
  alg: string;
  payload: string;
  mutation: undefined | { part: number; place: number; flip: number } | { cut: number };
}

async function forge({ signer, named, alg, payload, mutation }: Drawn): Promise<string> {
  const header = canonicalize({ alg, kid: at(signers, named).kid, typ: TYP });
  const input = [header, payload].map((text) => Buffer.from(text).toString('base64url')).join('.');
  const signature = await at(signers, signer).sign(Buffer.from(input));
  const parts = [...input.split('.'), signature.toString('base64url')];
  if (mutation === undefined) return parts.join('.');
  if ('cut' in mutation) {
    const padded = Buffer.concat([signature, Buffer.alloc(3)]);
    parts[2] = padded.subarray(0, 64 + mutation.cut).toString('base64url');
    return parts.join('.');
  }
  const bytes = Buffer.from(at(parts, mutation.part), 'base64url');
  const place = mutation.place % bytes.length;
  bytes.writeUInt8(bytes.readUInt8(place) ^ mutation.flip, place);
  parts[mutation.part] = bytes.toString('base64url');
  return parts.join('.');
}
