import { splitterOf } from '../csv.js';
import { type RailEntry, type RawEntry, checkEntry, refuseReport } from './rail-entry.js';

/** The columns of a report, all of them, in any order. */
export const COLUMNS: readonly (keyof RawEntry)[] = [
  'transfer_id',
  'rail_reference',
  'direction',
  'amount',
  'currency',
  'outcome',
  'occurred_at',
];

/** Reads a report as CSV with a header line. @throws {StartError} naming line and fault */
export function readCsv(text: string): RailEntry[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = lines[0] ?? '';
  const split = splitterOf(header);
  const names = split(header).map((name) => name.trim());
  if (names.length !== COLUMNS.length || COLUMNS.some((name) => !names.includes(name))) {
    refuseReport('line 1', 'columns_invalid', `the columns are ${COLUMNS.join(',')}`);
  }
  return lines.flatMap((line, at) =>
    at === 0 || line.trim() === '' ? [] : [checkEntry(`line ${at + 1}`, rawOf(`line ${at + 1}`, line, names, split))],
  );
}

function rawOf(place: string, line: string, names: readonly string[], split: (line: string) => string[]): RawEntry {
  const cells = split(line);
  const quotes = line.split('"').length - 1;
  if (cells.length !== names.length || quotes % 2 !== 0) {
    refuseReport(place, 'malformed', `${names.length} cells are expected, quotes in pairs`);
  }
  const raw = Object.fromEntries(names.map((name, at) => [name, (cells[at] ?? '').trim()]));
  return raw as RawEntry; // the names were compared with COLUMNS
}
