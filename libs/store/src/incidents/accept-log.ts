import { logAcceptanceHash } from '@spendgate/codec';
import { whyNotAcceptLog } from '@spendgate/core';
import { type LogStanding, readLogStanding } from '../transparency/log-acceptance.js';
import { refuseOps } from './ops-answer.js';
import type { Effect, OpsMoment } from './ops-moment.js';

/** With the first signature nothing happens, but what cannot be accepted is refused at once. */
export const checkAcceptance: Effect = async (moment) => {
  await standingAsSigned(moment);
  return [];
};

/**
 * Two people take the place of witnesses that are silent, for one log process and the checkpoint it starts from. The log
 * finds it by itself, and verifies both signatures again.
 */
export const acceptLog: Effect = async (moment) => {
  const { act, claims, requester, approver, leaf } = moment;
  const { epoch, size, root, answers } = await standingAsSigned(moment);
  const payload = {
    epoch: String(epoch),
    size: String(size),
    root: root.toString('base64url'),
    by: [requester.person, approver?.person],
    reason: claims.reason,
    silent: answers?.silent,
  };
  const subject = { kind: 'domain', id: act.domain };
  act.record({ type: 'log_started', payload, causes: [leaf], event: { name: 'log_accepted', subject } });
  return [{ kind: 'log', id: `epoch ${epoch}`, change: `accepted with ${size} leaves` }];
};

async function standingAsSigned({ act, claims }: OpsMoment): Promise<LogStanding> {
  const [target] = claims.targets;
  if (claims.targets.length !== 1 || target?.id !== act.domain)
    refuseOps('invalid', `the log is that of ${act.domain}`);
  const standing = await readLogStanding(act.tx);
  if (standing === undefined) return refuseOps('absent', 'there is no log');
  const problem = whyNotAcceptLog(standing);
  if (problem !== null) refuseOps('conflict', problem);
  if (claims.change_hash !== logAcceptanceHash(standing))
    refuseOps('conflict', 'the log is another one than was signed for: see `spendgate log accept --dry-run`');
  return standing;
}
