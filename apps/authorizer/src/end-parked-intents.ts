import { InvariantError } from '@spendgate/core';
import { type LaneLease, LaneLost, RegistryMoved, readDueIntents } from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import { type Committed, decideInTransaction } from './deciding/decide-in-transaction.js';
import { evaluatePolicies, needsOf } from './deciding/facts.js';
import { type TakenUp, takeUp } from './deciding/take-up.js';
import { verifyGiven } from './intake/given-approvals.js';
import { withApprovers } from './intake/verify-approval.js';
import { publishCommitted } from './publishing/publish-committed.js';

/** Intents of one transaction: while it runs, their flows and trees stand still. */
const INTENTS_MAX = 64;
/** Control acts that may come between one turn's facts and its locks; the next sweep tries again. */
const REDOS_MAX = 20;

/**
 * Ends a lane's intents whose wait is over (I2): each is decided once more, by the same rules and in the same kind of
 * transaction as a record, and the decision supersedes the one by which it waited. The lane's owner alone does it, also
 * when no record comes. Nothing of the log is taken, so the lane's offset stays.
 */
export class EndParkedIntents {
  constructor(private readonly parts: AuthorizerParts) {}

  /**
   * @returns intents ended; call again while there are any
   * @throws {DependencyError} nothing of this turn is committed, or what is will be sent by the lane's next turn
   */
  execute(lane: LaneLease): Promise<number> {
    return this.parts.turns.take(lane, async () => {
      const { progress, publisher } = this.parts;
      try {
        await progress.takeOver(lane);
        const committed = await this.decide(lane);
        if (committed === undefined) return 0;
        await publishCommitted(this.parts, lane, committed);
        await publisher.markThrough(lane, progress.through(lane));
        return committed.decisions.length;
      } catch (error) {
        if (error instanceof LaneLost) progress.lost(lane);
        else progress.doubt(lane);
        throw error;
      }
    });
  }

  private async decide(lane: LaneLease): Promise<Committed | undefined> {
    const { decide } = this.parts;
    const read = (await readDueIntents(decide.pool, lane.laneId, INTENTS_MAX)).map((row) => takeUp(row, lane.name));
    const due = read.flatMap((each) => (each instanceof InvariantError ? [] : [each]));
    const damaged = read.find((each) => each instanceof InvariantError);
    if (due.length === 0 && damaged !== undefined) throw damaged; // said only when nothing else waits behind it
    if (due.length === 0) return undefined;
    for (let redo = 0; ; redo += 1) {
      try {
        return await this.decideOnce(lane, due);
      } catch (error) {
        if (!(error instanceof RegistryMoved) || redo === REDOS_MAX) throw error;
      }
    }
  }

  private async decideOnce(lane: LaneLease, due: readonly TakenUp[]): Promise<Committed> {
    const { registry, policies, decide, progress, clock } = this.parts;
    const candidates = due.map(({ candidate }) => candidate);
    const facts = await registry.at(
      withApprovers(
        needsOf(candidates),
        due.flatMap(({ given }) => given),
      ),
    );
    const verdicts = evaluatePolicies(candidates, facts, policies, decide.rules.currencies);
    const verifying = { facts, issuer: decide.naming.issuer, atMs: clock.nowMs() };
    const intents = await Promise.all(
      due.map(async ({ candidate, waiting, given }, index) => ({
        ...{ candidate, waiting, policy: verdicts[index] ?? ('unknown' as const) },
        given: await verifyGiven(given, verifying),
      })),
    );
    const publishedThrough = progress.through(lane);
    return decideInTransaction({ lane, offsets: null, intents, refusals: [], facts, publishedThrough }, decide);
  }
}
