import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseKeySet } from '@spendgate/artifact';
import { type BundleReport, PROOFS, STATEMENTS, verifyBundle } from '@spendgate/verifier';
import { ask, hasGo } from '../conformance/go-oracle.js';
import { BrowserVerifier, chromiumAvailable } from './harness/chromium.js';
import { runToEnd, until } from './harness/processes.js';
import { ROOT } from './harness/repository.js';
import {
  type RunningSpendgate,
  EXAMPLES,
  dataFolder,
  jsonLines,
  spendgate,
  startSpendgate,
} from './harness/spendgate.js';

const MINUTES = 60_000;
/** Bytes between the places where each implementation is handed a flipped bundle. */
const STRIDE = 997;
/** As many as there are cores in CI. */
const PROCESSES = 2;

// A machine without Chromium and Go skips it; in CI it fails.
const test = (chromiumAvailable() && hasGo) || process.env['CI'] === 'true' ? it : it.skip;

describe('a bundle of a real domain, long after the domain is gone', () => {
  const folder = dataFolder();
  const file = join(folder.path, 'bundle.json');
  /** Of the capture, and of the minute it was in. */
  const others = ['settlement', 'range'].map((kind) => join(folder.path, `${kind}.json`));
  let bundle: Buffer;
  let jwks: object;

  beforeAll(async () => {
    const service = await startSpendgate(['up', '--data', folder.path], {});
    try {
      jwks = await exportBundle(service);
    } finally {
      await service.stop();
    }
    bundle = readFileSync(file);
  }, 2 * MINUTES);
  afterAll(() => folder.remove());

  /** An artifact of the demo, captured, as its agent has it reported. @returns the domain's public keys */
  async function exportBundle({ url }: RunningSpendgate): Promise<object> {
    const run = (args: readonly string[]): Promise<string> =>
      spendgate([...args, '--url', url], { SPENDGATE_DATA: folder.path });
    const published = await run(['intents', 'publish', join(EXAMPLES, 'demo/intents.jsonl'), '--wait']);
    const decided = jsonLines(published).find(({ jti }) => jti === 'demo-authorized');
    const before = new Date(Date.now() - MINUTES).toISOString();
    const captured = await run(['settlements', 'capture', String(decided?.['artifact']), '--amount', '11.77']);
    const settlement = String(jsonLines(captured).at(-1)?.['settlement_id']);
    await until('the bundle', async () => {
      await run(['report', 'artifact', String(decided?.['artifact_id']), '--agent', 'demo-agent', '--out', file]);
      await run(['report', 'settlement', settlement, '--agent', 'demo-agent', '--out', others[0] ?? '']);
      const time = ['--from', before, '--to', new Date(Date.now() - 1).toISOString()];
      await run(['report', 'range', ...time, '--person', 'ada', '--out', others[1] ?? '']);
      return true;
    });
    return (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as object; // as: a JWKS
  }

  const here = (bytes: Buffer): Promise<BundleReport> => {
    const keys = parseKeySet(jwks);
    if (!keys.ok) throw new Error(keys.detail);
    return verifyBundle({ bundle: bytes, trust: keys.keys, replay: true });
  };

  test(
    'C10–C16, E10: Node, Chromium without network and Go give one verdict on it, and on it with a byte flipped',
    async () => {
      const browser = await BrowserVerifier.open(folder.path);
      try {
        const texts = [bundle];
        for (let at = STRIDE; at < bundle.length; at += STRIDE) {
          const flipped = Buffer.from(bundle);
          flipped.writeUInt8(bundle.readUInt8(at) ^ 0x01, at);
          texts.push(flipped);
        }
        const reports: BundleReport[] = [];
        for (const text of texts) {
          reports.push(await here(text));
          expect(await browser.verify(text, jwks)).toEqual(reports.at(-1));
        }
        expect(reports.map(({ valid }) => valid)).toEqual(texts.map((text) => text === bundle));
        expect(reports[0]).toMatchObject({ trust: 'given', replay: 'identical', redacted: 0 });
        expect(reports[0]?.statements.map(({ name, holds }) => [name, holds])).toEqual(
          STATEMENTS.map((name) => [name, true]),
        );
        expect(reports[0]?.proofs.map(({ name, holds }) => [name, holds])).toEqual(PROOFS.map((name) => [name, true]));
        const answers = ask(texts.map((text) => ({ kind: 'bundle', bundle: text.toString('utf8') })));
        const go = answers.map(({ artifact, audit }) => artifact === '' && audit === '');
        expect(go[0]).toBe(true);
        // Go judges the core only: what it refuses, Node refuses too.
        expect(reports.filter(({ valid }, at) => valid && go[at] !== true)).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    2 * MINUTES,
  );

  test(
    'C10–C16: the bundles of its capture and of that time hold alike in Node, in Chromium without network and in Go',
    async () => {
      const browser = await BrowserVerifier.open(folder.path);
      try {
        for (const other of others) {
          const text = readFileSync(other);
          const report = await here(text);
          expect(report.statements.filter(({ holds }) => !holds)).toEqual([]);
          expect(await browser.verify(text, jwks)).toEqual(report);
          expect(ask([{ kind: 'bundle', bundle: text.toString('utf8') }])).toMatchObject([{ artifact: '', audit: '' }]);
        }
        expect((await here(readFileSync(others[0] ?? ''))).replay).toBe('identical');
      } finally {
        await browser.close();
      }
    },
    2 * MINUTES,
  );

  it(
    'C16: with any single byte of it flipped, each tried, it is not valid',
    async () => {
      const script = join(ROOT, 'test/e2e/flip-every-byte.js');
      const parts = Array.from({ length: PROCESSES }, (_, part) =>
        runToEnd(process.execPath, [script, file, String(part), String(PROCESSES)]),
      );
      const found = (await Promise.all(parts)).flatMap(jsonLines);
      expect(found.flatMap(({ survived }) => survived)).toEqual([]);
      expect(found.reduce((sum, { tried }) => sum + Number(tried), 0)).toBe(bundle.length);
    },
    5 * MINUTES,
  );
});
