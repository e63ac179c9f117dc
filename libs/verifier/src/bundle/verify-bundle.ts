import type { KeySet } from '@spendgate/artifact';
import { type Bundle, decodeBase64url, intentBodyHash, parseBundle } from '@spendgate/codec';
import { parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import { differenceOf } from '../replay/recompute-decision.js';
import {
  BundleFault,
  type BundleReport,
  STATEMENTS,
  type StatementName,
  type StatementReport,
} from './bundle-report.js';
import { checkAudit } from './check-audit.js';
import { checkAuthorization } from './check-authorization.js';
import { checkLineage } from './check-lineage.js';
import { checkEnforcement, checkExecution } from './check-settlements.js';
import { checkTrust } from './check-trust.js';
import { type OpenedBundle, openBundle } from './opened-bundle.js';
import { judgeProofs } from './typed-proofs.js';

export interface BundleVerification {
  /** The file as it is. */
  readonly bundle: Uint8Array;
  /** Keys the verifier trusts; absent: the bundle's own, and the report says so. */
  readonly trust?: KeySet | undefined;
  /** Signed note of a checkpoint seen earlier: the log must continue it (C16). */
  readonly remembered?: string | undefined;
  /** Decides again from the frozen inputs. */
  readonly replay?: boolean | undefined;
}

type Check = (opened: OpenedBundle, remembered: string | null) => string | Promise<string>;
const CHECKS: Readonly<Record<StatementName, Check>> = {
  authorization: checkAuthorization,
  trust_continuity: checkTrust,
  lineage: checkLineage,
  enforcement: checkEnforcement,
  audit: checkAudit,
  execution: checkExecution,
};

/**
 * Verifies a bundle with nothing but itself and, where given, keys and a checkpoint the verifier has from elsewhere: six
 * statements, all reported (C10–C15). Total: whatever bytes it is handed, it answers.
 */
export async function verifyBundle(given: BundleVerification): Promise<BundleReport> {
  const trust = given.trust === undefined ? 'bundle' : 'given';
  const parsed = parseBundle(given.bundle);
  if (!parsed.ok) {
    const detail = `the file is no bundle: ${parsed.code} at ${parsed.field}`;
    const statements = STATEMENTS.map((name) => ({ name, holds: false, first_bad: null, detail }));
    return { valid: false, statements, proofs: judgeProofs(null, statements), trust, redacted: 0, replay: null };
  }
  const opened = openBundle(parsed.bundle, given.trust ?? null);
  const statements: StatementReport[] = [];
  for (const name of STATEMENTS) statements.push(await judge(name, opened, given.remembered ?? null));
  const replay = given.replay === true ? replayOf(parsed.bundle) : null;
  const redacted = opened.leaves.filter(({ state }) => state === 'redacted').length;
  const valid = statements.every(({ holds }) => holds) && (replay === null || replay === 'identical');
  return { valid, statements, proofs: judgeProofs(opened, statements), trust, redacted, replay };
}

async function judge(name: StatementName, opened: OpenedBundle, remembered: string | null): Promise<StatementReport> {
  try {
    return { name, holds: true, first_bad: null, detail: await CHECKS[name](opened, remembered) };
  } catch (fault) {
    if (!(fault instanceof BundleFault)) throw fault;
    return { name, holds: false, first_bad: fault.index, detail: fault.message };
  }
}

/** @returns `'identical'`, or why it is not */
function replayOf({ proof: { intent, decision } }: Bundle): string {
  if (decision.read_set === null) return 'withheld';
  const split = splitCompact(Buffer.from(intent));
  const json = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = json.ok ? parseClaims('payment-intent+jwt', json.value) : json;
  if (!parsed.ok) return `the intent is ${parsed.code}`;
  const difference = differenceOf({
    decisionId: decision.decision_id,
    intentId: decision.intent_id,
    request: intent,
    readSet: decision.read_set,
    outcome: decision.outcome,
    code: decision.code,
    field: decision.field,
    bodyHash: intentBodyHash(parsed.claims),
    decisionHash: decodeBase64url(decision.decision_hash) ?? Buffer.alloc(0),
  });
  return difference ?? 'identical';
}
