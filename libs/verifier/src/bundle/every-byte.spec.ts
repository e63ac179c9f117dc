import { expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { canonicalize } from '@spendgate/codec';
import { makeTestBundle, makeTestIncident, makeTestRange, makeTestSettlement } from '@spendgate/testing';
import { verifyBundle } from './verify-bundle.js';

const witnessed = { from: 10, witnesses: [PrivateKeySigner.generate('checkpoint')] };

// Strides are coprime to the length of whatever repeats in a bundle; every byte of a real one is tried end to end.
it.each<[string, number, readonly number[], () => Promise<unknown>]>([
  ['an artifact', 47, [0x01, 0x20], async () => (await makeTestBundle(witnessed)).bundle],
  ['a settlement', 71, [0x01], () => makeTestSettlement(witnessed)],
  ['an incident', 71, [0x01], makeTestIncident],
  ['a time range', 53, [0x01], makeTestRange],
])('C16: a bundle of %s with a byte flipped, of every %dth, is not valid, wherever it lies', async (_kind, stride, flips, make) => {
  const bytes = Buffer.from(canonicalize(await make()));
  expect(await verifyBundle({ bundle: bytes })).toMatchObject({ valid: true });
  const survived: string[] = [];
  for (let at = 0; at < bytes.length; at += stride) {
    for (const flip of flips) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(at) ^ flip, at);
      const { valid } = await verifyBundle({ bundle: flipped });
      if (valid) survived.push(flipped.toString('latin1', Math.max(0, at - 60), at + 20));
    }
  }
  expect(survived).toEqual([]);
}, 30_000); // prettier-ignore
