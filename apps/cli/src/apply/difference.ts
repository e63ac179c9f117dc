import { type ControlAct, type Pool, inControlAct } from '@spendgate/store';
import type { Change } from './change.js';
import { enactChange } from './enact-change.js';

/** What a change does, by kind of thing: `mandate registered 3 …`. */
export interface DifferenceRow {
  readonly what: string;
  readonly change: string;
  readonly count: number;
  readonly ids: readonly string[];
}

/** Notes what an act records while it goes on. */
export class Difference {
  private readonly byKind = new Map<string, { what: string; change: string; ids: string[] }>();

  /** The same act, watched. */
  watch(act: ControlAct): ControlAct {
    return {
      ...act,
      record: (entry) => {
        if (entry.event !== undefined && 'subject' in entry.event) this.add(entry.event.name, entry.event.subject);
        return act.record(entry);
      },
    };
  }

  rows(): DifferenceRow[] {
    return [...this.byKind.values()].map(({ what, change, ids }) => ({ what, change, count: ids.length, ids }));
  }

  /** `party_registered` of agent a-1 is a registered agent. */
  private add(name: string, { kind, id }: { kind: string; id: string }): void {
    const change = name.split('_').at(-1) ?? name;
    const known = this.byKind.get(`${kind} ${change}`) ?? { what: kind.replaceAll('_', ' '), change, ids: [] };
    known.ids.push(id);
    this.byKind.set(`${kind} ${change}`, known);
  }
}

/** Ends the trial of a change, and with it its transaction. */
class Trial extends Error {}

/**
 * Finds out what changes would do by doing them, one after another, and undoing all of it.
 *
 * @throws {StartError} they would be refused
 */
export async function readDifference(pool: Pool, change: Change): Promise<DifferenceRow[]> {
  const difference = new Difference();
  try {
    await inControlAct(pool, async (act) => {
      await enactChange(difference.watch(act), change);
      throw new Trial();
    });
  } catch (error) {
    if (!(error instanceof Trial)) throw error;
  }
  return difference.rows();
}
