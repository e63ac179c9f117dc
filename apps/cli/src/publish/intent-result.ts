import type { Answer } from '@spendgate/client';

/** One line of `intents publish --wait`: what became of one intent. */
export interface IntentResult {
  readonly jti: string;
  /** `refused`: not judged at all (form, signature, rate); `accepted`: in the log, not decided yet. */
  readonly outcome: 'authorized' | 'denied' | 'parked' | 'refused' | 'accepted';
  readonly code: string | null;
  readonly artifact_id: string | null;
  /** The signed artifact, compact JWS. */
  readonly artifact: string | null;
}

const DECIDED = ['authorized', 'denied', 'parked'] as const;

/** Reads a door's answer: it names its outcome once there is a decision; a refusal carries the code only. */
export function intentResult(jti: string, { status, body }: Answer): IntentResult {
  const text = (name: string): string | null => {
    const value = body[name];
    return typeof value === 'string' ? value : null;
  };
  const code = text('code');
  const outcome = DECIDED.find((each) => each === body.outcome) ?? outcomeOf(status, text('decision') !== null);
  return { jti, outcome, code, artifact_id: text('artifact_id'), artifact: text('artifact') };
}

/** In the log, and not decided as far as this caller knows. */
export function acceptedResult(jti: string): IntentResult {
  return { jti, outcome: 'accepted', code: null, artifact_id: null, artifact: null };
}

function outcomeOf(status: number, decided: boolean): IntentResult['outcome'] {
  if (status === 201) return 'authorized';
  if (status === 202) return decided ? 'parked' : 'accepted';
  return decided ? 'denied' : 'refused';
}

/** Counts by outcome and code, for the summary: `authorized` or `denied budget_exceeded`. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add({ outcome, code }: Pick<IntentResult, 'outcome' | 'code'>): void {
    const name = code === null ? outcome : `${outcome} ${code}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Most frequent first. */
  rows(): { outcome: string; count: number }[] {
    return [...this.counts].map(([outcome, count]) => ({ outcome, count })).sort((a, b) => b.count - a.count);
  }
}
