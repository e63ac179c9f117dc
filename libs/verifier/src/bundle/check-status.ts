import { StatusList } from '@spendgate/artifact';
import type { ArtifactClaims } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import { type OpenedBundle, timeText } from './opened-bundle.js';
import { EVER, verifySigned } from './signed.js';

/**
 * The status list of the time (Token Status List): signed by the domain, the one the artifact names, with an entry for
 * it. A revoked artifact is a fact, not a fault: what it was used for before still has its proof.
 *
 * @throws {BundleFault}
 */
export async function checkStatus(opened: OpenedBundle, artifact: ArtifactClaims, index: number): Promise<string> {
  const { synchronization, domain } = opened.bundle;
  const token = synchronization.status_list;
  if (token === null) return refuse(index, 'no status list: export the bundle again');
  const { claims } = await verifySigned(opened, 'statuslist+jwt', token, index, ({ iat }) => ({
    fromMs: iat * 1_000,
    toMs: EVER,
  }));
  const { uri, idx } = artifact.status.status_list;
  if (claims.iss !== domain || claims.sub !== uri) refuse(index, `the status list is ${claims.sub}, not ${uri}`);
  const status = StatusList.decode(claims.status_list)?.get(idx);
  if (status === undefined) return refuse(index, `the status list says nothing about entry ${idx}`);
  return `${status} at ${timeText(claims.iat * 1_000)}`;
}
