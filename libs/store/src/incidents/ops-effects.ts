import { type HaltScope, type OpsAction, EVERYTHING } from '@spendgate/core';
import { revokeIssuedArtifacts } from '../control/revoke-artifacts.js';
import { revokeMandates } from '../control/revoke-mandates.js';
import { LEARN_PROFILE } from './learn-profile.js';
import { acceptLog, checkAcceptance } from './accept-log.js';
import { type HaltBy, type HaltTarget, releaseHalts, setHalts } from './halts.js';
import { closeCases } from './case-effects.js';
import { INCIDENT_EFFECTS } from './incident-effects.js';
import { type OpsChange, refuseOps } from './ops-answer.js';
import type { Effect, Effects, OpsMoment } from './ops-moment.js';
import { disableParties } from './revoke-parties.js';

const halt: Effect = async (moment) => told(await setHalts(moment.act, targetsOf(moment), byOf(moment)), 'halted');

export const EFFECTS: Readonly<Record<OpsAction, Effects>> = {
  halt: { final: halt },
  release: {
    final: async (moment) => told(await releaseHalts(moment.act, targetsOf(moment), byOf(moment)), 'released'),
  },
  // One person stops at once, the second makes it final.
  revoke: { first: halt, final: revoke },
  ...INCIDENT_EFFECTS,
  close_case: { final: closeCases },
  learn_profile: LEARN_PROFILE,
  accept_log: { first: checkAcceptance, final: acceptLog },
};

async function revoke(moment: OpsMoment): Promise<OpsChange[]> {
  const { act, claims } = moment;
  const targets = targetsOf(moment);
  const ids = targets.map(({ id }) => id);
  const by = byOf(moment);
  const kind = targets[0]?.scope;
  if (kind === 'artifact') {
    const revoked = await revokeIssuedArtifacts(act, ids, claims.reason);
    return revoked.map((id) => ({ kind, id, change: 'revoked' }));
  }
  if (kind === 'mandate') {
    const { mandates, artifacts } = await revokeMandates(act, { mandateIds: ids, by: by.person, reason: by.reason });
    return [
      ...mandates.map((id) => ({ kind, id, change: 'revoked' })),
      ...artifacts.map((id) => ({ kind: 'artifact', id, change: 'revoked' })),
    ];
  }
  const disabled = await disableParties(act, kind === 'counterparty' ? 'counterparty' : (kind ?? ''), ids);
  await setHalts(act, targets, by, true);
  return disabled.map((id) => ({ kind: kind ?? '', id, change: 'revoked' }));
}

/** Ids are checked by what they lead to; of scope `all` there is one. */
function targetsOf({ claims }: OpsMoment): HaltTarget[] {
  return claims.targets.map(({ kind, id }) => {
    if (kind === 'all' && id !== EVERYTHING) refuseOps('invalid', `the target of scope all is ${EVERYTHING}`);
    if (UUID_KINDS.has(kind) && !UUID.test(id)) refuseOps('invalid', `"${id}" is no ${kind} id`);
    return { scope: kind as HaltScope, id }; // as: peopleFor admits the kinds of the table only
  });
}
const UUID_KINDS = new Set(['artifact', 'flow', 'mandate', 'incident']);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function byOf({ claims, requester, approver, leaf }: OpsMoment): HaltBy {
  return { person: (approver ?? requester).person, reason: claims.reason, cause: leaf };
}

function told(targets: readonly HaltTarget[], change: string): OpsChange[] {
  return targets.map(({ scope, id }) => ({ kind: scope, id, change }));
}
