import type { LaneLease } from '@spendgate/store';

/**
 * One act at a time per lane of this process. The database would keep two apart, but not in what order their events are
 * sent, and a lane's events go out in the order they were written.
 */
export class LaneTurns {
  private readonly last = new Map<number, Promise<unknown>>();

  take<T>({ laneId }: LaneLease, act: () => Promise<T>): Promise<T> {
    const before = this.last.get(laneId) ?? Promise.resolve();
    const turn = before.then(act);
    this.last.set(
      laneId,
      turn.catch(() => undefined), // its caller sees it; the next one's turn comes all the same
    );
    return turn;
  }
}
