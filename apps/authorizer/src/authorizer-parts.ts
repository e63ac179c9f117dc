import { type AdmissionRules, ISO_4217, InvariantError, RULES_VERSION } from '@spendgate/core';
import {
  DeadLetters,
  type EventTransport,
  OutboxPublisher,
  type RenderEvents,
  type Runtime,
} from '@spendgate/messaging';
import { type Clock, type Metrics, TokenBuckets } from '@spendgate/platform';
import { PolicySets } from '@spendgate/policy';
import { type Registry, type SaltSource, SpendingProfiles, randomSalts, readArtifacts } from '@spendgate/store';
import type { Signer } from '@spendgate/artifact';
import type { Committed, DecideOptions } from './deciding/decide-in-transaction.js';
import { DecisionWaiters } from './http/decision-waiters.js';
import { IntentRateLimits } from './intake/rate-limits.js';
import { LaneProgress } from './publishing/lane-progress.js';
import { LaneTurns } from './publishing/lane-turns.js';
import { type ClaimsSource, type StoredClaims, renderEvents } from './publishing/render-events.js';

/** What the authorizer's use cases share: made once per process from the runtime. */
export interface AuthorizerParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly transport: EventTransport;
  readonly registry: Registry;
  readonly policies: PolicySets;
  readonly limits: IntentRateLimits;
  /** By attester, for results that change what stands. */
  readonly attesters: TokenBuckets;
  readonly deadLetters: DeadLetters;
  readonly publisher: OutboxPublisher;
  readonly progress: LaneProgress;
  readonly turns: LaneTurns;
  readonly waiters: DecisionWaiters;
  readonly decide: DecideOptions;
  /** The same bytes as the publisher's own rendering, without reading the claims back. */
  readonly renderFromMemory: (committed: Committed) => RenderEvents;
}

/** Settings as numbers; a missing one is a defect of the table, found at start. */
function numberOf(settings: Readonly<Record<string, unknown>>, name: string): number {
  const value = settings[name];
  if (typeof value !== 'number') throw new InvariantError('ERR_SETTING_MISSING', name);
  return value;
}

/** @param salts where leaf salts come from; tests give their own to get the same bytes twice */
export function createAuthorizerParts(runtime: Runtime, salts: SaltSource = randomSalts): AuthorizerParts {
  const { clock, metrics, transport, registry, pool, settings, domain, logger } = runtime;
  const number = (name: string): number => numberOf(settings, name);
  const signer = signerOf(runtime);
  const render = { issuer: domain.issuer, signer };
  const stored: ClaimsSource = async (ids) =>
    new Map((await readArtifacts(pool, ids)).map((row) => [row.artifactId, row]));
  const publisher = new OutboxPublisher(pool, transport, (rows, lease) =>
    renderEvents(rows, lease, { ...render, claims: stored }),
  );
  return {
    clock,
    metrics,
    transport,
    registry,
    policies: new PolicySets((problem) => logger.error(problem)),
    limits: new IntentRateLimits({
      agent: {
        perSecond: number('SPENDGATE_AGENT_INTENTS_PER_SECOND'),
        burst: number('SPENDGATE_AGENT_INTENTS_BURST'),
      },
      mandate: {
        perSecond: number('SPENDGATE_MANDATE_INTENTS_PER_SECOND'),
        burst: number('SPENDGATE_MANDATE_INTENTS_BURST'),
      },
    }),
    attesters: attestersOf(number('SPENDGATE_ATTESTER_RESULTS_PER_SECOND')),
    deadLetters: new DeadLetters(transport, clock, domain.issuer),
    publisher,
    progress: new LaneProgress(publisher),
    turns: new LaneTurns(),
    waiters: new DecisionWaiters(),
    decide: {
      pool,
      registry,
      profiles: new SpendingProfiles(),
      rules: rulesOf(number('SPENDGATE_ARTIFACT_LIFETIME_SECONDS')),
      issuer: 'ready',
      auditLateMsMax: number('SPENDGATE_AUDIT_LATE'),
      naming: { issuer: domain.issuer, artifactKid: signer.kid, publicUrl: logUrlOf(runtime), salts },
      refusalEvents: bucketsOf(number('SPENDGATE_REFUSAL_EVENTS_PER_SECOND')),
      cpu: (stage, act) => metrics.cpu(stage, act),
    },
    renderFromMemory: (committed) => (rows, lease) =>
      renderEvents(rows, lease, { ...render, claims: () => Promise.resolve(claimsOf(committed)) }),
  };
}

function bucketsOf(perSecond: number): TokenBuckets {
  return new TokenBuckets({ perSecond, burst: perSecond });
}

/** Ten seconds' worth at once: agents attest together after a release. */
function attestersOf(perSecond: number): TokenBuckets {
  return new TokenBuckets({ perSecond, burst: perSecond * 10 });
}

function rulesOf(artifactLifetimeSeconds: number): AdmissionRules {
  return { rulesVersion: RULES_VERSION, artifactLifetimeSeconds, currencies: ISO_4217 };
}

/** Without its artifact key a role that issues artifacts has nothing to do: it does not start. */
function signerOf(runtime: Runtime): Signer {
  const { artifact } = runtime.keys;
  if (artifact === undefined) throw new InvariantError('ERR_KEY_MISSING', 'the authorizer was given no artifact key');
  return artifact;
}

function claimsOf({ decisions }: Committed): ReadonlyMap<string, StoredClaims> {
  return new Map(decisions.flatMap(({ artifact }) => (artifact === null ? [] : [[artifact.artifactId, artifact]])));
}

/** Where the log role serves status lists: artifacts name it, and with roles apart it is not this process. */
function logUrlOf({ settings, domain }: Runtime): string {
  const { SPENDGATE_LOG_URL: url } = settings;
  return typeof url === 'string' ? url.replace(/\/+$/, '') : domain.publicUrl;
}
