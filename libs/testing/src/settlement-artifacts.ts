import {
  type ArtifactClaims,
  artifactId,
  canonicalize,
  decisionId,
  hashJsonText,
  holdId,
  intentId,
  sha256,
} from '@spendgate/codec';
import { PolicySet } from '@spendgate/policy';
import {
  type RegisteredMandate,
  type RegistryFacts,
  changeHeld,
  inTransaction,
  insertArtifacts,
  insertDecisions,
  insertHolds,
  readClockMs,
} from '@spendgate/store';
import { namedId } from './test-domain.js';
import type { TestRuntime } from './test-runtime.js';

/** What an issued artifact may differ in; amounts in major units. */
export interface ArtifactChange {
  /** Name or id of the mandate spent under. */
  readonly mandate?: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly counterparty?: string;
  readonly mode?: 'single' | 'partial' | 'multi';
  readonly maxCaptures?: number;
  /** From issue to `exp`, milliseconds; whole seconds in the claims. */
  readonly lifetimeMs?: number;
  readonly settleByMs?: number;
  /** `nbf` after issue, milliseconds. */
  readonly notBeforeMs?: number;
  readonly actions?: ('capture' | 'void' | 'refund')[];
  readonly measurement?: string;
  readonly status?: 0 | 1 | 2;
  readonly policyHash?: string;
  readonly parentHash?: string;
  /** Thumbprint of the key it is bound to; the settler's own when absent. */
  readonly jkt?: string;
}

/** An artifact as its presenter holds it. */
export interface IssuedTestArtifact {
  readonly id: string;
  /** base64url SHA-256 of the canonical claims. */
  readonly hash: string;
  readonly flowId: string;
  readonly claims: ArtifactClaims;
  readonly amount: string;
  readonly currency: string;
  readonly counterparty: string;
  readonly reference: string;
}

/** An artifact the authorizer issued, as its presenter reads it from the claims. */
export function artifactOf(claims: ArtifactClaims): IssuedTestArtifact {
  const [{ amount, counterparty, reference }] = claims.authorization_details;
  const { value, currency } = amount;
  const { jti: id, flow } = claims;
  const hash = hashJsonText(claims);
  return { id, hash, flowId: flow.id, claims, amount: value, currency, counterparty: counterparty.id, reference };
}

let issued = 0;

/**
 * Issues an artifact with its hold, as the authorizer's rows would be: decision, artifact, hold, sums of every level,
 * flow in execution. For specs of what comes after issue.
 */
export async function issueTestArtifact(world: TestRuntime, change: ArtifactChange = {}): Promise<IssuedTestArtifact> {
  const { runtime, domain } = world;
  const number = (issued += 1);
  const mandate = isId(change.mandate) ? change.mandate : namedId(change.mandate ?? 'main');
  const counterparty = change.counterparty ?? 'shop';
  const facts = await runtime.registry.at({ mandates: [mandate], counterparties: [counterparty] });
  const chain = facts.chain(mandate);
  const own = typeof chain === 'string' ? undefined : chain.at(-1);
  if (own === undefined) throw new Error(`no mandate ${mandate} in this test domain`);
  const atMs = await readClockMs(runtime.pool);
  const jti = `fixture-${number}`;
  const intent = intentId({ issuer: domain.issuer, agent: own.agent ?? 'buyer', mandate, jti });
  const flow = await readFlow(world, mandate);
  const { jkt = domain.settler.kid } = change;
  const claims = claimsOf(world, { own, facts, atMs, intent, jti, flow, jkt, counterparty, change, number });
  await write(world, claims, own, { atMs, intent, jti, change });
  const [detail] = claims.authorization_details;
  return {
    id: claims.jti,
    hash: sha256(canonicalize(claims)).toString('base64url'),
    flowId: mandate,
    claims,
    amount: detail.amount.value,
    currency: detail.amount.currency,
    counterparty,
    reference: jti,
  };
}

function isId(name: string | undefined): name is string {
  return name !== undefined && /^[0-9a-f]{8}-/.test(name);
}

async function readFlow(world: TestRuntime, flowId: string): Promise<{ epoch: number; baseline: string }> {
  const { rows } = await world.database.pool.query<{ epoch: number; baseline: string }>(
    `UPDATE flows SET state = CASE WHEN state = 'activated' THEN 'executing' ELSE state END
     WHERE flow_id = $1 RETURNING epoch, baseline_hash AS baseline`,
    [flowId],
  );
  const [flow] = rows;
  if (flow === undefined) throw new Error(`no flow ${flowId}`);
  return flow;
}

interface Issue {
  readonly own: RegisteredMandate;
  readonly facts: RegistryFacts;
  readonly atMs: number;
  readonly intent: string;
  readonly jti: string;
  readonly flow: { readonly epoch: number; readonly baseline: string };
  readonly jkt: string;
  readonly counterparty: string;
  readonly change: ArtifactChange;
  readonly number: number;
}

