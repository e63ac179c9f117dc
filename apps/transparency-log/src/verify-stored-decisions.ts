import {
  LEAF_SALT_BYTES,
  intentBodyHash,
  opensCommitment,
  parseClaims,
  parseLeaf,
  parseStrictJson,
  sha256,
  splitCompact,
} from '@spendgate/codec';
import {
  type LoggedDecision,
  type Queryable,
  readLoggedDecisions,
  readLostDecisions,
  readWaitingHashes,
} from '@spendgate/store';

export type DecisionFault =
  /** The log holds no leaf of the hash the row names: the row was put in, or its hash was edited. */
  | 'not_in_log'
  /** The leaf's payload is not the one it commits to. */
  | 'payload_altered'
  /** A column says something else than the payload the leaf commits to; `field` names it. */
  | 'row_altered'
  /** The log holds the decision, the table does not. */
  | 'row_missing';

export interface AlteredDecision {
  readonly decisionId: string;
  readonly fault: DecisionFault;
  /** Member of the leaf's payload; `null` for the row or the payload as a whole. */
  readonly field: string | null;
  /** Where its leaf lies in the tree; `null`: nowhere. */
  readonly index: number | null;
}

export interface DecisionsVerdict {
  readonly checked: number;
  readonly altered: readonly AlteredDecision[];
}

/** Altered rows named; beyond these the check ends, since one is enough to distrust the table. */
const ALTERED_MAX = 1_000;

/**
 * Compares every decision and artifact row with the leaf that commits to it (A35). `verifyStoredLog` shows that the
 * leaves are the ones that were signed; this shows that the rows say what the leaves say, and `replay` that the inputs
 * stored beside them give these decisions. A decision whose leaf still waits for its place is left for the next time.
 */
export async function verifyStoredDecisions(db: Queryable): Promise<DecisionsVerdict> {
  const altered: AlteredDecision[] = [];
  const waiting = new Set((await readWaitingHashes(db)).map((hash) => hash.toString('hex')));
  let checked = 0;
  for await (const row of readLoggedDecisions(db)) {
    const found = alterationOf(row, waiting);
    checked += 1;
    if (found !== null && altered.push(found) === ALTERED_MAX) return { checked, altered };
  }
  const lost = await readLostDecisions(db, ALTERED_MAX - altered.length);
  return {
    checked,
    altered: [...altered, ...lost.map((each) => ({ ...each, fault: 'row_missing' as const, field: null }))],
  };
}

function alterationOf(row: LoggedDecision, waiting: ReadonlySet<string>): AlteredDecision | null {
  const { decisionId, leafIndex: index, leaf, leafPayload, leafSalt } = row;
  const altered = (fault: DecisionFault, field: string | null = null): AlteredDecision => ({
    decisionId,
    fault,
    field,
    index,
  });
  if (leaf === null) return waiting.has(row.leafHash.toString('hex')) ? null : altered('not_in_log');
  if (leafPayload === null || leafSalt === null) return null; // erased when its retention ended
  const parsed = parseLeaf(Buffer.from(leaf));
  const isOpen =
    parsed.ok && leafSalt.length === LEAF_SALT_BYTES && opensCommitment(parsed.leaf, leafSalt, leafPayload);
  if (!isOpen) return altered('payload_altered');
  const payload = JSON.parse(leafPayload) as Readonly<Record<string, unknown>>; // as: the bytes we committed to
  const field = firstDifference(saidBy(row), payload) ?? askedDifference(row);
  return field === null ? null : altered('row_altered', field);
}

/** The row in the words of the payload. */
function saidBy(row: LoggedDecision): Readonly<Record<string, unknown>> {
  const { artifactId, artifactClaims } = row;
  const hash = artifactClaims === null ? null : sha256(artifactClaims).toString('base64url');
  return {
    decision_id: row.decisionId,
    intent_id: row.intentId,
    intent_hash: row.bodyHash.toString('base64url'),
    agent: row.agentId,
    mandate: row.flowId,
    supersedes: row.supersedes,
    outcome: row.outcome,
    code: row.code,
    field: row.field,
    decision_hash: row.decisionHash.toString('base64url'),
    appended_at: row.appendedAtMs,
    judged_at: row.judgedAtMs,
    artifact: artifactId === null ? null : { hash, id: artifactId },
  };
}

/** What was asked, which the leaf commits to by the hash of the signed intent. */
function askedDifference({ request, bodyHash, amount, currency, counterpartyId }: LoggedDecision): string | null {
  const split = splitCompact(Buffer.from(request));
  const json = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = json.ok ? parseClaims('payment-intent+jwt', json.value) : json;
  if (!parsed.ok || !intentBodyHash(parsed.claims).equals(bodyHash)) return 'request';
  const { claims } = parsed;
  if (amount !== null && amount !== trimmed(claims.amount.value)) return 'amount';
  if (currency !== null && currency !== claims.amount.currency) return 'currency';
  return counterpartyId === null || counterpartyId === claims.counterparty ? null : 'counterparty';
}

function firstDifference(
  said: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
): string | null {
  // Members are few and flat, and the payload is canonical: equal texts are equal values.
  const found = Object.keys(said).find((name) => JSON.stringify(said[name]) !== JSON.stringify(payload[name]));
  return found ?? null;
}

/** As the database writes an amount it trims: no zeros at the end of a fraction. */
function trimmed(amount: string): string {
  return amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount;
}
