/* `node flip-every-byte.js BUNDLE PART PARTS`: flips one byte after the other and prints where it still verifies. */
import { readFileSync } from 'node:fs';
import { verifyBundle } from '@spendgate/verifier';

/** At once, so that one is parsed while the signatures of another are checked. */
const TOGETHER = 8;

const [file, part, parts] = process.argv.slice(2);
const bytes = readFileSync(file);
const survived = [];
let tried = 0;

async function flip(at) {
  const flipped = Buffer.from(bytes);
  flipped[at] ^= 0x01;
  const { valid } = await verifyBundle({ bundle: flipped });
  tried += 1;
  if (valid) survived.push(`${at}: ${flipped.toString('latin1', Math.max(0, at - 60), at + 20)}`);
}

const places = Array.from({ length: bytes.length }, (_, at) => at).filter((at) => at % Number(parts) === Number(part));
for (let from = 0; from < places.length; from += TOGETHER) {
  await Promise.all(places.slice(from, from + TOGETHER).map(flip));
}
process.stdout.write(JSON.stringify({ tried, survived }));
