import { type Signer, signHttpRequest } from '@spendgate/artifact';
import { TEST_PUBLIC_URL } from './test-runtime.js';

/** Reads JSON from a door, signed (RFC 9421) when there is a signer. @returns the status and the body */
export async function signedGet<T>(url: string, path: string, signer?: Signer): Promise<[number, T]> {
  const target = { method: 'GET', targetUri: `${TEST_PUBLIC_URL}${path}` };
  const headers = signer === undefined ? {} : { ...(await signHttpRequest(target, signer, Date.now())) };
  const answer = await fetch(`${url}${path}`, { headers });
  return [answer.status, (await answer.json()) as T]; // as: the contract under test
}
