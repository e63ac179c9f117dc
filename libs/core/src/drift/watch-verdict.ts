import type { WatchVerdict } from '../admission/types.js';

/** How the domain as a whole is watched, as a deciding transaction reads it. Times in Unix ms. */
export interface DomainWatch {
  /** Policies, keys and epochs: `broken` when a row is not what a signed act says. */
  readonly governance: WatchVerdict;
  /** First instant at which the watch over the domain is overdue. */
  readonly dueAtMs: number;
  /** A flow with live artifacts is overdue when it was last verified longer ago than this. */
  readonly flowWatchMs: number;
}

/** What a flow has that must be watched. */
export interface WatchedFlowFacts {
  /** Last verified, Unix ms; `null`: on no list of flows that are watched. */
  readonly verifiedAtMs: number | null;
  /** Whether an artifact of it is live for certain: such a flow is on the list, or somebody took it off. */
  readonly isLive: boolean;
}

/**
 * Whether continuous verification can be relied on for a flow. Anything but `verified` denies, and heals by itself once
 * somebody has looked again.
 *
 * @param domain `null`: no detector was ever started, so nothing is promised and nothing overdue
 */
export function watchVerdict(
  domain: DomainWatch | null,
  { verifiedAtMs, isLive }: WatchedFlowFacts,
  judgedAtMs: number,
): WatchVerdict {
  if (domain === null) return 'verified';
  if (!(judgedAtMs < domain.dueAtMs)) return 'stale';
  if (verifiedAtMs === null) return isLive ? 'unknown' : 'verified';
  return judgedAtMs < verifiedAtMs + domain.flowWatchMs ? 'verified' : 'stale';
}

/** Share of the watch time after which the sweep looks again, and half of that after which a decision says it looked. */
const LOOK_SHARE = 1 / 2;
const TOUCH_SHARE = 1 / 4;

/** How long after it was verified the sweep visits a flow nobody used meanwhile, ms: in time for two attempts. */
export function sweepAfterMs(flowWatchMs: number): number {
  return flowWatchMs * LOOK_SHARE;
}

/**
 * Whether a decision that verified a flow writes so: not each time, so that a busy flow costs a row in a while; soon
 * enough that the sweep need not visit it.
 */
export function isWorthTouching(
  domain: DomainWatch | null,
  { verifiedAtMs }: Pick<WatchedFlowFacts, 'verifiedAtMs'>,
  judgedAtMs: number,
): boolean {
  if (domain === null) return false;
  return verifiedAtMs === null || judgedAtMs - verifiedAtMs > domain.flowWatchMs * TOUCH_SHARE;
}
