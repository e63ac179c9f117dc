import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '../index.js';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backtest-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

interface Row {
  readonly timestamp: string;
  readonly value: string;
  readonly score: number;
  readonly evidence: number;
  readonly verdict: string;
}

/** Runs the verb over a table; the rows it wrote and its exit code. */
async function backtest(table: string, ...flags: string[]): Promise<{ rows: Row[]; text: string; code: number }> {
  const file = path.join(folder, 'history.csv');
  const out = path.join(folder, 'verdicts.csv');
  fs.writeFileSync(file, table);
  fs.rmSync(out, { force: true });
  process.exitCode = 0;
  await run(['node', 'spendgate', 'drift', 'backtest', file, '--out', out, ...flags]);
  const code = process.exitCode;
  process.exitCode = 0;
  const text = fs.existsSync(out) ? fs.readFileSync(out, 'utf8') : '';
  const rows = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .map(([timestamp = '', value = '', score, evidence, verdict = '']) => {
      return { timestamp, value, score: Number(score), evidence: Number(evidence), verdict };
    });
  return { rows, text, code };
}

/** Twelve uniform numbers less six: nearly normal, the same every time. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    let sum = -6;
    for (let i = 0; i < 12; i += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += state / 2 ** 32;
    }
    return sum;
  };
}

function series(length: number, value: (index: number, noise: number) => number, seed = 7): string {
  const next = noise(seed);
  const rows = Array.from({ length }, (_, index) => {
    const at = new Date(1_700_000_000_000 + index * 300_000).toISOString();
    return `${at},${value(index, next()).toFixed(4)}\n`;
  });
  return `timestamp,value\n${rows.join('')}`;
}

const halts = (rows: readonly Row[]): number[] => rows.flatMap(({ verdict }, at) => (verdict === 'halt' ? [at] : []));
const strangest = (rows: readonly Row[]): number =>
  rows.findIndex(({ score }) => score === Math.max(...rows.map((row) => row.score)));

describe('spendgate drift backtest', () => {
  it('gives one row for each row in order, its cells as written, under the stated head', async () => {
    const { text, rows, code } = await backtest(series(300, (_, each) => each));
    expect(code).toBe(0);
    expect(text.split('\n')[0]).toBe('timestamp,value,score,evidence,verdict');
    expect(rows).toHaveLength(300);
    expect(rows[0]).toMatchObject({ timestamp: '2023-11-14T22:13:20.000Z', score: 0, evidence: 0, verdict: 'none' });
    expect(rows.every(({ score, evidence }) => Number.isFinite(score) && Number.isFinite(evidence))).toBe(true);
  });

  it('halts after a change of level, and not before', async () => {
    const { rows } = await backtest(series(3_000, (index, each) => each + (index < 1_500 ? 0 : 2)));
    expect(halts(rows)[0]).toBeGreaterThan(1_500);
    expect(halts(rows)[0]).toBeLessThan(1_580);
  });

  it.each([
    ['noise', (_: number, each: number) => each],
    ['a constant', () => 5],
    ['zeros and negative numbers', (index: number) => -(index % 3)],
    ['a daily season', (index: number, each: number) => 100 + 50 * Math.sin((index * Math.PI) / 144) + each],
  ])('says nothing of a series that only goes on: %s', async (_what, value) => {
    const { rows } = await backtest(series(4_000, value));
    expect(rows.filter(({ verdict }) => verdict !== 'none')).toEqual([]);
  });

  it('scores a single spike above every other row', async () => {
    const { rows } = await backtest(series(2_000, (index, each) => each + (index === 1_700 ? 12 : 0)));
    expect(strangest(rows)).toBe(1_700);
  });

  it('halts a series that goes wild at the same level', async () => {
    const { rows } = await backtest(series(4_000, (index, each) => each * (index < 2_000 ? 1 : 3)));
    expect(halts(rows)[0]).toBeGreaterThan(2_000);
    expect(halts(rows)[0]).toBeLessThan(2_200);
  });

  it('learns each flow by itself, and lets all rows speak for a flow with few', async () => {
    const next = noise(3);
    const lines = Array.from({ length: 3_000 }, (_, index) => {
      const flow = index % 3 === 0 ? 'large' : 'small';
      return `${1_700_000_000 + index},${((flow === 'large' ? 1_000 : 10) + next()).toFixed(3)},${flow}\n`;
    });
    const table = `at,paid,who\n${lines.join('')}1700003000,11.00,rare\n`;
    const one = await backtest(table, '--value', 'paid', '--flow', 'who', '--timestamp', 'at');
    expect(one.code).toBe(0);
    expect(halts(one.rows)).toEqual([]);
    expect(one.rows.at(-1)).toMatchObject({ verdict: 'none', value: '11.00' });
  });

  it('takes the form of the CDNOW purchases: blanks between cells, dates as 19970101', async () => {
    const { rows, code } = await backtest(
      ' customer_id  date number_of_cds  dollar_value\n 00001 19970101  1   11.77\n',
    );
    expect([code, rows]).toEqual([
      0,
      [{ timestamp: '19970101', value: '11.77', score: 0, evidence: 0, verdict: 'none' }],
    ]);
  });

  it('keeps a row without a value, and changes no evidence by it', async () => {
    const table = series(500, (_, each) => each).split('\n');
    const holes = table.map((line, at) => (at === 400 ? line.replace(/,.*/, ',NaN') : line)).join('\n');
    const { rows } = await backtest(holes);
    expect(rows[399]).toMatchObject({ value: 'NaN', verdict: 'none', score: 0 });
    expect(rows).toHaveLength(500);
  });

  it.each([
    ['a cell that is no number', 'timestamp,value\n2024-01-01,1\n2024-01-02,1x\n', []],
    ['a cell that is no time', 'timestamp,value\nyesterday,1\n', []],
    ['a row with fewer cells', 'timestamp,value\n2024-01-01\n', []],
    ['a column that is not there', 'timestamp,value\n2024-01-01,1\n', ['--value', 'price']],
    ['an empty file', '', []],
    ['a share of nothing', 'timestamp,value\n2024-01-01,1\n', ['--learn', '0']],
    ['a threshold that is no number', 'timestamp,value\n2024-01-01,1\n', ['--halt', 'soon']],
  ])('could not run, and writes no row: %s', async (_what, table, flags) => {
    const { code, text } = await backtest(table, ...flags);
    expect([code, text]).toEqual([1, '']);
  });

  it('gives the same bytes again, and stays halted when asked to', async () => {
    const table = series(1_500, (index, each) => each + (index < 700 ? 0 : 4));
    const first = await backtest(table, '--after-halt', 'stay');
    expect((await backtest(table, '--after-halt', 'stay')).text).toBe(first.text);
    const from = halts(first.rows)[0] ?? 0;
    expect(halts(first.rows)).toHaveLength(1_500 - from);
  });

  it('writes JSON Lines with --json', async () => {
    const { text } = await backtest('date;value\n2024-01-01;"1"\n', '--json');
    expect(JSON.parse(text)).toEqual({ timestamp: '2024-01-01', value: '1', score: 0, evidence: 0, verdict: 'none' });
  });
});
