/** What every verb exits with. Scripts rely on these; a verb's help names the ones it uses. */
export const EXIT = {
  /** Done; for `verify`: valid. */
  ok: 0,
  /** Could not run: wrong usage, file not found, service not reachable. */
  couldNotRun: 1,
  /** Ran, and the answer is no: denied, not valid, a difference found. */
  denied: 2,
} as const;
