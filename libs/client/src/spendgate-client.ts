import { type Signer, signHttpRequest, signToken } from '@spendgate/artifact';
import { type MandateClaim, settlementId } from '@spendgate/codec';
import {
  type Narrowing,
  type Observed,
  type OutcomeReport,
  type PlainIntent,
  type ReportedArtifact,
  type SettlementAct,
  type Signing,
  intentClaims,
  mandateTokenClaims,
  observationClaims,
  outcomeClaims,
  readArtifact,
  renewalClaims,
  settlementClaims,
} from './claims.js';

export interface ClientOptions {
  /** Base URL of the service: the authorizer for agents, the settlement gate for settlement services, or `up`'s port. */
  readonly url: string;
  /** Issuer of the domain, as in `/.well-known/spendgate`. */
  readonly issuer: string;
  /** The caller's party id and key. */
  readonly party: string;
  readonly signer: Signer;
  readonly fetch?: typeof fetch;
  /** Unix ms. */
  readonly nowMs?: () => number;
}

/** What a door answered. A denial is an answer, not an exception; `body.code` is the stable denial code. */
export interface Answer {
  /** HTTP status: 201 authorized or captured, 202 accepted or parked, 4xx/5xx by the denial's row. */
  readonly status: number;
  /** The JSON document, problem+json (RFC 9457) for denials. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The recorded answer of an earlier, equal request. */
  readonly replayed: boolean;
}

/** The service did not answer at all: retrying with the same ids is safe and finds out what happened. */
export class NoAnswerError extends Error {}

const ANSWER_TIMEOUT_MS = 75_000;

/** What agents and settlement services need: sign, ask, read. Every retry with the same id is harmless. */
export class SpendgateClient {
  constructor(private readonly options: ClientOptions) {}

  /** Signs an intent and has it decided. @param waitSeconds 0: answers 202 as soon as it is in the log */
  async requestPayment(intent: PlainIntent, waitSeconds = 20): Promise<Answer> {
    return this.publish(await this.signIntent(intent), waitSeconds);
  }

  /** @returns the signed intent, compact JWS: for `publish`, or for the topic `payment-intents.v1` */
  signIntent(intent: PlainIntent): Promise<string> {
    return this.sign('payment-intent+jwt', intentClaims(intent, this.signing()));
  }

  /** Sends a signed intent; sending it again gives the recorded decision (RFC 7240 `Prefer: wait`). */
  publish(intent: string, waitSeconds = 20): Promise<Answer> {
    return this.post('/v1/payment-intents', intent, waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {});
  }

  /** Captures, voids or refunds against an artifact (compact JWS). */
  async settle(artifact: string, act: SettlementAct): Promise<Answer> {
    const held = readArtifact(artifact);
    const token = await this.sign('settlement-request+jwt', settlementClaims(held, act, this.signing()));
    if (act.action !== 'refund') return this.post('/v1/settlements', token);
    return this.post(`/v1/settlements/${settlementId(held.reference.id, 'capture', act.captureId)}/refund`, token);
  }

  /**
   * Tells what became of a capture or refund at the rail.
   *
   * @param artifact compact JWS, or what is known of it: a rail never held the artifact itself
   */
  async reportOutcome(artifact: string | ReportedArtifact, report: OutcomeReport): Promise<Answer> {
    const held = typeof artifact === 'string' ? readArtifact(artifact) : artifact;
    const [action, actionId] =
      'captureId' in report.of
        ? (['capture', report.of.captureId] as const)
        : (['refund', report.of.refundId] as const);
    const token = await this.sign('settlement-outcome+jwt', outcomeClaims(held, report, this.signing()));
    return this.post(`/v1/settlements/${settlementId(held.reference.id, action, actionId)}/outcome`, token);
  }

  /**
   * A new artifact on the hold of this one, which is revoked: for its agent and its settlement service.
   *
   * @returns the artifact's own read when the caller may not see it
   */
  async renew(artifactId: string, narrowing: Narrowing = {}, waitSeconds = 20): Promise<Answer> {
    const shown = await this.artifact(artifactId);
    const { artifact, flow_id: flowId, hold_id: holdId } = shown.body;
    if (typeof artifact !== 'string' || typeof flowId !== 'string' || typeof holdId !== 'string') return shown;
    const claims = renewalClaims({ artifact, flowId, holdId }, narrowing, this.signing());
    const token = await this.sign('artifact-renewal+jwt', claims);
    const headers = waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {};
    return this.post(`/v1/artifacts/${artifactId}/renew`, token, headers);
  }

  /** Signs a version of a mandate and has it recorded: a principal in its own tree, an agent below its own mandate. */
  async grantMandate(mandate: MandateClaim): Promise<Answer> {
    return this.post('/v1/mandates', await this.sign('mandate+jwt', mandateTokenClaims(mandate, this.signing())));
  }

  /** Signs an attester's result on an agent's runtime and has it judged. @param waitSeconds 0: answers 202 at once */
  async reportObservation(observed: Observed, waitSeconds = 20): Promise<Answer> {
    const token = await this.sign('attestation-result+jwt', observationClaims(observed, this.signing()));
    return this.post('/v1/observations', token, waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {});
  }

  /** What became of the caller's own intent; 404 while it is not decided. @param mandate narrows a `jti` used under several */
  paymentIntent(jti: string, mandate: string): Promise<Answer> {
    return this.get(`/v1/payment-intents/${encodeURIComponent(jti)}?mandate=${mandate}`);
  }

  decision(id: string): Promise<Answer> {
    return this.get(`/v1/decisions/${id}`);
  }

  artifact(id: string): Promise<Answer> {
    return this.get(`/v1/artifacts/${id}`);
  }

  /** Limits and what is left of them, for the levels the caller may see. */
  mandate(id: string): Promise<Answer> {
    return this.get(`/v1/mandates/${id}`);
  }

  settlements(artifactId: string): Promise<Answer> {
    return this.get(`/v1/settlements?artifact=${encodeURIComponent(artifactId)}`);
  }

  /** Signs any claims as a token of a type; most callers use the verbs above. */
  sign(typ: string, claims: object): Promise<string> {
    return signToken(this.options.signer, typ, claims);
  }

  /** An authorised read: an RFC 9421 signature over method and target URI. */
  async get(path: string): Promise<Answer> {
    const targetUri = new URL(path, this.options.url).href;
    const headers = await signHttpRequest({ method: 'GET', targetUri }, this.options.signer, this.nowMs());
    return this.send(targetUri, { method: 'GET', headers: { ...headers } });
  }

  private post(path: string, token: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const all = { 'content-type': 'application/jwt', ...headers };
    return this.send(new URL(path, this.options.url).href, { method: 'POST', headers: all, body: token });
  }

  private async send(url: string, init: RequestInit): Promise<Answer> {
    const request = { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), redirect: 'error' as const };
    try {
      const response = await (this.options.fetch ?? fetch)(url, request);
      const body: unknown = await response.json();
      const replayed = response.headers.get('idempotency-replayed') === 'true';
      return { status: response.status, body: isDocument(body) ? body : { value: body }, replayed };
    } catch (cause) {
      throw new NoAnswerError(`${url} did not answer; the same request again is safe`, { cause });
    }
  }

  private signing(): Signing {
    const { party, issuer } = this.options;
    return { party, issuer, nowSeconds: Math.floor(this.nowMs() / 1000) };
  }

  private nowMs(): number {
    return this.options.nowMs?.() ?? Date.now();
  }
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
