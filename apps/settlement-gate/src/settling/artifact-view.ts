import type { ArtifactClaims } from '@spendgate/codec';
import type { ArtifactFacts } from '@spendgate/core';
import type { IssuedArtifact } from '@spendgate/store';
import type { RegistryView } from './registry-view.js';

const STATUS: Readonly<Record<number, ArtifactFacts['status']>> = { 0: 'valid', 1: 'revoked', 2: 'suspended' };

/** Artifacts parsed at a time that are worth keeping: a busy artifact is captured many times. */
const PARSED_MAX = 4_096;

/**
 * Reads the claims of issued artifacts. They never change, so the parsed form is kept by artifact id and claims hash;
 * everything that can change (status, hold) is read from the row each time.
 */
export class ArtifactViews {
  private readonly parsed = new Map<string, ArtifactClaims>();

  facts(row: IssuedArtifact, registry: RegistryView): ArtifactFacts {
    const claims = this.claims(row);
    const [detail] = claims.authorization_details;
    return {
      artifactId: row.artifactId,
      flowId: row.flowId,
      epoch: row.epoch,
      claimsHash: row.claimsHash.toString('base64url'),
      status: STATUS[row.status] ?? 'unknown',
      agent: row.agentId,
      audience: row.audience,
      jkt: claims.cnf.jkt,
      successorJkts: registry.successors(row.audience, claims.cnf.jkt),
      counterparty: row.counterpartyId,
      reference: detail.reference,
      currency: row.currency,
      actions: detail.actions,
      nbfMs: claims.nbf * 1000,
      expiresAtMs: row.expiresAtMs,
      settleByMs: row.settleByMs,
      policyHash: claims.policy.hash,
      measurement: claims.env.measurement,
      lineage: {
        root: claims.lineage.root,
        parent: claims.lineage.parent,
        parentHash: claims.lineage.parent_hash,
      },
    };
  }

  /** Claims of a row the authorizer wrote under its own schema. */
  claims(row: Pick<IssuedArtifact, 'artifactId' | 'claims' | 'claimsHash'>): ArtifactClaims {
    const key = `${row.artifactId}${row.claimsHash.toString('latin1')}`;
    const known = this.parsed.get(key);
    if (known !== undefined) return known;
    // Our own authorizer wrote this text under artifactSchema in the transaction that issued it.
    const claims = JSON.parse(row.claims) as ArtifactClaims;
    if (this.parsed.size >= PARSED_MAX) {
      const oldest = this.parsed.keys().next();
      if (oldest.done !== true) this.parsed.delete(oldest.value);
    }
    this.parsed.set(key, claims);
    return claims;
  }
}
