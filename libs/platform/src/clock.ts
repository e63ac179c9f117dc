/** Where time comes from. A port because two exist: the machine's clock, and the tests' hand-moved one. */
export interface Clock {
  /** Unix epoch milliseconds, an integer. */
  nowMs(): number;
}

/** The machine's clock. Decisions never use it: they are judged by the database clock, read after the locks. */
export const systemClock: Clock = { nowMs: () => Date.now() };
