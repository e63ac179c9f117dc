import { StatusList, verifyToken } from '@spendgate/artifact';
import { verifyInclusion } from '@spendgate/audit-log';
import { commitmentOf, decodeBase64url, hashJsonText, leafHashOf, parseStrictJson } from '@spendgate/codec';
import { LEAF_SALT_BYTES } from '@spendgate/codec';
import type { ArtifactClaims } from '@spendgate/codec';
import { parseMoney } from '@spendgate/core';
import type { DenialCode } from '@spendgate/core';
import type { ArtifactRead, Fault } from './read-artifact.js';
import type { ArtifactVerification, CheckName, InclusionEvidence } from './artifact-report.js';

export type CheckOutcome = { readonly ok: true; readonly detail: string } | Fault;
type Check = (read: ArtifactRead, given: ArtifactVerification) => CheckOutcome | Promise<CheckOutcome>;
type ClaimsCheck = (
  claims: ArtifactClaims,
  given: ArtifactVerification,
  read: ArtifactRead,
) => CheckOutcome | Promise<CheckOutcome>;

const passed = (detail: string): CheckOutcome => ({ ok: true, detail });
const failed = (code: DenialCode, detail: string): Fault => ({ ok: false, code, detail });
/** Claims that cannot be read pass no check: each of them would be about a guess. */
const onClaims =
  (check: ClaimsCheck): Check =>
  (read, given) =>
    read.claims.ok ? check(read.claims.value, given, read) : read.claims;

export const ARTIFACT_CHECKS: Readonly<Record<CheckName, Check>> = {
  signature: ({ signature }) =>
    signature.ok ? passed(`${signature.key.algorithms[0] ?? ''} by ${signature.key.kid}`) : signature,
  scope_integrity: onClaims(checkScope),
  temporal_validity: onClaims(checkTimes),
  environment_binding: onClaims(checkEnvironment),
  policy_hash: onClaims(checkPolicy),
  origin: onClaims(checkOrigin),
  revocation_state: onClaims(checkRevocation),
  lineage: onClaims(checkLineage),
};

/** The schema has refused unknown, missing and mistyped claims; what is left is the money. */
function checkScope(claims: ArtifactClaims, { currencies }: ArtifactVerification): CheckOutcome {
  const { amount, counterparty, actions } = claims.authorization_details[0];
  const money = parseMoney(amount.value, amount.currency, currencies);
  if (typeof money === 'string') return failed(money, 'authorization_details[0].amount');
  return passed(`${actions.join(', ')} up to ${amount.value} ${amount.currency} at ${counterparty.id}`);
}

/** RFC 7519 §4.1.4 and §4.1.5, skew 0: both times are the domain's. A time that is no number is past. */
function checkTimes(claims: ArtifactClaims, { atMs }: ArtifactVerification): CheckOutcome {
  if (atMs < claims.nbf * 1000) return failed('artifact_not_yet_valid', `valid from ${utc(claims.nbf)}`);
  if (!(atMs < claims.exp * 1000)) return failed('artifact_expired', `expired at ${utc(claims.exp)}`);
  return passed(`valid from ${utc(claims.nbf)} until ${utc(claims.exp)}`);
}

function checkEnvironment({ env }: ArtifactClaims, { atMs }: ArtifactVerification): CheckOutcome {
  if (env.valid_until === null) return passed('the mandate requires no attested environment');
  if (!(atMs < env.valid_until * 1000)) {
    return failed('environment_stale', `the attestation ended at ${utc(env.valid_until)}`);
  }
  return passed(`${env.measurement ?? ''} attested by ${env.verifier ?? ''} until ${utc(env.valid_until)}`);
}

function checkPolicy({ policy }: ArtifactClaims, given: ArtifactVerification): CheckOutcome {
  const { hash, setHash } = given.policy ?? {};
  if (hash !== undefined && hash !== policy.hash) return failed('policy_mismatch', 'policy.hash');
  if (hash === undefined && setHash !== undefined && setHash !== policy.set_hash) {
    return failed('policy_mismatch', 'policy.set_hash');
  }
  const compared = hash === undefined && setHash === undefined ? '' : ', the one in force';
  return passed(`issued under ${policy.id} version ${policy.version}, slice ${policy.hash}${compared}`);
}

function checkOrigin(claims: ArtifactClaims, given: ArtifactVerification, { signature }: ArtifactRead): CheckOutcome {
  if (!signature.ok) return failed(signature.code, 'nobody is known to have issued it');
  const { party } = signature.key;
  if (party !== null && party !== claims.iss)
    return failed('issuer_unknown', `the key is ${party}'s, not ${claims.iss}'s`);
  if (given.inclusion !== undefined) return checkInclusion(claims, given.inclusion);
  if (given.requireAll === true) return failed('trust_unverifiable', 'no inclusion proof was given');
  return passed(`signed by ${claims.iss}; its log was not asked: no inclusion proof was given`);
}

