import { DENIALS } from '@spendgate/core';
import type { Input } from './input-blocks.js';
import type { Answers } from './answers.js';

/** Requests under way at once. */
const AT_ONCE = 24;

/** An answer of a door, as far as the tests look at it. */
export interface DoorAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Posts one body as a signed object. @throws when the door answers with anything but a JSON object */
export async function post(
  url: string,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<DoorAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/jwt', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return readAnswer(response);
}

export async function readAnswer(response: Response): Promise<DoorAnswer> {
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new Error(`${response.url} answered ${JSON.stringify(body)}`);
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: body as DoorAnswer['body'], // as: an object by the check above
  };
}

/** The code of a denial, or the outcome; with the status when the two do not belong together, which no test expects. */
export function answerOf({ status, type, body }: DoorAnswer): string {
  const { code, outcome } = body;
  if (typeof code !== 'string') return status < 300 ? String(outcome) : `status ${status}`;
  const row = DENIALS.find((each) => each.code === code);
  const isProblem = type?.startsWith('application/problem+json') === true && row?.http === status;
  return isProblem ? code : `${code} with status ${status} as ${String(type)}`;
}

/** Sends every input through a door, some at a time. */
export async function sendAll(
  url: string,
  inputs: readonly Input[],
  headers: Readonly<Record<string, string>>,
): Promise<Answers> {
  const answers = new Map<string, string>();
  const queue = [...inputs];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      answers.set(next.id, answerOf(await post(url, next.value, headers)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}
