import type { DriftEvent } from '@spendgate/core';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const HASHES = 65_536;

/** A stream of numbers that looks random and is the same for the same seed (xorshift, 32 bits). */
export class Draws {
  private state: number;
  private readonly hashes: readonly string[];

  constructor(seed: number, hashes?: readonly string[]) {
    this.state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
    for (let i = 0; i < 8; i += 1) this.next();
    this.hashes = hashes ?? Array.from({ length: HASHES }, () => this.text(20));
  }

  /** 0 to 1, 1 excluded. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Median and factor of one standard deviation. */
  logNormal(median: number, factor: number): number {
    return median * factor ** this.normal();
  }

  /** Of a table made once: a fresh hash an event would be most of the time of a run. */
  hash(): string {
    return this.hashes[this.below(this.hashes.length)] ?? '';
  }

  private text(length: number): string {
    return Array.from({ length }, () => LETTERS.charAt(this.below(64))).join('');
  }
}

export const NO_INTENT = '00000000-0000-0000-0000-000000000000';

export function eventOf(draws: Draws, event: Omit<DriftEvent, 'intentId' | 'hash' | 'appendedAtMs'>): DriftEvent {
  return { ...event, appendedAtMs: event.iatMs, intentId: NO_INTENT, hash: draws.hash() };
}
