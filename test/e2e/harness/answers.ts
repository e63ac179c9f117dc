import type { Pool } from '@spendgate/store';
import type { Input } from './input-blocks.js';
import { until } from './processes.js';

/** What became of each input, by its id. */
export type Answers = ReadonlyMap<string, string>;

/** Reads what the services recorded for the inputs: a refusal by `ce_id`, a decision by its id. */
async function readAnswers(pool: Pool, inputs: readonly Input[]): Promise<Answers> {
  const refusals = await pool.query<{ ce_id: string; code: string }>(
    'SELECT ce_id, code FROM refusals WHERE ce_id = ANY ($1)',
    [inputs.map(({ id }) => id)],
  );
  const decisions = await pool.query<{ intent_id: string; answer: string }>(
    'SELECT intent_id, coalesce(code, outcome) AS answer FROM decisions WHERE intent_id = ANY ($1)',
    [inputs.flatMap(({ intentId }) => intentId ?? [])],
  );
  const settlements = await pool.query<{ settlement_id: string; answer: string }>(
    'SELECT settlement_id, coalesce(code, outcome) AS answer FROM settlements WHERE settlement_id = ANY ($1)',
    [inputs.flatMap(({ settlementId }) => settlementId ?? [])],
  );
  const decided = new Map([
    ...decisions.rows.map((row) => [row.intent_id, row.answer] as const),
    ...settlements.rows.map((row) => [row.settlement_id, row.answer] as const),
  ]);
  const answers = new Map(refusals.rows.map((row) => [row.ce_id, row.code]));
  for (const { id, intentId, settlementId } of inputs) {
    const answer = decided.get(intentId ?? settlementId ?? '');
    if (answer !== undefined && !answers.has(id)) answers.set(id, answer);
  }
  return answers;
}

/** Waits until each input has an answer: nothing is lost, and no partition stands still. */
export async function awaitAnswers(pool: Pool, inputs: readonly Input[], timeoutMs: number): Promise<Answers> {
  let answers: Answers = new Map();
  const all = async (): Promise<boolean> => {
    answers = await readAnswers(pool, inputs);
    return answers.size === inputs.length;
  };
  await until(`${inputs.length} inputs to be answered`, all, timeoutMs).catch((error: unknown) => {
    const missing = inputs.filter(({ id }) => !answers.has(id)).map(({ id }) => id);
    throw new Error(`${missing.length} never answered: ${missing.slice(0, 5).join(', ')}`, { cause: error });
  });
  return answers;
}

/** One line for each input whose answer is none of the right ones. */
export function wrongAnswers(inputs: readonly Input[], answers: Answers): string[] {
  return inputs.flatMap(({ id, answers: right }) => {
    const answer = answers.get(id) ?? 'nothing';
    return right.includes(answer) ? [] : [`${id}: ${answer}, not ${right.join(' or ')}`];
  });
}
