export * from './base64url.js';
export * from './body-hash.js';
export * from './bundle.js';
export * from './bundle-kinds.js';
export type { BundleKey, BundleLeaf, BundleOutcome, BundleSettlement } from './bundle-parts.js';
export * from './canonical.js';
export * from './cloudevents.js';
export { JWS_ALGORITHMS, splitAnyCompact, splitCompact } from './compact-jws.js';
export type {
  AnyCompactHeader,
  CompactHeader,
  CompactJws,
  CompactOptions,
  CompactProblem,
  CompactResult,
  JwsAlgorithm,
} from './compact-jws.js';
export * from './read-token.js';
export * from './schemas.js';
export * from './async-api.js';
export * from './hash.js';
export * from './ids.js';
export * from './leaf.js';
export * from './leaf-types.js';
export * from './limits.js';
export { opsContentHash } from './ops-content.js';
export * from './problem.js';
export * from './strict-json.js';
export * from './trace-context.js';
export * from './window-bounds.js';
export type { AmountClaim, ArtifactReference, SettlementAction } from './tokens/fields.js';
export * from './tokens/artifact.js';
export * from './tokens/artifact-renewal.js';
export * from './tokens/attestation-result.js';
export * from './tokens/control-event.js';
export * from './tokens/domain-attestation.js';
export * from './tokens/decision.js';
export * from './tokens/key-transition.js';
export * from './tokens/mandate.js';
export * from './tokens/ops-action.js';
export * from './log-acceptance.js';
export * from './tokens/parse-claims.js';
export * from './tokens/payment-intent.js';
export * from './tokens/purposes.js';
export * from './tokens/settlement.js';
export * from './tokens/status-list.js';
export * from './tokens/tokens.js';
export * from './events/authorization-decided.js';
export * from './events/dead-letter.js';
export * from './events/event-values.js';
export * from './events/events.js';
export * from './events/flow-transitioned.js';
export * from './events/incident-changed.js';
export * from './events/intent-refused.js';
export * from './events/settlement-decided.js';
