import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TOKENS, parseClaims, type TokenTyp } from '@spendgate/codec';
import { makeTokenVectors, referenceFiles } from '@spendgate/testing';

const ROOT = resolve(import.meta.dirname, '../..');
const VECTORS = join(ROOT, 'test/conformance/vectors');

describe('token vectors', () => {
  it('holds one complete example for every token type', () => {
    const files = readdirSync(VECTORS).map((name) => name.replace('.json', '').replace('.jwt', '+jwt'));
    expect(files.sort()).toEqual(Object.keys(TOKENS).sort());
  });

  it('generates the same bytes on every run: Ed25519 is deterministic (RFC 8032 §5.1.6)', async () => {
    expect(await makeTokenVectors()).toEqual(await makeTokenVectors());
  });

  it('has in the repository what the code says now (npm run reference)', async () => {
    const stale = Object.entries(await referenceFiles()).filter(
      ([name, text]) => readFileSync(join(ROOT, name), 'utf8') !== text,
    );
    expect(stale.map(([name]) => name)).toEqual([]);
  });

  it.each(Object.keys(TOKENS))('the example of %s passes its own schema', async (typ) => {
    const vector = (await makeTokenVectors()).find((each) => each.typ === typ);
    expect(parseClaims(typ as TokenTyp, vector?.claims)).toMatchObject({ ok: true }); // as: a key of the table
  });

  it('convinces a checker that shares no code with ours (Go, standard library only)', () => {
    const run = spawnSync('go', ['run', '.', '../vectors'], {
      cwd: join(ROOT, 'test/conformance/token-vectors'),
      encoding: 'utf8',
      env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' },
    });
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
    expect(run.stdout.trim().split('\n')).toHaveLength(Object.keys(TOKENS).length);
  });
});
