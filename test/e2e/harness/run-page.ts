import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningPostgresUrl } from '@spendgate/platform';
import pg from 'pg';
import { type ConsoleStep, PageIds, readConsoleSteps } from './console-page.js';
import { until } from './processes.js';

/** Where the commands of a page are given. */
export interface PagePlace {
  /** Runs a command line to its end. @returns what it wrote on both streams */
  spendgate(args: readonly string[]): Promise<string>;
  /** Of the service the page has at http://127.0.0.1:8080. */
  readonly url: string;
  /** Data folder of `spendgate up`. */
  readonly data: string;
  /** Folder for the files the page writes and reads again. */
  readonly files: string;
}

/** A command of a page with the ids of this run, and what it wrote here. */
export interface PageStep extends ConsoleStep {
  readonly written: readonly string[];
  /** Lines of either that the other has not; none: it is what the page shows. */
  readonly differences: readonly string[];
}

const PAGE_URL = 'http://127.0.0.1:8080';
/** A file of the page's own: no folder is named. */
const OWN_FILE = /^[\w-]+\.json$/;
/** Looking may be done again: what a rail reports, a visit finds and the log signs comes when it comes. */
const LOOKS: ReadonlySet<string> = new Set(['show', 'list', 'timeline', 'incident']);
/** So may attesting: of two results of one second the worse stands. */
const mayRepeat = ([verb = '', noun = '']: readonly string[]): boolean => verb === 'attest' || LOOKS.has(noun);
const LOOK_AGAIN_MS = 250;
const PATIENCE_MS = 60_000;

/** Gives the commands of a page in order, and compares what they write with what it shows. */
export async function* runPage(file: string, place: PagePlace): AsyncGenerator<PageStep> {
  const ids = new PageIds();
  for (const step of readConsoleSteps(file)) {
    const [program = '', ...args] = ids.args(step.words);
    let written: readonly string[] = [];
    let differences: readonly string[] = [];
    const give = async (): Promise<boolean> => {
      written = await perform(program, args, place);
      differences = ids.differences(step.shown, written);
      return differences.length === 0;
    };
    if (mayRepeat(args)) await until(step.command, give, PATIENCE_MS, LOOK_AGAIN_MS).catch(() => undefined);
    else await give();
    const [command = ''] = ids.args([step.command]);
    yield { ...step, command: command.replace(PAGE_URL, place.url), written, differences };
  }
}

async function perform(program: string, args: readonly string[], place: PagePlace): Promise<string[]> {
  const here = args.map((arg) => (OWN_FILE.test(arg) ? join(place.files, arg) : arg));
  const output = await outputOf(program, here, place);
  const lines = output.replaceAll(join(place.files, '/'), '').split('\n');
  return lines.filter((line) => line.trim() !== '');
}

async function outputOf(program: string, args: readonly string[], place: PagePlace): Promise<string> {
  if (program === 'spendgate') return place.spendgate(args);
  if (program === 'psql') return psql(args[1] ?? '', place.data);
  if (program !== 'curl') throw new Error(`the page gives a command that is not foreseen: ${program}`);
  const [, url = '', , file = ''] = args; // curl -s URL > FILE
  const answer = await fetch(url.replace(PAGE_URL, place.url));
  writeFileSync(file, await answer.text());
  return '';
}

/** As the owner of the database, who may edit any row. @returns what psql prints of a change */
async function psql(sql: string, data: string): Promise<string> {
  const client = new pg.Client({ connectionString: runningPostgresUrl(join(data, 'postgres')) });
  await client.connect();
  try {
    const { command, rowCount } = await client.query(sql);
    return command === 'INSERT' ? `INSERT 0 ${rowCount}` : `${command} ${rowCount}`;
  } finally {
    await client.end();
  }
}
