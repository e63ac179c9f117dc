import {
  type AdmissionDenial,
  type DriftEvent,
  LEARNED_EVENTS_MIN,
  type SpendingProfile,
  isConduct,
  learnProfile,
} from '@spendgate/core';
import { firstIdAt } from '../authorization/stored-decisions.js';
import { profileIn } from '../control/baselines.js';
import { rebaseFlows } from '../control/open-flows.js';
import { loadMandates } from '../registry/load-facts.js';
import { type Queryable, query, statement } from '../statement.js';
import { refuseOps } from './ops-answer.js';
import type { Effect, OpsMoment } from './ops-moment.js';
import { proposeBaseline } from './propose-baseline.js';

/**
 * Decisions of the whole domain in the time learned from, at most: there is no index by flow, which every decision would
 * pay for, and the second signature reads them while nothing else is decided. One to two seconds.
 */
const LOOKED_AT_MAX = 250_000;
const COUNT = statement(
  'learn-count',
  `SELECT count(*)::float8 AS decisions FROM (SELECT FROM decisions
     WHERE decision_id >= $1::uuid AND decision_id < $2::uuid LIMIT ${LOOKED_AT_MAX + 1}) AS looked_at`,
);
const EVENTS = statement(
  'learn-events',
  `SELECT intent_id AS "intentId", request, trim_scale(amount)::text AS amount, counterparty_id AS counterparty, code,
     rtrim(translate(encode(body_hash, 'base64'), E'+/\\n', '-_'), '=') AS hash,
     floor(extract(epoch FROM appended_at) * 1000)::float8 AS "appendedAtMs"
   FROM decisions WHERE decision_id >= $2::uuid AND decision_id < $3::uuid AND flow_id = $1 AND attempt = 0
   ORDER BY lane_id, lane_offset`,
);
const BASELINE = statement('learn-baseline', 'SELECT baseline, state FROM flows WHERE flow_id = $1');

/** A flow, and the time its spending is learned from; Unix seconds, the end not included. */
export interface LearningWindow {
  readonly flowId: string;
  readonly from: number;
  readonly to: number;
}

/** What a person signs: the id of the act's one target, of kind `profile`. */
export function profileTarget({ flowId, from, to }: LearningWindow): string {
  return `${flowId}/${from}/${to}`;
}

/** Learned from what the flow did in the window, or why it cannot be. The same window gives the same profile for ever. */
export type Learned =
  | { readonly ok: true; readonly profile: SpendingProfile; readonly events: number }
  | { readonly ok: false; readonly problem: string };

export async function learnFrom(db: Queryable, { flowId, from, to }: LearningWindow): Promise<Learned> {
  const [flow] = await query<{ baseline: string; state: string }>(db, BASELINE, [flowId]);
  if (flow === undefined) return { ok: false, problem: `there is no flow ${flowId}` };
  if (flow.state === 'revoked' || flow.state === 'archived') return { ok: false, problem: `the flow is ${flow.state}` };
  const standing = profileIn(flow.baseline);
  if (standing === null || standing === 'unknown')
    return { ok: false, problem: 'its mandate declares no spending: what is learned needs a profile to fall back on' };
  const range = [firstIdAt(from * 1_000), firstIdAt(to * 1_000)];
  const [count] = await query<{ decisions: number }>(db, COUNT, range);
  if (count === undefined || count.decisions > LOOKED_AT_MAX)
    return { ok: false, problem: `the domain decided more than ${LOOKED_AT_MAX} intents then: name a shorter time` };
  const rows = await query<EventRow & Record<string, unknown>>(db, EVENTS, [flowId, ...range]);
  const events = rows.filter(({ code }) => isConduct(code)).map(eventOf);
  if (events.length < LEARNED_EVENTS_MIN)
    return {
      ok: false,
      problem: `${events.length} intents in that time; at least ${LEARNED_EVENTS_MIN} say something`,
    };
  return { ok: true, profile: learnProfile(events, standing), events: events.length };
}

interface EventRow {
  readonly intentId: string;
  readonly request: string;
  readonly amount: string | null;
  readonly counterparty: string;
  readonly code: AdmissionDenial | null;
  readonly hash: string;
  readonly appendedAtMs: number;
}

/** As the deciding transaction saw it; whose doing a denial was is not in its row, so denials stay as declared. */
function eventOf({ request, amount, code, ...row }: EventRow): DriftEvent {
  const claims = JSON.parse(Buffer.from(request.split('.')[1] ?? '', 'base64url').toString()) as { iat: number }; // as: verified then
  const isOwnCurrency = code !== 'currency_mismatch';
  return { ...row, amount: isOwnCurrency ? amount : null, iatMs: claims.iat * 1_000, isDenied: null };
}

/** The act: two people sign the baseline that holds what was learned, by its hash. */
export const LEARN_PROFILE = { first: checked, final: take } as const;

async function checked(moment: OpsMoment): Promise<[]> {
  await signedFor(moment);
  return [];
}

async function take(moment: OpsMoment): ReturnType<Effect> {
  const { act, claims, leaf } = moment;
  const { window, profile } = await signedFor(moment);
  const mandate = (await loadMandates(act.tx, [window.flowId])).get(window.flowId);
  if (mandate === undefined || mandate === 'unknown') return refuseOps('conflict', 'the mandate cannot be read');
  await rebaseFlows(act, [{ mandate, cause: leaf }], new Map([[window.flowId, profile]]));
  return [{ kind: 'profile', id: claims.targets[0]?.id ?? '', change: 'learned' }];
}

async function signedFor({ act, claims }: OpsMoment): Promise<{ window: LearningWindow; profile: SpendingProfile }> {
  const [target, ...more] = claims.targets;
  const window = more.length > 0 ? null : windowOf(target?.id ?? '');
  if (window === null) return refuseOps('invalid', 'the target is FLOW/FROM/TO, times in Unix seconds');
  if (window.to * 1_000 > act.atMs) return refuseOps('invalid', 'the time to learn from is not over');
  const learned = await learnFrom(act.tx, window);
  if (!learned.ok) return refuseOps('conflict', learned.problem);
  const proposal = await proposeBaseline(act, window.flowId, learned.profile);
  if (proposal?.hash !== claims.change_hash)
    return refuseOps('conflict', 'the baseline is not the one that was signed');
  return { window, profile: learned.profile };
}

const TARGET = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(\d{1,12})\/(\d{1,12})$/;

function windowOf(id: string): LearningWindow | null {
  const [, flowId, from, to] = TARGET.exec(id) ?? [];
  if (flowId === undefined || !(Number(from) < Number(to))) return null;
  return { flowId, from: Number(from), to: Number(to) };
}
