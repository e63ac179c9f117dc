import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CapturedRun, captureRun } from '@spendgate/testing';
import { run } from '../../apps/cli/src/index.js';
import { ROOT } from './harness/repository.js';
import { runPage } from './harness/run-page.js';
import { type RunningSpendgate, dataFolder, startSpendgate } from './harness/spendgate.js';

const MINUTES = 60_000;
const BUYING = '00000000-0000-8000-8000-00000000a002';

describe('the walk of docs/walk.md', () => {
  const environment = process.env;
  const folder = dataFolder();
  let service: RunningSpendgate;

  beforeAll(async () => {
    service = await startSpendgate(['up'], { SPENDGATE_DATA: folder.path });
    process.env = { ...environment, ...service.settings };
    process.chdir(ROOT);
  }, 2 * MINUTES);
  afterAll(async () => {
    process.env = environment;
    await service?.stop();
    folder.remove();
  }, MINUTES);

  const linesOf = ({ stdout, stderr }: CapturedRun): string[] =>
    `${stdout}${stderr}`.split('\n').filter((line) => line !== '');

  it(
    'writes what the page shows, command by command: tree, delegation, each limit, step-up by two, renewal, refund, revocation, replay',
    async () => {
      const spendgate = async (args: readonly string[]): Promise<string> =>
        linesOf(await captureRun(run, args)).join('\n');
      const place = { spendgate, url: service.url, data: folder.path, files: folder.path };
      for await (const { command, differences } of runPage(join(ROOT, 'docs/walk.md'), place))
        expect({ command, differences }).toEqual({ command, differences: [] });
    },
    2 * MINUTES,
  );

  it.each([
    ['mandates amend ID --total 9.00 --as nobody', 1, 'nobody.jwk.json does not exist: name the folder with --keys'],
    ['mandates amend ID --total 9.00 --as demo-agent', 1, 'sign --as its agent, an agent above it, or its principal'],
    ['mandates amend ID --total 9.00 --as buyer', 2, 'mandate_unknown'],
    ['mandates amend ID --levels x --as demo-principal', 1, 'no mandate can say this: delegation.levels'],
    ['mandates amend ID --total 150.00 --as-version 2 --as demo-principal', 2, 'idempotency_conflict'],
    ['mandates amend ID --total 150.00 --as-version 0 --as demo-principal', 1, '--as-version is a whole number'],
    ['mandates delegate ID --agent nobody --total 1.00 --as buyer', 2, 'agent_unknown'],
    ['mandates delegate ID --agent helper --levels 1 --as buyer', 2, 'scope_escalation'],
    ['attest demo-agent README.md --as demo-agent', 2, 'next: register the key'],
    ['attest demo-agent no-such-file --as demo-attester', 1, 'no-such-file does not exist'],
    ['attest demo-agent README.md --as demo-attester --valid-seconds 0', 1, '--valid-seconds is a whole number'],
    ['artifacts renew ID --as buyer', 1, 'renew it --as its agent or the settlement service it is for'],
    ['artifacts renew x --as buyer', 1, '"x" is no artifact id'],
  ])('`%s` exits with %i and says: %s', async (line, exitCode, said) => {
    const ran = await captureRun(run, line.replace('ID', BUYING).split(' '));
    expect([ran.exitCode, linesOf(ran).join('\n')]).toEqual([exitCode, expect.stringContaining(said)]);
  });
});
