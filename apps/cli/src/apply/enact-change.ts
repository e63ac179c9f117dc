import { StartError } from '@spendgate/platform';
import {
  type ControlAct,
  activatePolicies,
  recordCounterparties,
  recordDomainKeys,
  recordKeys,
  recordMandates,
  recordParties,
  revokeMandates,
  rotateKey,
  setDetectors,
} from '@spendgate/store';
import type { Change, DeclaredChange, RotatingChange } from './change.js';

/**
 * Makes a change real inside a control act: all of it, or nothing. What is recorded already is left alone, so the same
 * change twice changes nothing.
 *
 * @param approver the second person, who makes a revocation final; absent where one is enough
 * @throws {StartError} a mandate is refused, for example wider than its parent; the act is undone
 */
export async function enactChange(act: ControlAct, change: Change, approver?: string): Promise<void> {
  if (change.kind === 'declare') return declare(act, change);
  if (change.kind === 'rotate') return rotate(act, change);
  await revokeMandates(act, { mandateIds: change.mandates, by: approver ?? change.by, reason: change.reason });
}

/** Confirmed by whoever approves the change; both keys signed it, and are looked at again now. */
async function rotate(act: ControlAct, { token }: RotatingChange): Promise<void> {
  const verdict = await rotateKey(act, token, true);
  if (!verdict.ok) throw new StartError(`nothing was applied: ${verdict.code} (${verdict.field})`);
}

async function declare(act: ControlAct, change: DeclaredChange): Promise<void> {
  await recordDomainKeys(act, change.domainKeys);
  await recordParties(act, change.parties);
  await recordKeys(act, change.keys);
  await recordCounterparties(act, change.counterparties);
  await activatePolicies(act, change.policies);
  if (change.detectors !== null) await setDetectors(act, change.detectors);
  const { refused } = await recordMandates(act, change.mandates);
  if (refused.length === 0) return;
  const lines = refused.map(({ id, code, field }) => `mandate ${id}: ${code} (${field})`);
  throw new StartError(`nothing was applied:\n${lines.join('\n')}`);
}
