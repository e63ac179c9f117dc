import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, StatusList, signToken } from '@spendgate/artifact';
import { leafHash, nodeHash } from '@spendgate/audit-log';
import { captureRun, runSource } from '@spendgate/testing';
import { run } from '../index.js';

interface Vector {
  readonly jws: string;
  readonly key: Readonly<Record<string, string>>;
}
const CONFORMANCE = new URL('../../../../test/conformance/', import.meta.url);
const readVector = (name: string): Vector =>
  JSON.parse(fs.readFileSync(new URL(`vectors/${name}.jwt.json`, CONFORMANCE), 'utf8')) as Vector; // as: our own file
const cookbook = JSON.parse(fs.readFileSync(new URL('data/jose-cookbook/jws.json', CONFORMANCE), 'utf8')) as (Vector & {
  readonly name: string;
})[]; // as: our own file

const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-verify-'));
const file = (name: string, content: string): string => {
  const place = path.join(folder, name);
  fs.writeFileSync(place, content);
  return place;
};
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The list the example artifact names, with its entry valid, good for a minute. */
function signStatusList(signer: PrivateKeySigner, iat: number): Promise<string> {
  const [iss, sub] = ['https://pay.example', 'https://pay.example/status/3/0'];
  const jti = '019b76da-a800-8e55-8b00-000000000001';
  const list = { ttl: 60, status_list: StatusList.ofSize(64).encode() };
  return signToken(signer, 'statuslist+jwt', { iss, aud: iss, iat, exp: iat + 60, jti, sub, ...list });
}

describe('spendgate verify artifact', () => {
  const artifact = readVector('authorization-artifact');
  const statusKey = PrivateKeySigner.generate('status');
  const owner = { iss: 'https://pay.example', use: 'sig' };
  const keys = [
    { ...artifact.key, ...owner, purpose: 'artifact' },
    { ...statusKey.jwk, ...owner, purpose: 'status' },
  ];
  const issued = 1_767_225_600;
  let args: string[];
  beforeAll(async () => {
    args = [
      'verify',
      'artifact',
      file('a.jwt', `${artifact.jws}\n`),
      '--keys',
      file('keys.json', JSON.stringify({ keys })),
    ];
    args.push('--status', file('s.jwt', await signStatusList(statusKey, issued)));
  });

  it('B13: verifies with keys and a status list alone, in a process with no service and no database', async () => {
    const entry = new URL('../index.ts', import.meta.url).pathname;
    const argv = JSON.stringify(['node', 'spendgate', ...args, '--at', String(issued + 30)]);
    const code = `const { run } = await import(${JSON.stringify(entry)}); await run(${argv});`;
    const { stdout, stderr, exitCode } = await runSource(code);
    expect([stderr, exitCode]).toEqual(['', 0]);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ valid: true, code: null });
    expect(stdout).toContain('"name":"revocation_state","ok":true,"detail":"valid in the list');
  }, 60_000);

  it('A27–A34: reports eight named checks as one JSON object', async () => {
    const { stdout, exitCode } = await captureRun(run, [...args, '--at', '2026-01-01T00:00:30Z']);
    const report = JSON.parse(stdout) as { checks: { name: string; ok: boolean }[] }; // as: the contract under test
    expect(exitCode).toBe(0);
    expect(report.checks.map(({ name, ok }) => [name, ok])).toEqual(
      [
        'signature',
        'scope_integrity',
        'temporal_validity',
        'environment_binding',
        'policy_hash',
        'origin',
        'revocation_state',
        'lineage',
      ].map((name) => [name, true]),
    );
  });

  it('A20: exits with 2 at the expiry instant itself (RFC 7519 §4.1.4)', async () => {
    const { stdout, exitCode } = await captureRun(run, [...args.slice(0, 5), '--at', String(issued + 900)]);
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      2,
      expect.objectContaining({ valid: false, code: 'artifact_expired' }),
    ]);
  });

  it('fails closed on a status list past its own expiry', async () => {
    const { stdout, exitCode } = await captureRun(run, [...args, '--at', String(issued + 60)]);
    expect([exitCode, JSON.parse(stdout)]).toEqual([2, expect.objectContaining({ code: 'trust_unverifiable' })]);
  });

  it('exits with 1 when it could not run: a key set with a private key in it', async () => {
    const bad = file('bad.json', JSON.stringify({ keys: [{ ...keys[0], d: 'AAAA' }] }));
    const { stdout, exitCode } = await captureRun(run, [...args.slice(0, 4), bad]);
    expect([stdout, exitCode]).toEqual(['', 1]);
  });
});

