import type { Signer } from '@spendgate/artifact';
import type { OpsActionClaims } from '@spendgate/codec';
import { approvalClaims, signApproval } from './test-domain.js';
import type { TestRuntime } from './test-runtime.js';

/** The newest decision by which an intent waits. */
export interface ParkedDecision {
  readonly intent: string;
  readonly decision: string;
  readonly hash: Buffer;
}

/** @throws {Error} nothing ever waited */
export async function newestParked({ database }: TestRuntime): Promise<ParkedDecision> {
  const { rows } = await database.pool.query<ParkedDecision>(
    `SELECT intent_id AS intent, decision_id AS decision, decision_hash AS hash FROM decisions
     WHERE outcome = 'parked' ORDER BY decision_id DESC LIMIT 1`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('nothing waits');
  return row;
}

/** A person's answer to the decision {@link newestParked} names. @param by who signs; `claims.iss` says who they say they are */
export async function signParkedAnswer(
  world: TestRuntime,
  change: Partial<OpsActionClaims> = {},
  by: Signer = world.domain.person('ada'),
): Promise<string> {
  const { intent, hash } = await newestParked(world);
  return signApproval(by, approvalClaims(intent, hash.toString('base64url'), change));
}
