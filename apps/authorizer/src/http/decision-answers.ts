import { type Signer, signCanonical, signToken } from '@spendgate/artifact';
import { DECISION_LIFETIME_SECONDS_MAX, type DecisionClaims, sha256 } from '@spendgate/codec';
import { type AdmissionDecision, type AdmissionResult, type Intent, InvariantError, isCount } from '@spendgate/core';
import { type Answer, jsonAnswer, problemOf } from '@spendgate/http-edge';
import { type ArtifactView, type DecisionView, type Pool, readArtifacts } from '@spendgate/store';
import { recomputeStored } from '@spendgate/verifier';
import { ARTIFACT_TYP } from '../publishing/render-events.js';
import { spelled } from './spelled.js';

/** Seconds a parked intent's sender waits before looking again: a person must decide. */
const PARKED_RETRY_SECONDS = 15;

/** Members that speak of the request answered, not of the decision. */
const OF_THE_REQUEST = new Set(['type', 'title', 'status', 'replayed']);

export interface DecisionSigners {
  readonly decision: Signer;
  readonly artifact: Signer;
}

/** Turns stored decisions into signed objects and HTTP answers. The same decision gives the same bytes each time. */
export class DecisionAnswers {
  constructor(
    private readonly pool: Pool,
    private readonly issuer: string,
    private readonly signers: DecisionSigners,
  ) {}

  /** For the agent that asked, and the settlement service the artifact is for. */
  async answer(view: DecisionView, replayed: boolean): Promise<Answer> {
    const artifact = await this.artifactOf(view);
    const { decision, limit, awaits, token } = await this.sign(view, artifact);
    const ids = { intent_id: view.intentId, decision_id: view.decisionId };
    const flag: Record<string, string> = replayed ? { 'idempotency-replayed': 'true' } : {};
    if (view.outcome === 'authorized' && artifact !== undefined) {
      const signed = await this.signArtifact(artifact);
      const body = {
        outcome: 'authorized',
        ...ids,
        decision: token,
        artifact_id: artifact.artifactId,
        artifact: signed,
      };
      return jsonAnswer(201, { ...body, replayed }, flag);
    }
    if (view.outcome === 'parked') {
      const retry = { 'retry-after': String(PARKED_RETRY_SECONDS) };
      const body = {
        outcome: 'parked',
        ...ids,
        code: view.code,
        decision: token,
        parked_until: decision.parkedUntilMs,
        ...(awaits === null ? {} : { approvals: awaits }),
      };
      return jsonAnswer(202, { ...body, replayed, retry_after: PARKED_RETRY_SECONDS }, { ...flag, ...retry });
    }
    const untilMs = decision.limit?.untilMs; // when the window moves: the one thing of an ancestor's limit that is told
    const retryAfterMs = untilMs === undefined ? null : Math.max(untilMs - view.judgedAtMs, 0);
    const details = { ...ids, outcome: 'denied', field: view.field, limit, retryAfterMs, replayed };
    const problem = problemOf(view.code ?? 'internal_denied', { ...details, decision: token });
    return { ...problem, headers: { ...problem.headers, ...flag } };
  }

  /** For a read: what was decided is the content, so the read itself is a plain 200. */
  async show(view: DecisionView): Promise<Answer> {
    const { body } = await this.answer(view, false);
    return jsonAnswer(200, Object.fromEntries(Object.entries(body).filter(([name]) => !OF_THE_REQUEST.has(name))));
  }

  signArtifact(artifact: ArtifactView): Promise<string> {
    return signCanonical(this.signers.artifact, ARTIFACT_TYP, artifact.claims);
  }

  private async artifactOf(view: DecisionView): Promise<ArtifactView | undefined> {
    if (view.artifactId === null) return undefined;
    const [artifact] = await readArtifacts(this.pool, [view.artifactId]);
    if (artifact === undefined) throw new InvariantError('ERR_ARTIFACT_MISSING', view.artifactId);
    return artifact;
  }

  /** Stages and limit are recomputed from the stored read set, which is all the decision rested on. */
  private async sign(
    view: DecisionView,
    artifact: ArtifactView | undefined,
  ): Promise<Pick<AdmissionResult, 'decision' | 'awaits'> & { limit: DecisionClaims['limit']; token: string }> {
    const { intent, result } = recomputeStored(view);
    const { decision, awaits } = result;
    const limit = ownLimit(decision, intent);
    const iat = Math.floor(view.judgedAtMs / 1000);
    const claims: DecisionClaims = {
      iss: this.issuer,
      aud: view.agentId,
      iat,
      exp: iat + DECISION_LIFETIME_SECONDS_MAX,
      jti: view.decisionId,
      intent_id: view.intentId,
      intent_jti: intent.jti,
      intent_hash: intent.bodyHash,
      mandate: view.flowId,
      outcome: decision.outcome,
      code: decision.code,
      field: decision.field,
      limit,
      stages: decision.stages.map(({ stage, verdict }) => ({ stage, verdict })),
      artifact:
        artifact === undefined
          ? null
          : { id: artifact.artifactId, hash: sha256(artifact.claims).toString('base64url') },
      parked_until: decision.parkedUntilMs === null ? null : Math.floor(decision.parkedUntilMs / 1000),
      decision_hash: view.decisionHash.toString('base64url'),
      leaf_hash: view.leafHash.toString('base64url'),
      supersedes: view.supersedes,
    };
    return { decision, awaits, limit, token: await signToken(this.signers.decision, 'decision+jwt', claims) };
  }
}

/** A limit of an ancestor is its holder's business: the agent learns that some level had too little, not how little. */
function ownLimit({ limit }: AdmissionDecision, { mandate, currency }: Intent): DecisionClaims['limit'] {
  if (limit?.mandate !== mandate) return null;
  const { name, limit: most, available } = limit;
  if (isCount(name)) return { mandate, name, limit: most, available };
  return { mandate, name, limit: spelled(most, currency), available: spelled(available, currency) };
}
