import { describeSettings } from '@spendgate/platform';
import type { Command } from 'commander';
import { printRows } from '../output.js';
import { ROLE_NAMES, settingsOf } from '../runtime/roles.js';
import { describeVerb } from '../verb.js';

/** `spendgate config print`: every setting, its value and where the value comes from. Secrets show as such. */
export function addConfig(program: Command): void {
  const config = describeVerb(program.command('config'), {
    group: 'operate',
    summary: 'show the settings in force',
    example: 'spendgate config print',
  });
  const print = config
    .command('print')
    .option('--json', 'JSON Lines')
    .action(({ json }: { json?: boolean }) => {
      const rows = describeSettings(settingsOf(ROLE_NAMES), process.env);
      printRows(
        rows.map(({ name, value, source, about }) => ({ name, value, source, about })),
        json ?? false,
      );
    });
  describeVerb(print, {
    group: 'operate',
    summary: 'every setting, its value, its source; secrets by name only',
    example: 'spendgate config print',
  });
}
