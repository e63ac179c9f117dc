import fs from 'node:fs';
import { csvLine } from './csv.js';

/** One JSON document or JSON line on stdout; everything for people goes to stderr, so that pipes stay clean. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints rows as JSON Lines with `--json`, else as an aligned table with the keys of the first row as its head. */
export function printRows(rows: readonly Readonly<Record<string, unknown>>[], json: boolean): void {
  if (json) {
    rows.forEach(printJson);
    return;
  }
  if (rows.length === 0) {
    note('none');
    return;
  }
  const head = Object.keys(rows[0] ?? {});
  const cells = [head, ...rows.map((row) => head.map((key) => cell(row[key])))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells)
    printLine(
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** Prints rows as RFC 4180 text, the keys of the first row as its head. No row: no text, since nothing names the columns. */
export function printCsv(rows: readonly Readonly<Record<string, unknown>>[]): void {
  const head = Object.keys(rows[0] ?? {});
  if (rows.length === 0) note('none');
  else for (const row of [head, ...rows.map((each) => head.map((key) => each[key]))]) printLine(csvLine(row));
}

/** One object, a member a line. */
export function printRecord(record: Readonly<Record<string, unknown>>): void {
  const width = Math.max(...Object.keys(record).map((name) => name.length));
  for (const [name, value] of Object.entries(record)) printLine(`${name.padEnd(width)}  ${cell(value)}`);
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * A progress bar on stderr, drawn only on a terminal and at most ten times a second, because drawing for each of
 * 70,000 records would cost more than sending them.
 */
export class ProgressBar {
  private drawnAt = 0;

  constructor(
    private readonly label: string,
    private readonly total: number,
  ) {}

  update(done: number): void {
    if (!process.stderr.isTTY) return;
    const now = performance.now();
    if (now - this.drawnAt < 100 && done < this.total) return;
    this.drawnAt = now;
    const width = 30;
    const filled = this.total === 0 ? width : Math.round((width * done) / this.total);
    process.stderr.write(`\r${this.label} [${'='.repeat(filled)}${' '.repeat(width - filled)}] ${done}/${this.total}`);
  }

  finish(): void {
    if (process.stderr.isTTY) process.stderr.write('\n');
  }
}

/** The text of a file, or of standard input for `-`. */
export function readInput(file: string): string {
  return fs.readFileSync(file === '-' ? 0 : file, 'utf8');
}
