import { PrivateKeySigner } from '@spendgate/artifact';
import { inControlAct, recordCounterparties, recordKeys, recordParties } from '@spendgate/store';
import type { TestRuntime } from './test-runtime.js';

/** Registers the rail `bank` with a key of its own, and `bank-shop`, whose money it moves. */
export async function registerBank(world: TestRuntime): Promise<PrivateKeySigner> {
  const bank = PrivateKeySigner.generate('rail');
  await inControlAct(world.database.pool, async (act) => {
    await recordParties(act, [{ kind: 'rail', id: 'bank', name: 'Bank' }]);
    const { kid, alg, jwk } = bank;
    await recordKeys(act, [{ kid, kind: 'rail', partyId: 'bank', alg, jwk, activeFromMs: 0 }]);
    const shop = { id: 'bank-shop', legalName: 'Bank shop', category: '5732', settlementServices: ['settler'] };
    await recordCounterparties(act, [{ ...shop, rail: 'bank' }]);
  });
  return bank;
}
