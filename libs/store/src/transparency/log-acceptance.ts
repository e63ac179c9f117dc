import { type OpsActionClaims, logAcceptanceHash, opsContentHash } from '@spendgate/codec';
import { type HeardWitnesses, decideApproval } from '@spendgate/core';
import { verifyPerson } from '../control/verify-person.js';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** What each witness that did not cosign did instead, by verifier key. */
export interface WitnessAnswers {
  /** Did not answer, or with an error of its own (5xx, 429). */
  readonly silent: readonly string[];
  /** Answered, and did not cosign; with why. */
  readonly objecting: readonly string[];
}

/** The log as people would accept it now. */
export interface LogStanding extends HeardWitnesses {
  /** Of the log process that runs; when none does, of the next one. */
  readonly epoch: bigint;
  readonly isRunning: boolean;
  readonly size: number;
  readonly root: Buffer;
  /** Unix ms, of the last checkpoint. */
  readonly signedAtMs: number;
}

const RECORD = statement(
  'log-witness-answers',
  `UPDATE log_state SET witness_answers = $2::jsonb || jsonb_build_object('epoch', epoch::text) WHERE epoch = $1`,
);
/** An objection stands until a later process has asked all of them. */
const STANDING = statement(
  'log-standing',
  `SELECT s.epoch + CASE WHEN l.running THEN 0 ELSE 1 END AS epoch, l.running AS "isRunning", s.witness_quorum AS quorum,
     coalesce(s.witnessed_epoch = s.epoch, false) AS confirmed, c.tree_size IS NOT NULL AS signed,
     CASE WHEN s.witness_answers ->> 'epoch' = s.epoch::text OR s.witness_answers -> 'objecting' <> '[]'
       THEN s.witness_answers END AS answers,
     coalesce(c.tree_size, 0)::float8 AS size, coalesce(c.root, '') AS root,
     coalesce(floor(extract(epoch FROM c.signed_at) * 1000), 0)::float8 AS "signedAtMs"
   FROM log_state s
   CROSS JOIN LATERAL (SELECT coalesce(s.leased_until > clock_timestamp(), false) AS running) l
   LEFT JOIN LATERAL (SELECT tree_size, root, signed_at FROM checkpoints ORDER BY tree_size DESC LIMIT 1) c ON true`,
);
/** One that no log process took up within the hour is none any more: it may come back with a backup. */
const ACCEPTED = statement(
  'log-accepted',
  `SELECT a.act_id AS request, a.token AS asked, b.token AS approved,
     floor(extract(epoch FROM a.acted_at) * 1000)::float8 AS "askedAtMs",
     floor(extract(epoch FROM b.acted_at) * 1000)::float8 AS "approvedAtMs"
   FROM ops_acts b JOIN ops_acts a ON a.act_id = b.request
   WHERE b.action = 'accept_log' AND b.state = 'done' AND b.acted_at > clock_timestamp() - interval '1 hour'
   ORDER BY b.acted_at DESC LIMIT 1`,
);

interface AcceptedRow {
  request: string;
  asked: string;
  approved: string;
  askedAtMs: number;
  approvedAtMs: number;
}

/** Keeps what the witnesses said to the log process of an epoch. Harmless when it is the log no more. */
export async function recordWitnessAnswers(pool: Pool, epoch: bigint, answers: WitnessAnswers): Promise<void> {
  await guarded(() => execute(pool, RECORD, [epoch, JSON.stringify(answers)]));
}

export async function readLogStanding(db: Queryable): Promise<LogStanding | undefined> {
  const [row] = await guarded(() => query<LogStanding & Record<string, unknown>>(db, STANDING));
  return row;
}

/** A log process, and the last checkpoint it took up. */
interface AskingLog {
  /** The domain's issuer. */
  readonly issuer: string;
  readonly epoch: bigint;
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Whether two people accepted exactly this log for exactly this process. Their rows are only where the signatures were
 * kept: both are verified here, by keys registered now, so that who can write the database can accept nothing.
 *
 * @returns the two, first who asked; `undefined`: nobody did
 */
export async function readLogAcceptance(pool: Pool, log: AskingLog): Promise<readonly [string, string] | undefined> {
  const [row] = await guarded(() => query<AcceptedRow & Record<string, unknown>>(pool, ACCEPTED));
  if (row === undefined) return undefined;
  const place = { tx: pool, domain: log.issuer };
  const asked = await verifyPerson({ ...place, atMs: row.askedAtMs }, row.asked);
  const approved = await verifyPerson({ ...place, atMs: row.approvedAtMs }, row.approved);
  if (!asked.ok || !approved.ok) return undefined;
  if (!asksFor(log, asked.claims) || !approves(asked.claims, row.request, approved.claims)) return undefined;
  if (decideApproval(asked.person, approved.person).outcome !== 'granted') return undefined;
  return [asked.person.person, approved.person.person];
}

function asksFor(log: AskingLog, { action, targets, request, change_hash: change }: OpsActionClaims): boolean {
  const [target] = targets;
  const isOfDomain = targets.length === 1 && target?.kind === 'domain' && target.id === log.issuer;
  return action === 'accept_log' && isOfDomain && request === null && change === logAcceptanceHash(log);
}

function approves(asked: OpsActionClaims, id: string, approval: OpsActionClaims): boolean {
  const { action, request, change_hash: content } = approval;
  return action === asked.action && request === id && content === opsContentHash(asked);
}
