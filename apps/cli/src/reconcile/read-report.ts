import fs from 'node:fs';
import { type RailEntry, refuseReport } from './rail-entry.js';
import { readCamt } from './read-camt.js';
import { readCsv } from './read-csv.js';

/** A report is held in memory, because nothing of it is used before all of it is checked. */
const BYTES_MAX = 32 * 1024 * 1024;
const ENTRIES_MAX = 100_000;

/** Reads a rail's report, CSV or camt.054 by its first character, whole. @throws {StartError} naming place and fault */
export function readReport(file: string): RailEntry[] {
  const handle = fs.openSync(file, 'r');
  try {
    checkSize(fs.fstatSync(handle).size);
    const text = decode(fs.readFileSync(handle));
    const entries = /^[\uFEFF\s]*</.test(text) ? readCamt(text) : readCsv(text);
    if (entries.length > ENTRIES_MAX) refuseReport('report', 'too_large', `more than ${ENTRIES_MAX} entries`);
    return entries;
  } finally {
    fs.closeSync(handle);
  }
}

function checkSize(bytes: number): void {
  if (bytes > BYTES_MAX) refuseReport('report', 'too_large', `more than ${BYTES_MAX} bytes`);
}

function decode(bytes: Buffer): string {
  checkSize(bytes.length); // of a pipe the size is known only now
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseReport('report', 'encoding_invalid', 'this is not UTF-8');
  }
}
