import { type Signer, signToken } from '@spendgate/artifact';
import type { OpsActionClaims } from '@spendgate/codec';

/** A person at this terminal, with the key that speaks for them. */
export interface Person {
  readonly id: string;
  readonly signer: Signer;
}

/** What a person signs for. */
export interface SignedAct extends Pick<OpsActionClaims, 'action' | 'targets' | 'reason'> {
  /** Causes of an incident this clears. */
  readonly causes?: OpsActionClaims['causes'];
  readonly issuer: string;
  readonly lifetimeSeconds: number;
  /** The change request this approves. */
  readonly request?: string;
  /** SHA-256 of the change's RFC 8785 form, base64url. */
  readonly changeHash?: string;
}

/** @returns the `ops-action+jwt` */
export function signAct({ id, signer }: Person, act: SignedAct): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims: OpsActionClaims = {
    iss: id,
    aud: act.issuer,
    iat,
    exp: iat + act.lifetimeSeconds,
    jti: crypto.randomUUID(),
    action: act.action,
    targets: act.targets,
    reason: act.reason,
    causes: act.causes ?? [],
    request: act.request ?? null,
    change_hash: act.changeHash ?? null,
  };
  return signToken(signer, 'ops-action+jwt', claims);
}
