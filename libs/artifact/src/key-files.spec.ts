import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainKeys, readPartySigner, writePartyKey } from './key-files.js';
import { PrivateKeySigner } from './sign.js';

let root: string;
beforeAll(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'spendgate-keys-'));
});
afterAll(() => fs.rm(root, { recursive: true }));

const issuer = 'urn:spendgate:demo';
const AT_MS = 1_700_000_000_000;

describe('the domain keys', () => {
  it('are made once, one file per purpose, readable by their owner only', async () => {
    const folder = path.join(root, 'made');
    const first = await DomainKeys.open(folder, { issuer, purposes: ['artifact', 'decision'], createAtMs: AT_MS });
    const again = await DomainKeys.open(folder, { issuer, purposes: ['artifact', 'decision'] });
    expect(again.signer('artifact').kid).toBe(first.signer('artifact').kid);
    expect(again.signer('artifact').kid).not.toBe(again.signer('decision').kid);
    expect((await fs.readdir(folder)).sort()).toEqual(['artifact.key.json', 'decision.key.json']);
    for (const name of await fs.readdir(folder)) {
      expect((await fs.stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
    }
    expect(again.publicKeys().map(({ purpose, party, activeFromMs }) => [purpose, party, activeFromMs])).toEqual([
      ['artifact', issuer, AT_MS],
      ['decision', issuer, AT_MS],
    ]);
  });
  it('sign the same bytes before and after a restart', async () => {
    const folder = path.join(root, 'same');
    const first = await DomainKeys.open(folder, { issuer, purposes: ['receipt'], createAtMs: AT_MS });
    const again = await DomainKeys.open(folder, { issuer, purposes: ['receipt'] });
    const input = Buffer.from('claims');
    expect(await again.signer('receipt').sign(input)).toEqual(await first.signer('receipt').sign(input));
  });
  it('give a role only the purposes it was opened for', async () => {
    const keys = await DomainKeys.open(path.join(root, 'made'), { issuer, purposes: ['decision'] });
    expect(() => keys.signer('artifact')).toThrow(/holds no "artifact" key/);
    expect(Object.keys(keys.all())).toEqual(['decision']);
  });
  it('stop the start when one is missing, open to others, or another purpose is put in its place', async () => {
    await expect(DomainKeys.open(path.join(root, 'none'), { issuer, purposes: ['control'] })).rejects.toThrow(
      /does not exist/,
    );
    const folder = path.join(root, 'swap');
    await DomainKeys.open(folder, { issuer, purposes: ['status', 'artifact'], createAtMs: AT_MS });
    await fs.copyFile(path.join(folder, 'status.key.json'), path.join(folder, 'artifact.key.json'));
    await expect(DomainKeys.open(folder, { issuer, purposes: ['artifact'] })).rejects.toThrow(/is for "status"/);
    await fs.chmod(path.join(folder, 'status.key.json'), 0o644);
    await expect(DomainKeys.open(folder, { issuer, purposes: ['status'] })).rejects.toThrow(/chmod 600/);
  });
  it('may lack what a role can go without, and nothing else', async () => {
    const folder = path.join(root, 'without');
    const optional = ['webhook'] as const;
    await DomainKeys.open(folder, { issuer, purposes: ['receipt'], createAtMs: AT_MS });
    const keys = await DomainKeys.open(folder, { issuer, purposes: ['receipt', 'webhook'], optional });
    expect(Object.keys(keys.all())).toEqual(['receipt']);
    await expect(DomainKeys.open(folder, { issuer, purposes: ['decision'], optional })).rejects.toThrow(
      /does not exist/,
    );
  });
  it('open under their passphrase only, and hide the private part without it', async () => {
    const folder = path.join(root, 'sealed');
    const options = { issuer, purposes: ['control'] as const };
    const made = await DomainKeys.open(folder, { ...options, passphrase: 'correct horse', createAtMs: AT_MS });
    const text = await fs.readFile(path.join(folder, 'control.key.json'), 'utf8');
    expect(text).not.toContain('"d"');
    const opened = await DomainKeys.open(folder, { ...options, passphrase: 'correct horse' });
    expect(opened.signer('control').kid).toBe(made.signer('control').kid);
    await expect(DomainKeys.open(folder, { ...options, passphrase: 'wrong' })).rejects.toThrow(/wrong passphrase/);
    await expect(DomainKeys.open(folder, options)).rejects.toThrow(/passphrase is needed/);
  });
});

describe('party key files', () => {
  it('come back as they were written', async () => {
    const signer = PrivateKeySigner.generate('agent', 'ES256');
    await writePartyKey(path.join(root, 'parties'), 'agent-7', signer);
    const read = await readPartySigner(path.join(root, 'parties'), 'agent-7', 'agent');
    expect([read?.kid, read?.alg]).toEqual([signer.kid, 'ES256']);
    expect(await readPartySigner(path.join(root, 'parties'), 'agent-8', 'agent')).toBeUndefined();
  });
  it.each(['../agent-7', '/etc/passwd', '..', 'a/b', '', 'a\0b'])(
    'are never looked for outside the folder: %j',
    async (name) => {
      await expect(readPartySigner(path.join(root, 'parties'), name, 'agent')).rejects.toThrow(/no party id/);
    },
  );
  it('are refused when the public part is of another key', async () => {
    const [one, two] = [PrivateKeySigner.generate('agent'), PrivateKeySigner.generate('agent')];
    const file = path.join(root, 'parties', 'mixed.jwk.json');
    await fs.writeFile(file, JSON.stringify({ ...one.toPrivateJwk(), x: two.jwk.x }), { mode: 0o600 });
    await expect(readPartySigner(path.join(root, 'parties'), 'mixed', 'agent')).rejects.toThrow(/no private JWK/);
  });
});
