import type { PlainIntent } from '@spendgate/client';
import { StartError } from '@spendgate/platform';

/** One line of the input: an intent and the agent that asks. Its `jti` makes a second publish a replay. */
export type IntentLine = PlainIntent & { readonly agent: string; readonly jti: string };

/** Lines read at most; a larger file is published in parts. */
const LINES_MAX = 1_000_000;

/**
 * Reads JSON Lines of plain intents. Only what signing needs is looked at here; the rest is judged by the authorizer,
 * which names the field.
 *
 * @param name shown in messages
 * @throws {StartError} naming the line
 */
export function readIntentLines(text: string, name: string): IntentLine[] {
  const lines = text.split('\n');
  if (lines.length > LINES_MAX) throw new StartError(`${name} has more than ${LINES_MAX} lines: publish it in parts`);
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const value = parseLine(line, `${name}:${i + 1}`);
    return [{ ...value, jti: value.jti ?? `${fileStem(name)}-${i + 1}` }];
  });
}

/** The intent alone: who asks becomes the token's `iss`. */
export function intentOf(line: IntentLine): PlainIntent {
  return Object.fromEntries(Object.entries(line).filter(([name]) => name !== 'agent')) as PlainIntent; // as: a member less
}

function parseLine(line: string, place: string): PlainIntent & { agent: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new StartError(`${place}: not JSON`, { cause });
  }
  if (typeof value !== 'object' || value === null || !('agent' in value) || typeof value.agent !== 'string') {
    throw new StartError(`${place}: "agent" is missing; it names the key to sign with`);
  }
  return value as PlainIntent & { agent: string }; // as: every other member is judged by the authorizer, which says more
}

/** A file's name without folder and ending, in the characters a `jti` may have. */
function fileStem(name: string): string {
  const stem =
    name
      .split('/')
      .at(-1)
      ?.replace(/\.[^.]*$/, '') ?? '';
  return stem.replace(/[^A-Za-z0-9._~:-]/g, '-').slice(0, 100) || 'stdin';
}
