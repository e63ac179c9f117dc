import { parseKeySet } from '@spendgate/artifact';
import { verifyArtifact as verifyOne, verifyBundle as verifyAll } from '@spendgate/verifier';

/**
 * `spendgate verify bundle` in a page: the same report, from the file alone.
 *
 * @param {Uint8Array} bundle the file as it is
 * @param {{trust?: object, remembered?: string, replay?: boolean}} [given] JWKS and checkpoint the reader knows
 */
export function verifyBundle(bundle, { trust, remembered, replay } = {}) {
  return verifyAll({ bundle, remembered, replay, trust: trust === undefined ? undefined : keysOf(trust) });
}

/** `spendgate verify artifact` in a page. @param {{keys: object, atMs: number, statusList?: string}} given JWKS, Unix ms */
export function verifyArtifact(artifact, { keys, ...given }) {
  return verifyOne({ ...given, artifact, keys: keysOf(keys) });
}

function keysOf(jwks) {
  const parsed = parseKeySet(jwks);
  if (!parsed.ok) throw new TypeError(`no key set: ${parsed.problem} ${parsed.detail}`);
  return parsed.keys;
}
