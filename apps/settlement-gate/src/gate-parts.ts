import type { Signer } from '@spendgate/artifact';
import { InvariantError } from '@spendgate/core';
import { DeadLetters, OutboxPublisher, type Runtime } from '@spendgate/messaging';
import { TokenBuckets } from '@spendgate/platform';
import { PolicySets } from '@spendgate/policy';
import { type SaltSource, locateSettlements, randomSalts } from '@spendgate/store';
import { LaneEvents } from './publishing/lane-events.js';
import { renderEvents } from './publishing/render-events.js';
import { RailCaller } from './rails/rail-caller.js';
import type { RailPort } from './rails/rail-port.js';
import { SimulatedRail } from './rails/simulated-rail.js';
import { ALL_VERIFIED, type TrustSource } from './settling/gate-facts.js';
import { GateDoor } from './settling/gate-door.js';
import { GateLane } from './settling/gate-lane.js';
import { SettleBatch } from './settling/settle-batch.js';
import { LeafWriter } from './settling/settlement-leaves.js';

/** Lanes of what this process decides without a partition. */
export const LANE_PREFIXES = { http: 'gate-http', sweep: 'gate-sweep' } as const;
export const SIMULATED_RAIL = 'simulated';

/** What the gate's use cases share: made once per process from the runtime. */
export interface GateParts {
  readonly runtime: Runtime;
  readonly receiptSigner: Signer;
  readonly policies: PolicySets;
  readonly leafWriter: LeafWriter;
  readonly settle: SettleBatch;
  readonly events: LaneEvents;
  readonly httpLane: GateLane;
  readonly sweepLane: GateLane;
  readonly door: GateDoor;
  readonly caller: RailCaller;
  readonly simulatedRail: SimulatedRail;
  readonly managed: readonly string[];
  readonly presenterRate: TokenBuckets;
  readonly trust: TrustSource;
  readonly deadLetters: DeadLetters;
  numberOf(setting: string): number;
}

/** What a test or a later role may bring of its own. */
export interface GateOverrides {
  readonly salts?: SaltSource;
  readonly trust?: TrustSource;
  /** Rails beside the simulated one, by the name counterparties carry. */
  readonly rails?: ReadonlyMap<string, RailPort>;
  readonly lateAfterMs?: number;
}

export function createGateParts(runtime: Runtime, overrides: GateOverrides = {}): GateParts {
  const { pool, registry, clock, logger, metrics, domain, transport } = runtime;
  const numberOf = (name: string): number => settingOf(runtime, name);
  const { receipt } = runtime.keys;
  if (receipt === undefined) throw new InvariantError('ERR_KEY_MISSING', 'the gate was given no receipt key');
  const policies = new PolicySets((problem) => logger.error(problem));
  const leafWriter = new LeafWriter(domain.issuer, overrides.salts ?? randomSalts);
  const trust = overrides.trust ?? (() => ALL_VERIFIED);
  // The rail reports back through the caller, which needs the rail: the arrow closes the ring after both exist.
  const simulatedRail = new SimulatedRail(
    clock,
    (transferId, report) => caller.report(SIMULATED_RAIL, transferId, report),
    overrides.lateAfterMs,
  );
  const rails = new Map<string, RailPort>([[SIMULATED_RAIL, simulatedRail], ...(overrides.rails ?? [])]);
  const publisher = new OutboxPublisher(pool, transport, (rows) => Promise.resolve(renderEvents(rows, domain.issuer)));
  const events = new LaneEvents(publisher, logger);
  const options = {
    issuer: domain.issuer,
    outcomeDueMs: numberOf('SPENDGATE_OUTCOME_DUE_SECONDS') * 1_000,
    trust,
    auditLateMsMax: numberOf('SPENDGATE_AUDIT_LATE'),
    isManaged: (rail: string) => rails.has(rail),
  };
  const settle = new SettleBatch(pool, registry, policies, leafWriter, options, metrics);
  const takeOver = (lease: Parameters<LaneEvents['takeOver']>[0]): Promise<void> => events.takeOver(lease);
  const httpLane = new GateLane(pool, LANE_PREFIXES.http, logger, clock, takeOver);
  const sweepLane = new GateLane(pool, LANE_PREFIXES.sweep, logger, clock, takeOver);
  const perSecond = numberOf('SPENDGATE_PRESENTER_REQUESTS_PER_SECOND');
  const presenterRate = new TokenBuckets({ perSecond, burst: perSecond * 10 });
  const door = new GateDoor({
    issuer: domain.issuer,
    clock,
    logger,
    registry,
    policies,
    settle,
    lane: httpLane,
    events,
    presenterRate,
    onTransfers: (transfers) => caller.call(transfers),
  });
  const sink = {
    artifactOf: async (id: string) => (await locateSettlements(pool, [id])).get(id),
    submit: (item: Parameters<GateDoor['submit']>[0]) => door.submit(item),
  };
  const caller = new RailCaller(rails, sink, clock, logger, numberOf('SPENDGATE_RAIL_TIMEOUT_MS'));
  const deadLetters = new DeadLetters(transport, clock, domain.issuer);
  const managed = [...rails.keys()];
  return {
    runtime, receiptSigner: receipt, policies, leafWriter, settle, events, httpLane, sweepLane, door, caller,
    simulatedRail, managed, presenterRate, trust, deadLetters, numberOf,
  }; // prettier-ignore
}

function settingOf({ settings }: Runtime, name: string): number {
  // The table is joined at start, so its names are known at run time only.
  const value: unknown = (settings as Readonly<Record<string, unknown>>)[name];
  if (typeof value !== 'number') throw new InvariantError('ERR_SETTING_MISSING', name);
  return value;
}
