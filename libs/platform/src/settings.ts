import { readFileSync } from 'node:fs';
import { isNativeError } from 'node:util/types';
import { z } from 'zod';
import type { Setting } from './setting.js';
import { StartError } from './start-error.js';

/** One typed table per app; the command line joins the tables of what it starts. */
export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

/** What a table's values are after reading. */
export type SettingValues<T extends SettingTable = SettingTable> = {
  readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never;
};

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingDescription {
  readonly name: string;
  readonly about: string;
  /** As text; a secret's is never given. */
  readonly value: string;
  readonly source: 'environment' | 'file' | 'default' | 'unset';
}

export const SETTING_PREFIX = 'SPENDGATE_';
const FILE_SUFFIX = '_FILE';
const FILE_BYTES_MAX = 65_536;

/**
 * Reads and checks every setting of a table; each may also come from the file named by `<NAME>_FILE`.
 *
 * @param known every setting there is: one environment may serve several roles, and a name of another is no mistake
 * @throws {StartError} one line per problem: an unknown `SPENDGATE_*` name, a value out of range, a file not readable
 */
export function readSettings<T extends SettingTable>(
  table: T,
  environment: Environment,
  known: SettingTable = table,
): SettingValues<T> {
  const problems = unknownNames(known, environment);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    const found = find(name, environment);
    if ('problem' in found) problems.push(found.problem);
    else if (found.text === undefined) values[name] = setting.fallback;
    else {
      const parsed = setting.schema.safeParse(found.text);
      if (parsed.success) values[name] = parsed.data;
      else problems.push(refusal(name, setting, parsed.error));
    }
  }
  if (problems.length > 0) throw new StartError(problems.join('\n'));
  // Every name of T was given a value of its own schema above.
  return values as SettingValues<T>;
}

/** The table as an operator sees it (`spendgate config print`), in table order. */
export function describeSettings(table: SettingTable, environment: Environment): SettingDescription[] {
  return Object.entries(table).map(([name, setting]) => {
    const fallback = typeof setting.fallback === 'string' ? setting.fallback : (JSON.stringify(setting.fallback) ?? '');
    const found = find(name, environment);
    if ('problem' in found) return { name, about: setting.about, value: found.problem, source: 'file' };
    if (found.text === undefined) {
      return { name, about: setting.about, value: fallback, source: fallback === '' ? 'unset' : 'default' };
    }
    return { name, about: setting.about, value: setting.secret ? '(secret)' : found.text, source: found.source };
  });
}

type Found = { text: string | undefined; source: 'environment' | 'file' } | { problem: string };

function find(name: string, environment: Environment): Found {
  const file = environment[name + FILE_SUFFIX];
  const text = environment[name];
  if (text !== undefined && file !== undefined) {
    return { problem: `${name} and ${name}${FILE_SUFFIX} are both set: keep one` };
  }
  if (file === undefined) return { text, source: 'environment' };
  try {
    const content = readFileSync(file, 'utf8');
    if (content.length > FILE_BYTES_MAX) return { problem: `${name}${FILE_SUFFIX}: ${file} is larger than 64 KiB` };
    return { text: content.replace(/\r?\n$/, ''), source: 'file' };
  } catch (error) {
    return { problem: `${name}${FILE_SUFFIX}: ${isNativeError(error) ? error.message : String(error)}` };
  }
}

/** A misspelt name would silently leave a default in force, so it stops the start. */
function unknownNames(table: SettingTable, environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(SETTING_PREFIX) && environment[name] !== undefined)
    .filter((name) => !(name in table) && !(name.endsWith(FILE_SUFFIX) && name.slice(0, -FILE_SUFFIX.length) in table))
    .map((name) => {
      const near = nearest(name, Object.keys(table));
      const advice = near === undefined ? 'see: spendgate config print' : `did you mean ${near}?`;
      return `${name} is no setting; ${advice}`;
    });
}

function refusal(name: string, setting: Setting<unknown>, error: z.ZodError): string {
  const reason = error.issues.map((issue) => issue.message).join(', ');
  return `${name}: ${reason} (${setting.about})`;
}

/** The table's name that differs by at most a quarter of its letters. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((each) => ({ each, distance: editDistance(name, each) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= name.length / 4 ? best.each : undefined;
}

/** Levenshtein's distance, one row at a time; names are short. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
