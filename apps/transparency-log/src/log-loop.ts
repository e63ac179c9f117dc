import { isNativeError } from 'node:util/types';
import type { Signer } from '@spendgate/artifact';
import { InvariantError } from '@spendgate/core';
import type { Logger, Metrics } from '@spendgate/platform';
import {
  LogLost,
  type Pool,
  type WitnessAnswers,
  acquireLog,
  confirmLog,
  readLastCheckpoint,
  readLogAcceptance,
  recordWitnessAnswers,
  releaseLog,
  renewLog,
} from '@spendgate/store';
import { IntegrateLeaves } from './integrating/integrate-leaves.js';
import type { PublishCheckpoints } from './signing/publish-checkpoints.js';
import { SignHead } from './signing/sign-head.js';
import type { Witnesses } from './signing/witnesses.js';

export interface LoopTiming {
  /** Pause between two batches while there are leaves, ms. */
  readonly paceMs: number;
  /** Longest pause while there are none, ms. */
  readonly idleMs: number;
  readonly leaseMs: number;
  readonly batchMax: number;
}

export interface LogIdentity {
  readonly origin: string;
  /** The domain's issuer: what two people accept names it. */
  readonly issuer: string;
  readonly signer: Signer;
  /** Names this process in the lease. */
  readonly owner: string;
}

/** What the loop is doing, for health. */
export interface LoopStatus {
  readonly role: 'starting' | 'standby' | 'active' | 'stopped';
  /** Why it does not go on until someone looks; absent while it does. */
  readonly reason?: string;
  /** Two people stand in for witnesses that are silent. */
  readonly accepted?: true;
  readonly treeSize: number;
  readonly signedSize: number;
}

/** The active log's parts, thrown away as a whole when anything fails: the database is the truth. */
interface Active {
  readonly integrate: IntegrateLeaves;
  readonly sign: SignHead;
  renewedAt: number;
  signedAt: number;
  confirmed: boolean;
  /** What the database says the witnesses answered. */
  told: WitnessAnswers | null;
  lookedAt: number;
}

/** While catching up, sign at most this often: what is behind is soon in the next checkpoint anyway. */
const SIGN_WHILE_BEHIND_MS = 200;
/** Between two looks whether people accepted a log whose witnesses are silent. */
const ACCEPTANCE_LOOK_MS = 500;
const RETRY_MS = { first: 50, max: 5_000 };

/**
 * Runs the log: becomes the active one or stands by, integrates, signs, publishes; fast while there are leaves, nearly
 * free while there are none.
 */
