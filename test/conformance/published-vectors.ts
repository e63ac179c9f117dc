import fs from 'node:fs';
import path from 'node:path';

/** Cases others published, kept in `data/` with their source and licence. */
const DATA = path.join(import.meta.dirname, 'data');

export interface JsonCase {
  /** `y_…` must parse, `n_…` must be refused, `i_…` is free. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** All 318 documents of JSONTestSuite; the two largest are made here, byte for byte. */
export function jsonParsingCases(): JsonCase[] {
  const lines = fs.readFileSync(path.join(DATA, 'json-parsing/cases.jsonl'), 'utf8').trimEnd().split('\n');
  const kept = lines.map((line) => {
    const { name, base64 } = JSON.parse(line) as { name: string; base64: string }; // the form its README states
    return { name, bytes: Buffer.from(base64, 'base64') };
  });
  return [
    ...kept,
    { name: 'n_structure_100000_opening_arrays', bytes: Buffer.from('['.repeat(100_000)) },
    { name: 'n_structure_open_array_object', bytes: Buffer.from(`${'[{"":'.repeat(50_000)}\n`) },
  ];
}

export interface CanonicalCase {
  readonly name: string;
  readonly input: Buffer;
  readonly output: Buffer;
}

/** The RFC 8785 cases of its author. */
export function canonicalCases(): CanonicalCase[] {
  return fs
    .readdirSync(path.join(DATA, 'jcs/input'))
    .sort()
    .map((name) => ({
      name,
      input: fs.readFileSync(path.join(DATA, 'jcs/input', name)),
      output: fs.readFileSync(path.join(DATA, 'jcs/output', name)),
    }));
}

/** 515 strings that broke somebody's software. */
export function naughtyStrings(): string[] {
  return JSON.parse(fs.readFileSync(path.join(DATA, 'naughty-strings/blns.json'), 'utf8')) as string[]; // a JSON list
}
