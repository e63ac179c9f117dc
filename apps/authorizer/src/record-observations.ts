import { verifyCompactBatch } from '@spendgate/artifact';
import { type AttestationResultClaims, encodeLeaf, parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import type { RecordBatch, TransportRecord } from '@spendgate/messaging';
import {
  type AttestationResult,
  type LeafRow,
  RegistryMoved,
  advanceLane,
  fence,
  inTransaction,
  insertRefusals,
  readJudged,
  recordAttestations,
  shareControl,
  writeLeaves,
  writeOutbox,
} from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import { summariseRefusals } from './deciding/summarise-refusals.js';
import { type Judged, type Refusal, refuse } from './intake/candidate.js';
import type { CompactJws } from '@spendgate/codec';

const TYP = 'attestation-result+jwt';
const REDOS_MAX = 20;

interface Observation {
  readonly record: TransportRecord;
  readonly compact: CompactJws;
  readonly claims: AttestationResultClaims;
}

/** Records what registered attesters say about agents' runtimes, each with its leaf; the newest result of an agent counts. */
export class RecordObservations {
  constructor(private readonly parts: AuthorizerParts) {}

  /** Publishes what the lane's last owner committed and may not have sent. */
  takeOver(lane: RecordBatch['lane']): Promise<void> {
    return this.parts.progress.takeOver(lane);
  }

  async execute(batch: RecordBatch): Promise<void> {
    if (batch.records.length === 0) return;
    await this.parts.progress.takeOver(batch.lane);
    const read = batch.records.map(readObservation);
    for (let redo = 0; ; redo += 1) {
      try {
        return await this.once(batch, read);
      } catch (error) {
        if (!(error instanceof RegistryMoved) || redo === REDOS_MAX) throw error;
      }
    }
  }

  private async once(batch: RecordBatch, read: readonly Judged<Observation>[]): Promise<void> {
    const { registry, decide, publisher } = this.parts;
    const observed = read.flatMap((each) => (each.ok ? [each.value] : []));
    const facts = await registry.at({
      kids: observed.map(({ compact }) => compact.header.kid),
      parties: observed.flatMap(({ claims }) => [
        { kind: 'attester' as const, id: claims.iss },
        { kind: 'agent' as const, id: claims.sub },
      ]),
    });
    const verdicts = await verifyCompactBatch(
      observed.map(({ compact }) => compact),
      { typ: TYP, keys: (kid) => facts.key(kid), atMs: this.parts.clock.nowMs() },
    );
    const judged = observed.map((observation, index): Judged<Observation> => {
      const { record, claims } = observation;
      const verdict = verdicts[index];
      if (verdict === undefined) return refuse(record, 'internal_denied');
      if (!verdict.ok) return refuse(record, verdict.code, verdict.field);
      if (claims.aud !== decide.naming.issuer) return refuse(record, 'domain_mismatch', 'aud');
      const attester = facts.party('attester', claims.iss);
      if (attester?.state !== 'active' || verdict.key.party !== claims.iss)
        return refuse(record, 'issuer_unknown', 'iss');
      if (facts.party('agent', claims.sub) === undefined) return refuse(record, 'agent_unknown', 'sub');
      // One measurement is one fact of the read set; a result that names several is not cut down to one of them.
      if (claims.measurements.length !== 1) return refuse(record, 'malformed', 'measurements');
      if (claims['ear.status'] === 'none') return refuse(record, 'trust_unverifiable', 'ear.status');
      return { ok: true, value: observation };
    });
    const refusals = [...read, ...judged].flatMap((each) => (each.ok ? [] : [each.refusal]));
    const accepted = judged.flatMap((each) => (each.ok ? [each.value] : []));
    const events = await this.commit(batch, accepted, refusals, facts);
    await publisher.publish(batch.lane, events.rows);
    this.parts.progress.published(batch.lane, events.next);
    await publisher.markThrough(batch.lane, events.next);
  }

  private commit(
    batch: RecordBatch,
    accepted: readonly Observation[],
    refusals: readonly Refusal[],
    facts: Parameters<AuthorizerParts['registry']['checkEpoch']>[0],
  ): Promise<{ rows: Parameters<AuthorizerParts['publisher']['publish']>[1]; next: bigint }> {
    const { decide, registry } = this.parts;
    const { issuer, salts } = decide.naming;
    return inTransaction(decide.pool, async (tx) => {
      await shareControl(tx);
      const [first, last] = [batch.records[0]?.offset ?? 0n, batch.records.at(-1)?.offset ?? 0n];
      const lane = await fence(tx, batch.lane, first, last);
      const { judgedAtMs, controlEpoch } = await readJudged(tx);
      registry.checkEpoch(facts, controlEpoch);
      const newest = new Map(accepted.map((each) => [each.claims.sub, each]));
      await recordAttestations(tx, [...newest.values()].map(resultOf));
      const refused = summariseRefusals(refusals, { issuer, salts, judgedAtMs, eventRate: decide.refusalEvents });
      await insertRefusals(tx, batch.lane.laneId, refused.rows);
      const leaves = accepted.map(({ claims }) => leafOf(claims, judgedAtMs, decide.naming));
      const leafSeq = await writeLeaves(tx, batch.lane, lane.leafSeq, [...leaves, ...refused.leaves]);
      const outboxSeq = await writeOutbox(tx, batch.lane, lane.outboxSeq, refused.events);
      const publishedThrough = this.parts.progress.through(batch.lane);
      await advanceLane(tx, batch.lane, { leafSeq, outboxSeq, publishedThrough });
      const rows = refused.events.map((event, index) => ({ ...event, seq: lane.outboxSeq + BigInt(index) }));
      return { rows, next: outboxSeq };
    });
  }
}

function readObservation(record: TransportRecord): Judged<Observation> {
  if (record.value === null) return refuse(record, 'malformed', 'value');
  const split = splitCompact(record.value, { typ: TYP });
  if (!split.ok) return refuse(record, split.code, split.field);
  const json = parseStrictJson(split.jws.payloadBytes);
  if (!json.ok) return refuse(record, json.code, json.field);
  const parsed = parseClaims(TYP, json.value);
  if (!parsed.ok) return refuse(record, parsed.code === 'unknown_field' ? parsed.code : 'malformed', parsed.field);
  return { ok: true, value: { record, compact: split.jws, claims: parsed.claims } };
}

/** RFC 9711 §4.2.9: only a debug state that says disabled is disabled. */
function resultOf({ record, claims }: Observation): AttestationResult {
  return {
    agentId: claims.sub,
    measurement: claims.measurements[0] ?? '',
    evidenceHash: claims.evidence_hash,
    verifier: claims.iss,
    debug: claims.dbgstat === 'enabled',
    compromised: claims['ear.status'] === 'contraindicated',
    validUntilMs: claims.exp * 1000,
    issuedAtMs: claims.iat * 1000,
    token: record.value?.toString('latin1') ?? '',
  };
}

function leafOf(
  claims: AttestationResultClaims,
  judgedAtMs: number,
  { issuer, salts }: AuthorizerParts['decide']['naming'],
): LeafRow {
  const salt = salts.salt();
  const payload = {
    agent: claims.sub,
    attester: claims.iss,
    jti: claims.jti,
    measurements: claims.measurements,
    debug_state: claims.dbgstat,
    status: claims['ear.status'],
    evidence_hash: claims.evidence_hash,
    issued_at: claims.iat,
    valid_until: claims.exp,
  };
  const leaf = encodeLeaf({
    domain: issuer,
    type: 'attestation_recorded',
    timeMs: judgedAtMs,
    payload,
    salt,
    causes: [],
  });
  return { ...leaf, salt };
}