/** The leaf is in the tree, the payload is what the leaf commits to, and the payload names exactly these claims. */
function checkInclusion(claims: ArtifactClaims, evidence: InclusionEvidence): CheckOutcome {
  const hashes = [evidence.root, ...evidence.proof].map((text) => decodeBase64url(text) ?? Buffer.alloc(0));
  const [root = Buffer.alloc(0), ...proof] = hashes;
  const { leafIndex, treeSize } = evidence;
  const verdict = verifyInclusion({ leafIndex, treeSize, leafHash: leafHashOf(evidence.leaf), root, proof });
  if (!verdict.valid) return failed('artifact_not_issued', `the inclusion proof does not hold: ${verdict.code}`);
  const salt = decodeBase64url(evidence.salt);
  if (salt?.length !== LEAF_SALT_BYTES) return failed('artifact_not_issued', 'the salt is not 32 bytes');
  const leaf = parseObject(evidence.leaf);
  if (leaf?.['commitment'] !== commitmentOf(salt, evidence.payload).toString('base64url')) {
    return failed('artifact_not_issued', 'the leaf does not commit to this payload');
  }
  if (leaf['domain'] !== claims.iss) return failed('issuer_unknown', 'the leaf is of another domain');
  if (!namesArtifact(parseObject(evidence.payload)?.['artifact'], claims)) {
    return failed('artifact_not_issued', 'the leaf is about another artifact, or its claims were others');
  }
  return passed(`leaf ${leafIndex} of ${treeSize} in the log of ${claims.iss}`);
}

function namesArtifact(named: unknown, claims: ArtifactClaims): boolean {
  if (typeof named !== 'object' || named === null || !('id' in named) || !('hash' in named)) return false;
  return named.id === claims.jti && named.hash === hashJsonText(claims);
}

/** Seconds any copy of a status list is trusted, whatever it says itself: a revocation shows everywhere by then. */
const STATUS_COPY_SECONDS_MAX = 60;

/** Fail closed: a list that is not this domain's, not this one, unreadable, or a copy too old says nothing. */
async function checkRevocation(claims: ArtifactClaims, given: ArtifactVerification): Promise<CheckOutcome> {
  const { uri, idx } = claims.status.status_list;
  if (given.statusList === undefined) {
    if (given.requireAll === true) return failed('trust_unverifiable', 'no status list was given');
    return passed('not asked: no status list was given');
  }
  const { atMs, keys } = given;
  const token = await verifyToken(given.statusList, {
    typ: 'statuslist+jwt',
    keys: keys.find,
    atMs,
    issuer: claims.iss,
  });
  if (!token.ok) return failed('trust_unverifiable', `the status list is ${token.code} (${token.field})`);
  if (token.key.party !== null && token.key.party !== claims.iss) {
    return failed('trust_unverifiable', "the status list is signed by another domain's key");
  }
  if (token.claims.sub !== uri)
    return failed('trust_unverifiable', `the status list is ${token.claims.sub}, not ${uri}`);
  // Token Status List §5.1: `exp` ends the list, `ttl` the use of a copy, which is all there is offline.
  const { iat, ttl } = token.claims;
  const until = iat + Math.min(ttl, STATUS_COPY_SECONDS_MAX);
  if (!(atMs < until * 1000))
    return failed('trust_unverifiable', `this copy of the status list ended at ${utc(until)}`);
  const status = StatusList.decode(token.claims.status_list)?.get(idx);
  if (status === 'valid') return passed(`valid in the list of ${utc(token.claims.iat)}, entry ${idx}`);
  if (status === 'revoked') return failed('artifact_revoked', `entry ${idx}`);
  if (status === 'suspended') return failed('artifact_suspended', `entry ${idx}`);
  return failed('trust_unverifiable', `the status list says nothing about entry ${idx}`);
}

/** What one artifact shows of its ancestry must not contradict itself; the ancestors themselves come in a bundle. */
function checkLineage({ lineage, flow }: ArtifactClaims): CheckOutcome {
  if (flow.id !== flow.mandate) return failed('lineage_fragmented', 'flow.id is not flow.mandate');
  if (lineage.parent !== flow.mandate) return failed('lineage_fragmented', 'lineage.parent is not flow.mandate');
  if ((lineage.depth === 0) !== (lineage.root === lineage.parent)) return failed('lineage_fragmented', 'lineage.depth');
  return passed(`mandate ${lineage.parent}, ${lineage.depth} below root ${lineage.root}`);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const parsed = parseStrictJson(Buffer.from(text));
  const isObject = parsed.ok && typeof parsed.value === 'object' && !Array.isArray(parsed.value);
  return isObject && parsed.value !== null ? { ...(parsed.value as object) } : undefined; // as: an object was just seen
}

function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
