import { StartError } from '@spendgate/platform';
import { readFleet } from '@spendgate/store';
import type { Command } from 'commander';
import { printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

/** `spendgate drift fleet`: the domain as a whole, minute by minute, as the detector judged it last. */
export function addDriftFleet(drift: Command): void {
  const fleet = drift.command('fleet').option('--json', 'JSON Lines').action(showFleet);
  describeVerb(fleet, {
    group: 'operate',
    summary: 'what the whole domain did in the last minute judged, beside the hour before; alerts halt nothing',
    example: 'spendgate drift fleet',
  });
}

async function showFleet({ json = false }: { json?: boolean }): Promise<void> {
  const found = await withDatabase(readFleet);
  if (found === undefined)
    throw new StartError('no detector has ever watched this domain: spendgate serve drift-detector');
  const rows = found.map(({ series, value, usual, spread, alert, minutes }) => {
    return { series, last_minute: value, usual, spread, alert, minutes: minutes.length };
  });
  printRows(rows, json);
}
