import { canonicalize, sha256Text } from '@spendgate/codec';
import type { SpendingProfile } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { makeBaselines } from '../control/baselines.js';
import type { Pool } from '../pool.js';
import { loadMandates } from '../registry/load-facts.js';
import { inTransaction } from '../transaction.js';

/** What two people sign when they revalidate a flow: everything it will be measured against from then on. */
export interface BaselineProposal {
  /** RFC 8785 form. */
  readonly text: string;
  /** `change_hash` of both signatures. */
  readonly hash: string;
}

/**
 * As things stand now, with another profile where one was learned; `undefined` when the mandate cannot be read. The control epoch is added when it takes effect.
 */
export async function proposeBaseline(
  act: Pick<ControlAct, 'tx' | 'epoch'>,
  flowId: string,
  learned?: SpendingProfile,
): Promise<BaselineProposal | undefined> {
  const mandate = (await loadMandates(act.tx, [flowId])).get(flowId);
  if (mandate === undefined || mandate === 'unknown') return undefined;
  const [made] = await makeBaselines(
    act,
    [{ mandate }],
    learned === undefined ? undefined : new Map([[flowId, learned]]),
  );
  const members = Object.entries(JSON.parse(made?.text ?? '{}') as Record<string, unknown>); // as: our own object
  const text = canonicalize(Object.fromEntries(members.filter(([name]) => name !== 'domain_epoch')));
  return { text, hash: sha256Text(text) };
}

/** The same outside an act, to be shown and signed. */
export function readProposal(
  pool: Pool,
  flowId: string,
  learned?: SpendingProfile,
): Promise<BaselineProposal | undefined> {
  return inTransaction(pool, (tx) => proposeBaseline({ tx, epoch: 0n }, flowId, learned));
}
