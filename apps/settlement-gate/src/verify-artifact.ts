import { type KeyLookup, parsePublicKey, verifyToken } from '@spendgate/artifact';
import {
  type ArtifactClaims,
  TOKEN_BYTES_MAX,
  canonicalize,
  parseClaims,
  parseStrictJson,
  sha256Text,
  splitCompact,
} from '@spendgate/codec';
import {
  type CheckReport,
  type DenialCode,
  DependencyError,
  type SettlementFacts,
  type SettlementRequest,
  VERIFICATION_CHECKS,
  decideSettlement,
  formatMoney,
  isDenialCode,
} from '@spendgate/core';
import { Turnstile, type TurnstileBounds } from '@spendgate/platform';
import {
  type Judged,
  type RegistryFacts,
  type RegistryNeeds,
  inTransaction,
  locateArtifacts,
  readDomainKeys,
  readJudged,
  readSettlementState,
  watchAudit,
} from '@spendgate/store';
import type { GateParts } from './gate-parts.js';
import { ArtifactViews } from './settling/artifact-view.js';
import { factsFor, withAudit, withGovernance } from './settling/gate-facts.js';
import { holdOf } from './settling/hold-view.js';
import { RegistryView } from './settling/registry-view.js';

const TYP = 'authorization-artifact+jwt';

/** What is found about an artifact. */
export interface ArtifactReport {
  readonly valid: boolean;
  /** The first row of the denials table that applies; `null`: a capture would be granted now. */
  readonly code: DenialCode | null;
  readonly field: string | null;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly codes: readonly string[] }[];
}

/** Whoever holds an artifact may ask, unknown to us: they share this many database connections, and wait this long. */
const ANONYMOUS: TurnstileBounds = { atOnceMax: 4, waitingMax: 200 };

/** Looks at an artifact as the gate would at a capture of all it has left, by the presenter it is bound to. */
export class VerifyArtifact {
  private readonly views = new ArtifactViews();
  private keys: { readonly epoch: bigint; readonly lookup: Promise<KeyLookup> } | undefined;

  private readonly turnstile: Turnstile;

  constructor(
    private readonly parts: GateParts,
    bounds = ANONYMOUS,
  ) {
    this.turnstile = new Turnstile(bounds);
  }

  /**
   * @param token compact JWS as presented; an attacker controls every byte
   * @throws {DependencyError} `ERR_DOOR_FULL`: too many are waiting
   */
  async execute(token: Buffer): Promise<ArtifactReport> {
    const report = this.turnstile.run(() => this.verify(token));
    if (report === undefined) throw new DependencyError('ERR_DOOR_FULL', 'too many artifacts are being looked at');
    return report;
  }

  private async verify(token: Buffer): Promise<ArtifactReport> {
    const { pool, domain } = this.parts.runtime;
    const judged = await inTransaction(pool, readJudged);
    const { judgedAtMs, controlEpoch } = judged;
    const keys = await this.artifactKeys(controlEpoch);
    const { issuer } = domain;
    // Times are core's to judge, under the artifact's own rows; the signing key may be retired since.
    const verdict = await verifyToken(token, { typ: TYP, keys, atMs: judgedAtMs, issuer });
    if (verdict.ok) return this.look(verdict.claims, judged);
    // The signature was good: the other checks can be made as well, and core finds the time by the artifact's row.
    const claims = verdict.code in TIMES ? claimsIn(token) : undefined;
    return claims === undefined ? unreadable(verdict.code, verdict.field) : this.look(claims, judged);
  }

  private async look(claims: ArtifactClaims, judged: Judged): Promise<ArtifactReport> {
    const { judgedAtMs, controlEpoch, auditLateMs, watch } = judged;
    const { pool } = this.parts.runtime;
    const places = await locateArtifacts(pool, [claims.jti]);
    const place = places.get(claims.jti);
    const facts = await this.factsOf(controlEpoch, {
      parties: [
        { kind: 'settlement_service', id: claims.aud },
        ...(place === undefined ? [] : [{ kind: 'agent' as const, id: place.agentId }]),
      ],
      counterparties: place === undefined ? [] : [place.counterpartyId],
      mandates: place === undefined ? [] : [place.flowId],
    });
    const view = new RegistryView(facts, this.parts.policies, this.parts.runtime.domain.issuer);
    const read = await readSettlementState(pool, {
      artifactIds: [claims.jti],
      flowIds: place === undefined ? [] : [place.flowId],
      agentIds: place === undefined ? [] : [place.agentId],
      settlementIds: [],
      outcomeIds: [],
    });
    const row = read.artifacts.get(claims.jti);
    const audit = watchAudit(auditLateMs, this.parts.numberOf('SPENDGATE_AUDIT_LATE'));
    const sources = {
      ...read,
      registry: view,
      trust: withGovernance(withAudit(this.parts.trust, audit), watch),
      watch,
      judgedAtMs,
      artifactFacts: (each: Parameters<ArtifactViews['facts']>[0]) => this.views.facts(each, view),
    };
    const hold = row === undefined ? ('absent' as const) : holdOf(row);
    const asked = factsFor(claims.jti, { kind: 'settlement_service', partyId: claims.aud }, sources, {
      recorded: null,
      hold,
      capture: 'absent',
    });
    return report(asked, requestFor(claims, hold), judgedAtMs);
  }

