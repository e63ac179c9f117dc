import { type DecodedApproval, decodeApproval } from './decode-approval.js';
import type { Candidate } from './candidate.js';
import { type VerifiedApproval, type VerifyApprovalOptions, verifyApproval } from './verify-approval.js';

/**
 * Approvals an intent has so far, as stored with its wait. Each is about this intent, or it is none: the row is only
 * where it was kept, and the signature is what counts.
 *
 * @param tokens `ops-action+jwt`, taken before, so that their own `iat` and `exp` are past
 */
export function decodeGiven(
  tokens: readonly string[],
  { record, intentId }: Pick<Candidate, 'record' | 'intentId'>,
): DecodedApproval[] {
  return tokens.flatMap((jws) => {
    // As received now: that none was signed for later was looked at when it was.
    const taken = { ...record, value: Buffer.from(jws, 'latin1'), appendedAtMs: Infinity };
    const decoded = decodeApproval(taken);
    if (!decoded.ok || decoded.value.says !== 'approved' || decoded.value.intentId !== intentId) return [];
    return [decoded.value];
  });
}

/**
 * Those that stand now: of approvers still, by keys still active. Who was disabled, or whose key was removed, between
 * the first approval and the second has approved nothing.
 */
export async function verifyGiven(
  given: readonly DecodedApproval[],
  options: VerifyApprovalOptions,
): Promise<VerifiedApproval[]> {
  const verdicts = await Promise.all(given.map((each) => verifyApproval(each, options)));
  return verdicts.flatMap((each) => (each.ok && each.value.approver.roles.includes('approver') ? [each.value] : []));
}
