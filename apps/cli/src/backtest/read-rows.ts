import fs from 'node:fs';
import { StartError } from '@spendgate/platform';
import { splitterOf } from '../csv.js';
import { parseInstant, parseNumber } from './cells.js';

/** Characters of one line at most: a file without line ends would otherwise be read into memory whole. */
const LINE_MAX = 1_000_000;
const TIME_NAMES = /^(timestamp|time|datetime|date|ts|at|iat)$/i;
const VALUE_NAMES = /^(value|amount|dollars|y|metric)$/i;

/** Which columns to read, as the command line names them. */
export interface Columns {
  readonly timestamp?: string;
  readonly value?: string;
  readonly flow?: string;
}

/** One row of history. The texts are as written, for the output. */
export interface HistoryRow {
  readonly timestamp: string;
  readonly value: string;
  /** Unix ms; `null` where the file has no times. */
  readonly atMs: number | null;
  /** `null`: missing in the file. */
  readonly amount: number | null;
  readonly flow: string;
}

/**
 * Reads a table with one header line, comma, semicolon, tab or blanks between cells (RFC 4180 quotes), a few rows at a
 * time: memory does not grow with the file.
 *
 * @throws {StartError} a column that is not there, a cell that is no number or no time, with its line
 */
export async function* readRows(file: string, wanted: Columns): AsyncGenerator<readonly HistoryRow[]> {
  let read: ((line: string, number: number) => HistoryRow) | undefined;
  let number = 0;
  for await (const lines of readLines(file)) {
    const rows: HistoryRow[] = [];
    for (const line of lines) {
      number += 1;
      if (line.trim() === '') continue;
      if (read === undefined) read = rowReader(number === 1 ? line.replace(/^\uFEFF/, '') : line, wanted);
      else rows.push(read(line, number));
    }
    yield rows;
  }
  if (read === undefined) throw new StartError(`${file} is empty; a header line and rows were expected`);
}

async function* readLines(file: string): AsyncGenerator<readonly string[]> {
  let rest = '';
  // a stream of text chunks, because of the encoding
  for await (const chunk of fs.createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX) throw new StartError(`a line of ${file} is longer than ${LINE_MAX} characters`);
    yield lines;
  }
  if (rest !== '') yield [rest];
}

function rowReader(header: string, wanted: Columns): (line: string, number: number) => HistoryRow {
  const split = splitterOf(header);
  const names = split(header).map((name) => name.trim());
  const time = columnOf(names, wanted.timestamp, TIME_NAMES);
  const value = columnOf(names, wanted.value, VALUE_NAMES) ?? lastBut(names, time);
  const flow = wanted.flow === undefined ? undefined : columnOf(names, wanted.flow);
  return (line, number) => {
    const cells = split(line);
    const cell = (at: number): string => {
      const text = cells[at];
      if (text === undefined) throw new StartError(`line ${number}: no column "${names[at] ?? at + 1}"`);
      return text.trim();
    };
    const timestamp = time === undefined ? '' : cell(time);
    const text = cell(value);
    return {
      timestamp,
      value: text,
      atMs: time === undefined ? null : parseInstant(timestamp, `line ${number}, column "${names[time] ?? ''}"`),
      amount: parseNumber(text, `line ${number}, column "${names[value] ?? ''}"`),
      flow: flow === undefined ? '' : cell(flow),
    };
  };
}

function columnOf(names: readonly string[], wanted: string | undefined, usual?: RegExp): number | undefined {
  const at = names.findIndex((name) => (wanted === undefined ? usual?.test(name) : name === wanted));
  if (at < 0 && wanted !== undefined) throw new StartError(`no column "${wanted}"; there are: ${names.join(', ')}`);
  return at < 0 ? undefined : at;
}

/** Without a usual name the value is the only column beside the time, else the last one. */
function lastBut(names: readonly string[], time: number | undefined): number {
  const at = names.findLastIndex((_, index) => index !== time);
  if (at < 0) throw new StartError(`no column of values; there are: ${names.join(', ')}`);
  return at;
}
