import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { captureRun } from '@spendgate/testing';
import { run } from '../../apps/cli/src/index.js';
import { NINE_PHASES_PAGE, NINE_PHASES_SETTINGS } from './harness/nine-phases.js';
import { ROOT } from './harness/repository.js';
import { runPage } from './harness/run-page.js';
import { type RunningSpendgate, dataFolder, startSpendgate } from './harness/spendgate.js';

const MINUTES = 60_000;

describe('the nine phases of docs/nine-phases.md', () => {
  const environment = process.env;
  const [data, files] = [dataFolder(), dataFolder()];
  let service: RunningSpendgate;

  beforeAll(async () => {
    service = await startSpendgate(['up'], { ...NINE_PHASES_SETTINGS, SPENDGATE_DATA: data.path });
    process.env = { ...environment, ...service.settings };
    process.chdir(ROOT);
  }, 2 * MINUTES);
  afterAll(async () => {
    process.env = environment;
    await service?.stop();
    data.remove();
    files.remove();
  }, MINUTES);

  it(
    'E11–E19: writes what the page shows, command by command: drift of five kinds, recovery by two, revocation, proof',
    async () => {
      const spendgate = async (args: readonly string[]): Promise<string> => {
        const { stdout, stderr } = await captureRun(run, args);
        return `${stdout}${stderr}`;
      };
      const place = { spendgate, url: service.url, data: data.path, files: files.path };
      for await (const { command, differences } of runPage(NINE_PHASES_PAGE, place))
        expect({ command, differences }).toEqual({ command, differences: [] });
    },
    4 * MINUTES,
  );
});
