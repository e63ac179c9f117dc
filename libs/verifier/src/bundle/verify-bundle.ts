import type { KeySet } from '@spendgate/artifact';
import {
  type AnyBundle,
  type Bundle,
  type BundleKind,
  type IncidentBundle,
  type RangeBundle,
  type SettlementBundle,
  decodeBase64url,
  intentBodyHash,
  isBundleOf,
  parseBundle,
} from '@spendgate/codec';
import { parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import { differenceOf } from '../replay/recompute-decision.js';
import {
  BundleFault,
  type BundleReport,
  type ProofReport,
  STATEMENTS,
  type StatementName,
  type StatementReport,
} from './bundle-report.js';
import { checkAudit } from './check-audit.js';
import { checkAuthorization } from './check-authorization.js';
import {
  checkClearing,
  checkClosing,
  checkContainment,
  checkIncidentKeys,
  checkPeople,
  checkSignal,
  checkStandstill,
  limitsOfIncident,
} from './check-incident.js';
import { checkLineage } from './check-lineage.js';
import { checkCompleteness, checkRangeKeys, checkTotals, limitsOfRange } from './check-range.js';
import { artifactView, checkSettlement, replaySettlement, replaySettlements } from './check-settlement-bundle.js';
import { checkEnforcement, checkExecution } from './check-settlements.js';
import { checkTrust } from './check-trust.js';
import { type Logged, type OpenedBundle, type OpenedLog, openBundle } from './opened-bundle.js';
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

type Check<B extends Logged> = (opened: OpenedBundle<B>, remembered: string | null) => string | Promise<string>;
type Checks<B extends Logged> = readonly (readonly [StatementName, Check<B>])[];

const ARTIFACT: Checks<Bundle> = [
  ['authorization', checkAuthorization],
  ['trust_continuity', checkTrust],
  ['lineage', checkLineage],
  ['enforcement', checkEnforcement],
  ['audit', checkAudit],
  ['execution', checkExecution],
];
/** What allowed a settlement is what allowed its artifact; what it did itself is the execution's to say. */
const SETTLEMENT: Checks<SettlementBundle> = [
  ['authorization', (opened) => checkAuthorization(artifactView(opened, false))],
  ['trust_continuity', (opened) => checkTrust(artifactView(opened, true))],
  ['lineage', (opened) => checkLineage(artifactView(opened, true))],
  ['enforcement', (opened) => checkEnforcement(artifactView(opened, false))],
  ['audit', checkAudit],
  ['execution', checkSettlement],
];
const INCIDENT: Checks<IncidentBundle> = [
  ['signal', checkSignal],
  ['containment', checkContainment],
  ['standstill', checkStandstill],
  ['people', checkPeople],
  ['clearing', checkClearing],
  ['closing', checkClosing],
  ['trust_continuity', checkIncidentKeys],
  ['audit', checkAudit],
];
const RANGE: Checks<RangeBundle> = [
  ['completeness', checkCompleteness],
  ['totals', checkTotals],
  ['trust_continuity', checkRangeKeys],
  ['audit', checkAudit],
];

/**
 * Verifies a bundle with nothing but itself and, where given, keys and a checkpoint the verifier has from elsewhere: of an
 * artifact and a settlement six statements (C10–C15), of an incident and a time range their own; all are reported. Total:
 * whatever bytes it is handed, it answers.
 */
export async function verifyBundle(given: BundleVerification): Promise<BundleReport> {
  const trust = given.trust === undefined ? 'bundle' : 'given';
  const parsed = parseBundle(given.bundle);
  if (!parsed.ok) {
    const detail = `the file is no bundle: ${parsed.code} at ${parsed.field}`;
    const statements = STATEMENTS.map((name) => ({ name, holds: false, first_bad: null, detail }));
    const proofs = judgeProofs(null, statements);
    return { kind: null, valid: false, statements, proofs, not_proven: [], trust, redacted: 0, replay: null };
  }
  const { kind, opened, checks, replayed, proofs, limits } = judged(parsed.bundle, given);
  const statements: StatementReport[] = [];
  for (const check of checks) statements.push(await check());
  const replay = given.replay === true ? replayed() : null;
  const redacted = opened.leaves.filter(({ state }) => state === 'redacted').length;
  const valid = statements.every(({ holds }) => holds) && (replay === null || replay === 'identical');
  return { kind, valid, statements, proofs: proofs(statements), not_proven: limits, trust, redacted, replay };
}

/** A bundle with all that is asked of its kind. */
interface Judged {
  readonly kind: BundleKind;
  readonly opened: OpenedLog;
  readonly checks: readonly (() => Promise<StatementReport>)[];
  readonly replayed: () => string;
  readonly proofs: (statements: readonly StatementReport[]) => readonly ProofReport[];
  readonly limits: readonly string[];
}

function judged(bundle: AnyBundle, given: BundleVerification): Judged {
  const trust = given.trust ?? null;
  const bind = <B extends Logged>(opened: OpenedBundle<B>, checks: Checks<B>) =>
    checks.map(
      ([name, check]) =>
        () =>
          judge(name, () => check(opened, given.remembered ?? null)),
    );
  if (isBundleOf(bundle, 'artifact')) {
    const opened = openBundle(bundle, trust);
    const { intent, decision } = bundle.proof;
    return {
      ...{ kind: 'artifact', opened, checks: bind(opened, ARTIFACT), replayed: () => replayOf(intent, decision) },
      ...{ proofs: (statements) => judgeProofs(opened, statements), limits: [] },
    };
  }
  if (isBundleOf(bundle, 'settlement')) {
    const opened = openBundle(bundle, trust);
    return {
      ...{ kind: 'settlement', opened, checks: bind(opened, SETTLEMENT), replayed: () => replayAll(opened) },
      ...{ proofs: (statements) => judgeProofs(artifactView(opened, false), statements), limits: [] },
    };
  }
  if (isBundleOf(bundle, 'incident')) {
    const opened = openBundle(bundle, trust);
    return {
      ...{ kind: 'incident', opened, checks: bind(opened, INCIDENT), replayed: () => replayIncident(opened) },
      ...{ proofs: () => [], limits: limitsOfIncident(opened) },
    };
  }
  const opened = openBundle(bundle, trust);
  return {
    ...{ kind: 'range', opened, checks: bind(opened, RANGE), replayed: () => 'withheld' },
    ...{ proofs: () => [], limits: limitsOfRange(opened) },
  };
}

async function judge(name: StatementName, check: () => string | Promise<string>): Promise<StatementReport> {
  try {
    return { name, holds: true, first_bad: null, detail: await check() };
  } catch (fault) {
    if (!(fault instanceof BundleFault)) throw fault;
    return { name, holds: false, first_bad: fault.index, detail: fault.message };
  }
}

/** The decision on the artifact, and those on the settlement. */
function replayAll(opened: OpenedBundle<SettlementBundle>): string {
  const { intent, decision } = opened.bundle.proof;
  const issued = replayOf(intent, decision);
  return issued === 'identical' ? replaySettlements(opened) : issued;
}

/** The decision that showed the drift; none where a person, a sweep or a rail did. */
function replayIncident(opened: OpenedBundle<IncidentBundle>): string {
  const { shown_by } = opened.bundle.proof;
  if (shown_by === null) return 'withheld';
  if ('decision' in shown_by) return replayOf(shown_by.intent, shown_by.decision);
  return replaySettlement(shown_by, opened);
}

/** @returns `'identical'`, or why it is not */
function replayOf(intent: string, decision: Bundle['proof']['decision']): string {
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
