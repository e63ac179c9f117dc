import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { collectOutput } from '../e2e/harness/processes.js';
import { NINE_PHASES_PAGE, NINE_PHASES_SETTINGS } from '../e2e/harness/nine-phases.js';
import { ROOT } from '../e2e/harness/repository.js';
import { type PageStep, runPage } from '../e2e/harness/run-page.js';
import { BIN, dataFolder, startSpendgate } from '../e2e/harness/spendgate.js';

/** A terminal is no place for whole tokens. */
const LINE_MAX = 200;

/** `npm run demo`: docs/nine-phases.md on a new domain, command by command. Ends with 1 where it is not as the page says. */
async function main(): Promise<void> {
  const [data, files] = [dataFolder(), dataFolder()];
  const service = await startSpendgate(['up'], { ...NINE_PHASES_SETTINGS, SPENDGATE_DATA: data.path });
  try {
    const place = {
      spendgate: (args: readonly string[]) => giveCommand(args, service.settings),
      url: service.url,
      data: data.path,
      files: files.path,
    };
    process.stdout.write(`spendgate up: ${service.url}, data in ${data.path}\n`);
    let heading = '';
    for await (const step of runPage(NINE_PHASES_PAGE, place)) {
      if (step.heading !== heading) process.stdout.write(`\n== ${step.heading}\n`);
      heading = step.heading;
      tell(step);
      if (step.differences.length === 0) continue;
      process.stderr.write(`\nnot as docs/nine-phases.md says:\n${step.differences.join('\n')}\n`);
      process.exitCode = 1;
      return;
    }
    process.stdout.write('\nevery command wrote what docs/nine-phases.md shows\n');
  } finally {
    await service.stop();
    data.remove();
    files.remove();
  }
}

function tell({ command, written }: PageStep): void {
  process.stdout.write(`\n$ ${command}\n`);
  for (const line of written)
    process.stdout.write(`${line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line}\n`);
}

/** As a process of its own, as a person would. What it refuses is output too. */
async function giveCommand(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, ...settings },
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collectOutput(child);
  await once(child, 'close');
  return output();
}

await main();