export class LogLoop {
  private active: Active | undefined;
  private status: LoopStatus = { role: 'starting', treeSize: 0, signedSize: -1 };
  private running: Promise<void> | undefined;
  private stopping = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
    private readonly log: LogIdentity,
    private readonly publish: PublishCheckpoints,
    private readonly witnesses: Witnesses,
    private readonly timing: LoopTiming,
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  /** Ends after the batch at hand and hands the lease over. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake?.();
    await this.running;
    if (this.active !== undefined) await releaseLog(this.pool, this.active.integrate.epoch).catch(() => undefined);
    await this.publish.stop();
    await this.witnesses.stop();
  }

  report(): LoopStatus {
    return this.status;
  }

  private async run(): Promise<void> {
    let idleMs = 1;
    let retryMs = RETRY_MS.first;
    while (!this.stopping) {
      try {
        const done = await this.turn();
        retryMs = RETRY_MS.first;
        idleMs = done === 'idle' ? Math.min(idleMs * 2, this.timing.idleMs) : 1;
        if (done === 'standby') await this.pause(this.timing.leaseMs / 3);
        if (done === 'idle') await this.pause(idleMs);
        if (done === 'busy') await this.pause(this.timing.paceMs);
      } catch (error) {
        this.fail(error);
        await this.pause(retryMs);
        retryMs = Math.min(retryMs * 2, RETRY_MS.max);
      }
    }
  }

  private async turn(): Promise<'standby' | 'idle' | 'busy' | 'behind'> {
    const active = this.active ?? (await this.takeOver());
    if (active === undefined) return 'standby';
    const { integrate, sign } = active;
    const { leaves, more, head } = await integrate.execute();
    const now = performance.now();
    if (leaves > 0) active.renewedAt = now;
    const isDue = head.size > sign.signedSize && (!more || now - active.signedAt > SIGN_WHILE_BEHIND_MS);
    await this.confirm(active);
    const mayLead = this.witnesses.mayLead();
    if (isDue && mayLead) {
      const note = await this.metrics.wall('log_sign', () => sign.execute(integrate.epoch, head));
      this.publish.offer(note);
      this.witnesses.offer(head.size, note);
      active.signedAt = now;
    }
    const accepted = this.witnesses.isAccepted ? { accepted: true as const } : {};
    const held = mayLead ? accepted : { reason: 'fewer witnesses than the quorum cosigned the last checkpoint' };
    this.status = { role: 'active', ...held, treeSize: head.size, signedSize: sign.signedSize };
    if (more) return 'behind';
    if (leaves > 0) return 'busy';
    if (now - active.renewedAt > this.timing.leaseMs / 3) {
      await renewLog(this.pool, integrate.epoch, this.timing.leaseMs);
      active.renewedAt = now;
    }
    return 'idle';
  }

  /** Tells the database what the witnesses said, and once that the history stands: by their word, or by two people's. */
  private async confirm(active: Active): Promise<void> {
    const { epoch } = active.integrate;
    const { answers } = this.witnesses;
    if (answers !== null && answers !== active.told) {
      await recordWitnessAnswers(this.pool, epoch, answers);
      active.told = answers;
    }
    if (active.confirmed) return;
    if (!this.witnesses.isConfirmed && !(await this.isAccepted(active, answers))) return;
    await confirmLog(this.pool, epoch);
    active.confirmed = true;
  }

  /** Silence only, of all who did not cosign, after each was asked by this process. */
  private async isAccepted(active: Active, answers: WitnessAnswers | null): Promise<boolean> {
    const { signed } = active.sign;
    const now = performance.now();
    if (answers === null || answers.objecting.length > 0 || signed === undefined) return false;
    if (now - active.lookedAt < ACCEPTANCE_LOOK_MS) return false;
    active.lookedAt = now;
    const { epoch } = active.integrate;
    const people = await readLogAcceptance(this.pool, { issuer: this.log.issuer, epoch, ...signed });
    if (people === undefined) return false;
    this.logger.warn(`${people.join(' and ')} accepted the log at ${signed.size} leaves without its witnesses`);
    this.witnesses.accept();
    return true;
  }

  private async takeOver(): Promise<Active | undefined> {
    const { pool, timing, log } = this;
    const state = await acquireLog(pool, log.owner, timing.leaseMs, this.witnesses.quorum);
    if (state === undefined) {
      this.status = { role: 'standby', treeSize: this.status.treeSize, signedSize: this.status.signedSize };
      return undefined;
    }
    const sign = await SignHead.resume(pool, log.origin, log.signer);
    const integrate = await IntegrateLeaves.resume(pool, this.metrics, timing, state);
    const last = await readLastCheckpoint(pool);
    this.witnesses.takeOver(last === undefined ? undefined : { size: last.treeSize, note: last.note });
    this.logger.log(`the transparency log is active with ${state.treeSize} leaves`);
    const fresh = { signedAt: 0, confirmed: false, told: null, lookedAt: Number.NEGATIVE_INFINITY };
    this.active = { integrate, sign, renewedAt: performance.now(), ...fresh };
    return this.active;
  }

  /** A defect or an edited row stops the log until it is mended: it looks again, and says so each time it changes. */
  private fail(error: unknown): void {
    this.active = undefined;
    const { treeSize, signedSize } = this.status;
    if (error instanceof LogLost) {
      this.status = { role: 'standby', treeSize, signedSize };
      return;
    }
    const reason = isNativeError(error) ? error.message : String(error);
    if (reason !== this.status.reason) {
      if (error instanceof InvariantError) this.logger.error('the transparency log stopped', error);
      else this.logger.warn('the transparency log waits', error);
    }
    this.status = { role: 'stopped', reason, treeSize, signedSize };
  }

  private pause(ms: number): Promise<void> {
    if (ms === 0 || this.stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
