import { type Signer, signToken } from '@spendgate/artifact';
import { type OpsActionClaims, opsContentHash } from '@spendgate/codec';
import { TEST_ISSUER } from './test-domain.js';

let signed = 0;

/** A person's act, of this moment and with a `jti` of its own. */
export function opsClaims(
  iss: string,
  action: string,
  targets: readonly { readonly kind: string; readonly id: string; readonly version?: number | null }[],
  change: Partial<OpsActionClaims> = {},
): OpsActionClaims {
  const iat = Math.floor(Date.now() / 1000);
  signed += 1;
  return {
    iss,
    aud: TEST_ISSUER,
    iat,
    exp: iat + 300,
    jti: `act-${signed}`,
    action,
    targets: targets.map(({ kind, id, version = null }) => ({ kind, id, version })),
    reason: 'spec',
    causes: [],
    request: null,
    change_hash: null,
    ...change,
  };
}

/** The second person's act on a first one that waits as `request`. */
export function approvingClaims(iss: string, first: OpsActionClaims, request: string): OpsActionClaims {
  const { action, targets, causes } = first;
  return opsClaims(iss, action, targets, { causes, request, change_hash: opsContentHash(first) });
}

export function signOpsAct(signer: Signer, claims: object): Promise<string> {
  return signToken(signer, 'ops-action+jwt', claims);
}
