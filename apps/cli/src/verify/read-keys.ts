import { type KeySet, parseKeySet } from '@spendgate/artifact';
import { StartError } from '@spendgate/platform';
import { readInput } from '../output.js';
import { getJson } from '../service.js';

/**
 * The JWKS (RFC 7517 §5) a user trusts: a file, or a URL the user names. A URL inside a token is never followed, because
 * who wrote the token would choose the keys.
 *
 * @throws {StartError} no JSON there
 */
export async function readJwks(source: string): Promise<unknown> {
  return /^https?:\/\//.test(source) ? await getJson(source) : parseJson(readInput(source), source);
}

/** The same as a key set. @throws {StartError} a key in it is private, weak or not what its kid says */
export async function readKeySet(source: string): Promise<KeySet> {
  const parsed = parseKeySet(await readJwks(source));
  if (parsed.ok) return parsed.keys;
  throw new StartError(`${source}: key ${parsed.index}: ${parsed.problem} (${parsed.detail})`);
}

/** @throws {StartError} naming the place */
function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StartError(`${place} is not JSON`, { cause });
  }
}