describe('spendgate verify jws', () => {
  it('A19: takes the Ed25519 signature of the JOSE cookbook', async () => {
    const [vector] = cookbook;
    const keys = file('cookbook.json', JSON.stringify({ keys: [vector?.key] }));
    const { stdout, exitCode } = await captureRun(run, [
      'verify',
      'jws',
      file('j.jws', vector?.jws ?? ''),
      '--keys',
      keys,
    ]);
    expect([exitCode, stdout]).toEqual([0, '{"valid":true,"code":null}\n']);
  });

  it('answers a file of cases line by line, in order, a line that is no JSON included', async () => {
    const cases = cookbook.map(({ jws, key }) => JSON.stringify({ jws, keys: { keys: [key] } }));
    const place = file('cases.jsonl', `${[...cases, 'no json', '{}'].join('\n')}\n`);
    const { stdout, exitCode } = await captureRun(run, ['verify', 'jws', '--cases', place]);
    const codes = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { code: string | null }).code); // as: contract
    expect(exitCode).toBe(0);
    expect(codes).toHaveLength(cookbook.length + 2);
    expect([codes[0], codes.at(-2), codes.at(-1)]).toEqual([null, 'malformed', 'malformed']);
    expect(codes.slice(1, -2)).not.toContain(null);
  });
});

/** A tree of two leaves, the smallest one with a proof: its root is the hash of both (RFC 9162 §2.1.1). */
describe('spendgate verify inclusion and consistency', () => {
  const [first, second] = [leafHash(Buffer.from('a')), leafHash(Buffer.from('b'))].map((hash) => Buffer.from(hash)) as [
    Buffer,
    Buffer,
  ]; // as: two in, two out
  const root = Buffer.from(nodeHash(first, second));
  const hex = (hash: Buffer): string => hash.toString('hex');

  it('takes flags with hashes in hex or base64', async () => {
    const size = ['--leaf-index', '0', '--tree-size', '2'];
    const hashes = ['--leaf-hash', hex(first), '--root', root.toString('base64'), '--proof', hex(second)];
    const { stdout, exitCode } = await captureRun(run, ['verify', 'inclusion', ...size, ...hashes]);
    expect([exitCode, stdout]).toEqual([0, '{"valid":true,"code":null}\n']);
  });

  it('exits with 2 when the proof is for another leaf', async () => {
    const size = ['--leaf-index', '1', '--tree-size', '2'];
    const hashes = ['--leaf-hash', hex(first), '--root', hex(root), '--proof', hex(second)];
    const { stdout, exitCode } = await captureRun(run, ['verify', 'inclusion', ...size, ...hashes]);
    expect([exitCode, JSON.parse(stdout)]).toEqual([2, expect.objectContaining({ valid: false })]);
  });

  it('takes one JSON file, over several lines or one', async () => {
    const proof = { size1: 1, size2: 2, root1: hex(first), root2: hex(root), proof: [hex(second)] };
    for (const text of [JSON.stringify(proof), JSON.stringify(proof, null, 2)]) {
      const { stdout, exitCode } = await captureRun(run, ['verify', 'consistency', file('proof.json', text)]);
      expect([exitCode, stdout]).toEqual([0, '{"valid":true,"code":null}\n']);
    }
  });

  it('answers cases in order, and takes tree sizes no JavaScript number can hold', async () => {
    const proof = { size1: 1, size2: 2, root1: hex(first), root2: hex(root), proof: [hex(second)] };
    const huge = JSON.stringify(proof).replace('"size2":2', '"size2":18446744073709551615');
    const place = file('proofs.jsonl', [JSON.stringify(proof), huge, JSON.stringify(proof)].join('\n'));
    const { stdout } = await captureRun(run, ['verify', 'consistency', '--cases', place]);
    const valid = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { valid: boolean }).valid); // as: contract
    expect(valid).toEqual([true, false, true]);
  });

  it('names the flags that are missing', async () => {
    const { stderr, exitCode } = await captureRun(run, ['verify', 'inclusion', '--leaf-index', '0']);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('--tree-size --leaf-hash --root --proof')]);
  });
});
