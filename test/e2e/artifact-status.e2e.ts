import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KeySet, parseKeySet } from '@spendgate/artifact';
import { parseClaims } from '@spendgate/codec';
import { type ArtifactReport, verifyArtifact } from '@spendgate/verifier';
import { until } from './harness/processes.js';
import {
  type RunningSpendgate,
  dataFolder,
  EXAMPLES,
  jsonLines,
  spendgate,
  startSpendgate,
} from './harness/spendgate.js';

const MINUTES = 60_000;
/** From the act to a list that shows it. */
const SHOWN_WITHIN_MS = 2_000;
/** A copy is used no longer; the one fetched may be a second old, and its time is in whole seconds. */
const TTL_MS = 60_000;

type Json = Readonly<Record<string, unknown>>;

/** What a verifier in another place has: the artifact, and what public documents say. */
interface Fetched {
  readonly keys: KeySet;
  readonly statusList: string;
  readonly fetchedAtMs: number;
}

describe('the status list an artifact names', () => {
  const folder = dataFolder();
  let service: RunningSpendgate;
  let artifact: string;
  let uri: string;
  let id: string;

  beforeAll(async () => {
    service = await startSpendgate(['up', '--data', folder.path], {});
    const args = ['intents', 'publish', join(EXAMPLES, 'demo/intents.jsonl'), '--wait', '--url', service.url];
    const results = jsonLines(await spendgate(args, own()));
    artifact = String(results.find(({ jti }) => jti === 'demo-authorized')?.['artifact']);
    const payload: unknown = JSON.parse(Buffer.from(artifact.split('.')[1] ?? '', 'base64url').toString());
    const parsed = parseClaims('authorization-artifact+jwt', payload);
    if (!parsed.ok) throw new Error(`not an artifact: ${parsed.code} ${parsed.field}`);
    uri = parsed.claims.status.status_list.uri;
    id = parsed.claims.jti;
  }, 2 * MINUTES);

  afterAll(async () => {
    await service?.stop();
    folder.remove();
  }, MINUTES);

  const own = (): Record<string, string> => ({ SPENDGATE_DATA: folder.path });

  async function fetchPublic(): Promise<Fetched> {
    const jwks = parseKeySet(await (await fetch(`${service.url}/.well-known/jwks.json`)).json());
    if (!jwks.ok) throw new Error(`not a key set: ${jwks.problem}`);
    const answer = await fetch(uri);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/statuslist+jwt']);
    return { keys: jwks.keys, statusList: await answer.text(), fetchedAtMs: Date.now() };
  }

  const verify = ({ keys, statusList, fetchedAtMs }: Fetched, afterMs = 0): Promise<ArtifactReport> =>
    verifyArtifact({ artifact, keys, statusList, atMs: fetchedAtMs + afterMs });

  it('A33: is served at that very address, as statuslist+jwt, and says the artifact is valid', async () => {
    expect(uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/status\/\d+\/\d+$/);
    expect(uri.startsWith(service.url)).toBe(true);
    const report = await verify(await fetchPublic());
    expect(report).toMatchObject({ valid: true, code: null });
    expect(report.checks.find(({ name }) => name === 'revocation_state')?.detail).toMatch(/^valid in the list/);
  });

  it(
    'A23: once revoked, the gate denies at once and a copy fetched within two seconds says so offline',
    async () => {
      const before = await fetchPublic();
      const reason = 'the buyer lost the laptop';
      await spendgate(['revoke', 'artifact', id, '--as', 'ada', '--reason', reason], own());
      const revokedAtMs = Date.now();
      expect(await capture()).toMatchObject({ code: 'artifact_revoked' });
      let report = await verify(await fetchPublic());
      await until('the list to show it', async () => (report = await verify(await fetchPublic())).valid === false);
      expect(Date.now() - revokedAtMs).toBeLessThan(SHOWN_WITHIN_MS);
      expect(report).toMatchObject({ valid: false, code: 'artifact_revoked' });
      // Whoever kept the copy from before learns nothing from it, but trusts it for its ttl only.
      expect(await verify(before, TTL_MS - 2_000)).toMatchObject({ valid: true });
      expect(await verify(before, TTL_MS)).toMatchObject({ valid: false, code: 'trust_unverifiable' });
    },
    MINUTES,
  );

  /** As the settlement service would, with its own command. */
  async function capture(): Promise<Json> {
    const file = join(folder.path, 'artifact.jwt');
    writeFileSync(file, artifact);
    const act = ['settlements', 'capture', '--amount', '25.00', '--capture-id', 'order-1', '--url', service.url];
    // A denial ends the command with another exit code; what it printed is in the message.
    const output = await spendgate([...act, file], own()).catch((error: Error) => error.message);
    return jsonLines(output).at(-1) ?? {};
  }
});

/** Lines that are JSON: notes to people go to the same place when both streams are read. */
