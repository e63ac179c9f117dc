import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { NOTE_SIGNATURE, formatNoteKey } from '@spendgate/audit-log';
import { Logger, Shutdown } from '@spendgate/platform';
import { until } from '@spendgate/testing';
import { startLocalWitness } from './local-witness.js';

const LONG_MS = 60_000;
const logger = Logger.create({ level: 'silent', role: 'spec' });

/** The witnesses this process started. */
function witnesses(): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args=']).toString().split('\n');
  const own = lines.map((line) => line.trim().split(/\s+/)).filter(([, parent]) => parent === String(process.pid));
  return own.filter((words) => words.includes('--until-stdin-closes')).map(([pid]) => Number(pid));
}

describe('a witness beside this process', () => {
  it(
    'is started again however often it takes: a port somebody else held for a while does not end it for good',
    async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'spendgate-local-witness-'));
      const shutdown = new Shutdown(logger);
      const { jwk } = PrivateKeySigner.generate('checkpoint');
      const publicKey = Buffer.from(jwk.kty === 'OKP' ? jwk.x : '', 'base64url');
      const logKey = formatNoteKey({ name: 'log', type: NOTE_SIGNATURE.ed25519, publicKey });
      const told: string[] = [];
      const telling = Object.assign(Object.create(logger) as Logger, { warn: (text: string) => told.push(text) });
      const place = { data: folder, logKeys: [logKey], passphrase: undefined };
      const [url = ''] = (await startLocalWitness(place, telling, shutdown)).split(' ');
      try {
        for (const pid of witnesses()) process.kill(pid, 'SIGKILL');
        const other = createServer((_, response) => response.end());
        await until('somebody else has its port', async () => {
          other.listen(Number(new URL(url).port), '127.0.0.1');
          return Promise.race([once(other, 'listening').then(() => true), once(other, 'error').then(() => false)]);
        });
        await until('it could not be started', () => told.length >= 2, LONG_MS);
        other.close();
        const answers = () => fetch(url).then((reply) => reply.status > 0, () => false); // prettier-ignore
        await until('it is there again', async () => witnesses().length === 1 && (await answers()), LONG_MS);
        expect(told).toContain('the local witness ended (1); it is started again');
      } finally {
        await shutdown.run('spec');
        await until('it ends with us', () => witnesses().length === 0);
        rmSync(folder, { recursive: true });
      }
    },
    LONG_MS,
  );
});