  /** Nothing is decided here, so no deciding transaction compares the epoch: a party disabled a moment ago shows. */
  private async factsOf(controlEpoch: bigint, needs: RegistryNeeds): Promise<RegistryFacts> {
    const { registry } = this.parts.runtime;
    const facts = await registry.at(needs);
    if (facts.epoch === controlEpoch) return facts;
    registry.forget();
    return registry.at(needs);
  }

  /** Keys change by control acts only, so a caller without a name costs no read of them. */
  private artifactKeys(controlEpoch: bigint): Promise<KeyLookup> {
    if (this.keys?.epoch !== controlEpoch) {
      const lookup = this.readArtifactKeys();
      this.keys = { epoch: controlEpoch, lookup };
      lookup.catch(() => (this.keys = undefined)); // the next caller reads again
    }
    return this.keys.lookup;
  }

  /** Public artifact keys with their history: one that is retired still proves what it signed. */
  private async readArtifactKeys(): Promise<KeyLookup> {
    const { pool, domain } = this.parts.runtime;
    const rows = (await readDomainKeys(pool)).filter((row) => row.purpose === 'artifact');
    const keys = rows.flatMap(({ jwk, activeFromMs }) => {
      const owner = { purpose: 'artifact', party: domain.issuer, activeFromMs } as const;
      const parsed = parsePublicKey(jwk, { ...owner, retiredAtMs: null });
      return parsed.ok ? [parsed.key] : [];
    });
    return (kid) => keys.find((key) => key.kid === kid);
  }
}

function requestFor(claims: ArtifactClaims, hold: SettlementFacts['hold']): SettlementRequest {
  const [detail] = claims.authorization_details;
  const { currency, value } = detail.amount;
  const left = typeof hold === 'string' || hold.held.isZero() ? value : formatMoney(hold.held, currency);
  return {
    action: 'capture',
    actionId: 'verify',
    presenterKind: 'settlement_service',
    presenter: claims.aud,
    presenterJkt: claims.cnf.jkt,
    artifactId: claims.jti,
    artifactHash: sha256Text(canonicalize(claims)),
    amountText: left,
    currency,
    counterparty: detail.counterparty.id,
    reference: detail.reference,
    captureId: null,
    final: false,
    bodyHash: sha256Text(''),
    iatMs: claims.iat * 1_000,
    expMs: Number.MAX_SAFE_INTEGER,
  };
}

function report(facts: SettlementFacts, request: SettlementRequest, judgedAtMs: number): ArtifactReport {
  const { decision } = decideSettlement(request, facts, judgedAtMs);
  const { code, field, checks } = decision;
  return {
    valid: code === null,
    code,
    field,
    checks: checks.map(({ name, ok, codes }: CheckReport) => ({ name, ok, codes })),
  };
}

/** Claims of a token that verified but for its times. */
function claimsIn(token: Buffer): ArtifactClaims | undefined {
  const split = splitCompact(token, { typ: TYP, bytesMax: TOKEN_BYTES_MAX });
  const payload = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = payload.ok ? parseClaims(TYP, payload.value) : payload;
  return parsed.ok ? parsed.claims : undefined;
}

/** Nothing of an object that does not verify is believed, so no other check can pass. */
function unreadable(word: string, field: string): ArtifactReport {
  const code = TIMES[word] ?? (isDenialCode(word) ? word : 'malformed');
  const checks = VERIFICATION_CHECKS.map((name) => {
    const own = code === 'artifact_expired' || code === 'artifact_not_yet_valid' ? 'temporal_validity' : 'signature';
    return { name, ok: false, codes: name === own ? [code] : [] };
  });
  return { valid: false, code, field, checks };
}

const TIMES: Readonly<Record<string, DenialCode>> = {
  expired: 'artifact_expired',
  not_yet_valid: 'artifact_not_yet_valid',
};
