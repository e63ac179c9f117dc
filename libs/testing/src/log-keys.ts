import { PrivateKeySigner } from '@spendgate/artifact';
import { type Pool, inControlAct, recordDomainKeys } from '@spendgate/store';

/** Keys the transparency log signs with, made and recorded as the domain's own. */
export async function recordLogKeys(pool: Pool) {
  const keys = {
    checkpoint: PrivateKeySigner.generate('checkpoint'),
    status: PrivateKeySigner.generate('status'),
    control: PrivateKeySigner.generate('control'),
  };
  const rows = (['checkpoint', 'status', 'control'] as const).map((purpose) => {
    const { kid, alg, jwk } = keys[purpose];
    return { kid, purpose, alg, jwk };
  });
  await inControlAct(pool, (act) => recordDomainKeys(act, rows));
  return keys;
}
