import fs from 'node:fs';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TestLog, captureRun } from '@spendgate/testing';
import { run } from '../index.js';
import { openLogSource } from './log-source.js';

const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-log-'));
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // as: it listens on a port
}

const read = (url: string, deadlineMs = Date.now() + 60_000): Promise<unknown> =>
  openLogSource(url, deadlineMs).read('checkpoint', 1_000);

describe('a log somebody else serves', () => {
  it.each<[string, RequestListener]>([
    ['absent', (_, reply) => void reply.writeHead(404).end()],
    ['unreachable', (_, reply) => void reply.writeHead(500).end()],
    ['unreachable', (_, reply) => void reply.writeHead(302, { location: '/elsewhere' }).end()],
    ['unreachable', (request) => void request.socket.destroy()],
    ['unreachable', (_, reply) => void reply.socket?.end('no HTTP at all\r\n\r\n')],
    ['too_large', (_, reply) => void reply.end(Buffer.alloc(1_001))],
    ['too_large', (_, reply) => endless(reply)],
  ])('is a named refusal: %s', async (fault, answer) => {
    await expect(read(await serve(answer))).rejects.toMatchObject({ name: 'SourceProblem', fault });
  });

  it('is waited for as long as was said, and no longer', async () => {
    const url = await serve(() => undefined);
    await expect(read(url, Date.now() + 50)).rejects.toMatchObject({ fault: 'slow' });
    await expect(read(url, Date.now())).rejects.toMatchObject({ fault: 'slow' });
  });

  it('is asked again when it says later', async () => {
    let asked = 0;
    const url = await serve((_, reply) => {
      asked += 1;
      if (asked === 1) reply.writeHead(429, { 'retry-after': '0' }).end();
      else reply.end('whole');
    });
    expect(Buffer.from((await read(url)) as Uint8Array).toString()).toBe('whole'); // as: bytes
  });
});

function endless(reply: Parameters<RequestListener>[1]): void {
  const more = (): void => {
    while (reply.write(Buffer.alloc(65_536)));
    reply.once('drain', more);
  };
  more();
}

describe('spendgate verify log', () => {
  const log = new TestLog();

  async function place(size: number, mark = ''): Promise<string> {
    const root = fs.mkdtempSync(path.join(folder, 'log-'));
    for (const [name, bytes] of await log.serve(log.leaves(size, mark))) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), bytes);
    }
    return root;
  }

  it('C16: remembers what it saw, accepts the same log when it grew and refuses one that was rewritten', async () => {
    const seen = path.join(folder, 'seen.txt');
    const jwks = path.join(folder, 'jwks.json');
    const key = { ...log.signer.jwk, iss: log.issuer, use: 'sig', purpose: 'checkpoint' };
    fs.writeFileSync(jwks, JSON.stringify({ keys: [key] }));
    const verify = async (root: string, ...more: string[]) => {
      const { stdout, exitCode } = await captureRun(run, ['verify', 'log', root, '--trust', jwks, ...more]);
      return { exitCode, report: JSON.parse(stdout) as object }; // as: the contract under test
    };
    expect(await verify(await place(300), '--save', seen)).toMatchObject({ exitCode: 0, report: { size: 300 } });
    const grown = await verify(await place(700), '--remember', seen, '--save', seen);
    expect(grown).toMatchObject({ exitCode: 0, report: { valid: true, size: 700, trust: 'given' } });
    const rewritten = await verify(await place(900, 'other'), '--remember', seen, '--save', seen);
    expect(rewritten).toMatchObject({ exitCode: 2, report: { valid: false, size: 900 } });
    expect(fs.readFileSync(seen, 'utf8')).toContain('\n700\n');
  });

  it('could not run: exit 1 for a key that is no witness’s', async () => {
    const { exitCode, stderr } = await captureRun(run, ['verify', 'log', folder, '--witness', 'x']);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('--witness x: no cosignature/v1 key')]);
  });
});
