import { expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { canonicalize } from '@spendgate/codec';
import { makeTestBundle } from '@spendgate/testing';
import { verifyBundle } from './verify-bundle.js';

/** Coprime to the length of whatever repeats in a bundle; every byte of a real one is tried end to end. */
const STRIDE = 23;

it('C16: a bundle with a byte of it flipped is not valid, be it in a cosignature or a key that signed nothing', async () => {
  const { bundle } = await makeTestBundle({ from: 10, witnesses: [PrivateKeySigner.generate('checkpoint')] });
  const bytes = Buffer.from(canonicalize(bundle));
  expect(await verifyBundle({ bundle: bytes })).toMatchObject({ valid: true });
  const survived: string[] = [];
  for (let at = 0; at < bytes.length; at += STRIDE) {
    for (const flip of [0x01, 0x20]) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(at) ^ flip, at);
      const { valid } = await verifyBundle({ bundle: flipped });
      if (valid) survived.push(flipped.toString('latin1', Math.max(0, at - 60), at + 20));
    }
  }
  expect(survived).toEqual([]);
}, 30_000);
