import { LIMITS } from '@spendgate/core';
import { z } from 'zod';
import { amount, captureMode, commonClaims, count, issuer, measurement, partyId, settlementAction } from './fields.js';
import { absoluteUri, sha256Hash, shownText, timeSeconds, uuid } from './fields.js';
import { MANDATE_DEPTH_MAX } from '../limits.js';
import { CAPTURES_MAX } from './payment-intent.js';

export const AUTHORIZATION_DETAILS_TYPE = 'machine_commerce_payment';
/** Until its first capture a hold lives a day at most; later captures go on until `settle_by`. */
export const ARTIFACT_LIFETIME_SECONDS_MAX = LIMITS.artifactLifetimeSecondsMax;

/** RFC 8693 §4.1: the agent outermost, whoever granted to it inside, the root principal innermost. */
export interface ActClaim {
  sub: string;
  act?: ActClaim;
}
/** At most one agent a level, and the principal. */
function actAtDepth(levels: number): z.ZodType<ActClaim> {
  const sub = partyId.describe('agent or principal');
  return levels === 0
    ? z.strictObject({ sub })
    : z.strictObject({ sub, act: z.lazy(() => actAtDepth(levels - 1)).exactOptional() });
}

const authorizationDetail = z.strictObject({
  type: z.literal(AUTHORIZATION_DETAILS_TYPE).describe('RFC 9396 §2'),
  actions: z.array(settlementAction).min(1).max(3).describe('what may be asked for with it'),
  amount: amount.describe('most that may be captured in all'),
  counterparty: z.strictObject({
    id: partyId.describe('the registered payee'),
    name: shownText(140).exactOptional().describe('legal name as registered'),
    account: shownText(140).exactOptional().describe('account as registered'),
  }),
  capture: z.strictObject({
    mode: captureMode,
    max_captures: z.int().min(1).max(CAPTURES_MAX).describe('granted captures are at most this many'),
    settle_by: timeSeconds.describe('no capture at this instant or later, once the first was granted before exp'),
  }),
  reference: shownText(64).describe("the intent's reference"),
});

/** `authorization-artifact+jwt`: the signed permit. A1–A10 are its required claims; a verifier denies without any. */
export const artifactSchema = z.strictObject({
  ...commonClaims(issuer, partyId, uuid),
  nbf: timeSeconds.describe('not accepted before this; Unix seconds (RFC 7519 §4.1.5)'),
  sub: partyId.describe('the agent it was issued to'),
  cnf: z
    .strictObject({ jkt: sha256Hash.describe('RFC 7638 thumbprint') })
    .describe('the settlement key that may present it (RFC 7800, RFC 9449 §6.1)'),
  act: actAtDepth(MANDATE_DEPTH_MAX + 1).describe(
    'delegation chain from the agent to the root principal (RFC 8693 §4.1)',
  ),
  authorization_details: z.tuple([authorizationDetail]).describe('execution scope and constraints (RFC 9396)'),
  flow: z
    .strictObject({
      id: uuid.describe('the governed stream'),
      epoch: count.describe('epoch of trust it was issued in; an artifact of an older epoch is dead'),
      mandate: uuid.describe('the mandate spent under'),
      baseline_hash: sha256Hash.describe("the flow's signed baseline"),
    })
    .describe('governance metadata'),
  policy: z
    .strictObject({
      id: partyId,
      version: z.int().min(1),
      set_hash: sha256Hash.describe('the whole policy set'),
      hash: sha256Hash.describe('the slice that could apply, its schema, engine and version'),
      decision_hash: sha256Hash.describe('the frozen read set of the decision'),
    })
    .describe('policy validation state'),
  env: z
    .strictObject({
      measurement: measurement.nullable().describe('what was measured; null in all four: the mandate requires none'),
      evidence_hash: sha256Hash.nullable(),
      verifier: partyId.nullable().describe('the attester'),
      valid_until: timeSeconds.nullable().describe('Unix seconds'),
    })
    .describe('attested environment'),
  lineage: z
    .strictObject({
      root: uuid.describe('root mandate'),
      parent: uuid.describe('the mandate it comes from'),
      parent_hash: sha256Hash.describe("SHA-256 over the RFC 8785 form of that mandate's claims"),
      depth: z.int().min(0).max(MANDATE_DEPTH_MAX).describe('mandates between root and parent; 0: the root itself'),
    })
    .describe('ancestry by hash'),
  status: z
    .strictObject({
      status_list: z.strictObject({
        idx: z.int().min(0).describe('place in the list'),
        uri: absoluteUri.describe('where the list is served'),
      }),
    })
    .describe('revocation state (Token Status List): 0 valid, 1 revoked, 2 suspended'),
});
export type ArtifactClaims = z.infer<typeof artifactSchema>;

/** @returns the first claim that contradicts another */
export function checkArtifact(claims: ArtifactClaims): string | null {
  if (claims.nbf >= claims.exp) return 'nbf';
  const env = Object.values(claims.env);
  if (env.some((value) => value === null) && env.some((value) => value !== null)) return 'env';
  const { actions } = claims.authorization_details[0];
  if (new Set(actions).size !== actions.length) return 'authorization_details[0].actions';
  return null;
}
