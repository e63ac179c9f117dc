/** Something broke. A denial is never an error: it is a value with a code. */
export abstract class SpendgateError extends Error {
  /** @param code stable, `ERR_` and what went wrong */
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${message}`, options);
    this.name = new.target.name;
  }
}

/** A state our own code rules out. Never retried: the batch wrapper in messaging contains the flow and goes on. */
export class InvariantError extends SpendgateError {}

/** Database, Kafka or key store failed before anything was decided. Retried by redelivery. */
export class DependencyError extends SpendgateError {}
