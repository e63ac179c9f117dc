/** What `verify log` says, in this order. `history` and `witnesses` only when there is something to hold it against. */
export const LOG_STATEMENTS = ['checkpoint', 'leaves', 'tiles', 'tree', 'history', 'witnesses'] as const;
export type LogStatementName = (typeof LOG_STATEMENTS)[number];

export interface LogStatement {
  readonly name: LogStatementName;
  readonly holds: boolean;
  /** First leaf that is not as it must be, where that can be said. */
  readonly first_bad: number | null;
  readonly detail: string;
}

export interface LogReport {
  readonly valid: boolean;
  readonly origin: string | null;
  readonly size: number | null;
  /** base64. */
  readonly root: string | null;
  /** `log`: the keys are the log's own word. */
  readonly trust: 'given' | 'log';
  readonly statements: readonly LogStatement[];
}
