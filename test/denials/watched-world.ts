import { AUTHORIZER_SETTINGS, AuthorizeBatch, createAuthorizerParts } from '@spendgate/authorizer';
import {
  type ArtifactClaims,
  type MandateClaim,
  type PaymentIntentClaims,
  canonicalize,
  sha256Text,
} from '@spendgate/codec';
import { DETECTOR_SETTINGS, createDetector } from '@spendgate/drift-detector';
import { MESSAGING_SETTINGS, TOPICS } from '@spendgate/messaging';
import { GATE_SETTINGS, createGateParts } from '@spendgate/settlement-gate';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  artifactOf,
  batchOf,
  captureClaims,
  intentClaims,
  openTestRuntime,
  signIntent,
  signRequest,
} from '@spendgate/testing';
import { LOG_SETTINGS } from '@spendgate/transparency-log';

export interface Decided {
  readonly outcome: string;
  readonly field: string | null;
  readonly artifact: IssuedTestArtifact | null;
}

/** A domain with every role that stops a flow, each with its own rights: what goes wrong is written by the tables' owner. */
export class WatchedWorld {
  private asked = 0n;

  private constructor(readonly world: TestRuntime) {}

  /** `buyer` is attested as `good`. */
  static async open(mandates: readonly MandateClaim[], people: Readonly<Record<string, readonly string[]>> = {}) {
    const roles = { ...AUTHORIZER_SETTINGS, ...GATE_SETTINGS, ...DETECTOR_SETTINGS, ...LOG_SETTINGS };
    const settings = { ...roles, ...MESSAGING_SETTINGS };
    // Nothing here waits for the bound, and a machine may stand still for longer than the default one.
    const slow = { SPENDGATE_DOMAIN_WATCH_SECONDS: '300', SPENDGATE_LOG_IDLE: '5ms' };
    const watched = new WatchedWorld(await openTestRuntime({ settings, environment: slow, people }));
    await watched.world.domain.mandates(mandates);
    await watched.run(
      `INSERT INTO attestations VALUES ('buyer', 'good', 'e', 'attester', false, false, now() + interval '1 h', 't', now(), $1)`,
      [watched.world.domain.attester.kid],
    );
    return watched;
  }

  close(): Promise<void> {
    return this.world.close();
  }

  async run<T>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.world.database.pool.query(sql, [...values])).rows as T[]; // as: the query names its columns
  }

  /** What an intent comes to, by an authorizer that has read nothing yet. */
  async ask(change: Partial<PaymentIntentClaims> = {}): Promise<Decided> {
    const authorize = new AuthorizeBatch(createAuthorizerParts(this.world.as('spendgate_authorizer')));
    const at = this.asked++;
    const token = await signIntent(this.world.domain.agent('buyer'), intentClaims(`i-${at}`, Date.now(), change));
    await authorize.execute(batchOf(await this.world.lane(TOPICS.paymentIntents), [token], { firstOffset: at }));
    type Row = { outcome: string; field: string | null; claims: string | null };
    const [row] = await this.run<Row>(
      `SELECT coalesce(d.code, d.outcome) AS outcome, d.field, a.claims
       FROM decisions d LEFT JOIN artifacts a USING (artifact_id) WHERE d.lane_offset = $1`,
      [at],
    );
    const claims = JSON.parse(row?.claims ?? 'null') as ArtifactClaims | null; // as: our own column
    return {
      outcome: row?.outcome ?? 'no decision',
      field: row?.field ?? null,
      artifact: claims === null ? null : artifactOf(claims),
    };
  }

  /** Puts tokens into the log as they are, whoever made them. @returns what each came to, in order */
  async submit(tokens: readonly string[]): Promise<(string | null)[]> {
    const authorize = new AuthorizeBatch(createAuthorizerParts(this.world.as('spendgate_authorizer')));
    const first = this.asked;
    this.asked += BigInt(tokens.length);
    await authorize.execute(batchOf(await this.world.lane(TOPICS.paymentIntents), [...tokens], { firstOffset: first }));
    const rows = await this.run<{ code: string | null }>(
      `SELECT coalesce(d.code, d.outcome, r.code) AS code
       FROM generate_series($1::bigint, $2::bigint) AS place
       LEFT JOIN decisions d ON d.lane_offset = place LEFT JOIN refusals r ON r.lane_offset = place ORDER BY place`,
      [first, this.asked - 1n],
    );
    return rows.map(({ code }) => code);
  }

  /** What a settlement service is told, whatever it asks and whoever signed it. */
  async present(claims: object, signer = this.world.domain.settler): Promise<string> {
    const gate = createGateParts(this.world.as('spendgate_gate'));
    const answer = await gate.door.present(await signRequest(signer, claims));
    await gate.events.stop();
    if (answer.kind === 'refused') return answer.code;
    return answer.kind === 'settlement' ? (answer.code ?? answer.state) : answer.kind;
  }

  /** What a capture comes to, by a gate that has read nothing yet. */
  capture(artifact: IssuedTestArtifact): Promise<string> {
    return this.present(captureClaims(artifact, `c-${artifact.id}`, artifact.amount));
  }

  async issued(): Promise<IssuedTestArtifact> {
    const { outcome, artifact } = await this.ask();
    if (artifact === null) throw new Error(outcome);
    return artifact;
  }

  /** A detector's whole look at the domain and every flow that is due, as the next one of a running detector. */
  async look(): Promise<void> {
    await this.run(`UPDATE flow_watches SET verified_at = now() - interval '45 s'`);
    const detector = createDetector(this.world.as('spendgate_detector'));
    await detector.start();
    await detector.stop();
  }

  /** Somebody with SQL gives a mandate other words, with a hash that fits them. */
  async rewrite(mandate: string, change: (claims: MandateClaim) => object): Promise<void> {
    const [row] = await this.run<{ claims: string }>('SELECT claims FROM mandates WHERE mandate_id = $1', [mandate]);
    const claims = canonicalize(change(JSON.parse(row?.claims ?? '{}') as MandateClaim)); // as: canonical claims
    await this.run('UPDATE mandates SET claims = $2, mandate_hash = $3 WHERE mandate_id = $1', [
      mandate,
      claims,
      sha256Text(claims),
    ]);
  }
}