function claimsOf({ domain }: TestRuntime, issue: Issue): ArtifactClaims {
  const { own, facts, atMs, intent, jti, flow, change } = issue;
  const policy = facts.policy(own.policyId);
  if (policy === undefined) throw new Error('no active policy in this test domain');
  const agent = own.agent ?? 'buyer';
  const slice = PolicySet.load(policy).slice({ principal: agent, action: 'spend', resource: issue.counterparty });
  const { lifetimeMs = 3_600_000 } = change;
  const issuedAtMs = lifetimeMs > 0 ? atMs : atMs + lifetimeMs - 3_600_000; // one that has expired was issued before
  const iat = Math.floor(issuedAtMs / 1000);
  const exp = Math.floor((atMs + lifetimeMs) / 1000);
  const mode = change.mode ?? 'multi';
  const measured = change.measurement ?? null;
  return {
    iss: domain.issuer,
    aud: 'settler',
    iat,
    nbf: Math.floor((issuedAtMs + (change.notBeforeMs ?? 0)) / 1000),
    exp,
    jti: artifactId(atMs, intent, flow.epoch, 0),
    sub: agent,
    cnf: { jkt: issue.jkt },
    act: { sub: agent, act: { sub: own.principal } },
    authorization_details: [
      {
        type: 'machine_commerce_payment',
        actions: change.actions ?? ['capture', 'void', 'refund'],
        amount: { value: change.amount ?? '12.50', currency: change.currency ?? own.currency },
        counterparty: { id: issue.counterparty },
        capture: {
          mode,
          max_captures: change.maxCaptures ?? (mode === 'multi' ? 10 : 1),
          settle_by: Math.floor((atMs + (change.settleByMs ?? 7_200_000)) / 1000),
        },
        reference: jti,
      },
    ],
    flow: { id: own.id, epoch: flow.epoch, mandate: own.id, baseline_hash: flow.baseline },
    policy: {
      id: policy.policyId,
      version: policy.version,
      set_hash: policy.setHash,
      hash: change.policyHash ?? slice.hash,
      decision_hash: sha256(intent).toString('base64url'),
    },
    env: {
      measurement: measured,
      evidence_hash: measured === null ? null : sha256(measured).toString('base64url'),
      verifier: measured === null ? null : 'attester',
      valid_until: measured === null ? null : exp,
    },
    lineage: { root: own.root, parent: own.id, parent_hash: change.parentHash ?? own.hash, depth: own.depth },
    status: { status_list: { idx: issue.number, uri: 'http://127.0.0.1/status/0/0' } },
  };
}

async function write(
  world: TestRuntime,
  claims: ArtifactClaims,
  own: RegisteredMandate,
  { atMs, intent, jti, change }: Pick<Issue, 'atMs' | 'intent' | 'jti' | 'change'>,
): Promise<void> {
  const [detail] = claims.authorization_details;
  const { value: amount, currency } = detail.amount;
  const text = canonicalize(claims);
  const ids = { decisionId: decisionId(atMs, intent, 0), flowId: own.id, artifactId: claims.jti };
  const hold = holdId(atMs, intent);
  const expiresAtMs = claims.exp * 1000;
  const shared = { ...ids, agentId: claims.sub, audience: claims.aud };
  await inTransaction(world.database.pool, async (tx) => {
    await insertDecisions(tx, 0, [
      {
        ...shared, intentId: intent, attempt: 0, laneOffset: 0n, bodyHash: sha256(jti), outcome: 'authorized',
        code: null, field: null, amount, currency, counterpartyId: detail.counterparty.id, request: 'a.b.c',
        readSet: '{}', rulesVersion: 1, decisionHash: sha256(intent), leafHash: sha256(`leaf ${jti}`), 
        supersedes: null, parkedUntilMs: null, awaits: null,
        appendedAtMs: atMs, judgedAtMs: atMs,
      },
    ]); // prettier-ignore
    await insertArtifacts(tx, [
      {
        ...shared, holdId: hold, epoch: claims.flow.epoch, kid: world.runtime.keys.artifact?.kid ?? '', claims: text,
        claimsHash: sha256(text), statusPartition: 0, statusIdx: BigInt(claims.status.status_list.idx),
        issuedAtMs: atMs,
      },
    ]); // prettier-ignore
    await insertHolds(tx, [
      {
        holdId: hold, flowId: own.id, rootId: own.root, path: own.path, artifactId: claims.jti, currency, amount,
        counterpartyId: detail.counterparty.id, audience: claims.aud, mode: detail.capture.mode,
        maxCaptures: detail.capture.max_captures, expiresAtMs, settleByMs: detail.capture.settle_by * 1000,
        counters: null,
      },
    ]); // prettier-ignore
    await changeHeld(tx, new Map(own.path.map((mandateId) => [mandateId, amount])));
    if (change.status !== undefined) {
      await tx.query('UPDATE artifacts SET status = $2 WHERE artifact_id = $1', [claims.jti, change.status]);
    }
  });
}
