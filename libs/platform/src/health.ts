import { isNativeError } from 'node:util/types';
export interface HealthResult {
  readonly ok: boolean;
  /** What is wrong and what mends it; or a figure worth showing. */
  readonly detail?: string;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];
}

export type HealthCheck = () => HealthResult | Promise<HealthResult>;

/** A check that does not answer counts as failed: not knowing is not being ready. */
const CHECK_WAIT_MS = 2_000;

/** Named readiness checks; `/readyz` answers 200 only when all of them hold. */
export class HealthRegistry {
  private readonly checks = new Map<string, HealthCheck>();

  /** A second check of the same name replaces the first. @returns takes the check away again */
  register(name: string, check: HealthCheck): () => void {
    this.checks.set(name, check);
    return () => {
      if (this.checks.get(name) === check) this.checks.delete(name);
    };
  }

  async report(): Promise<HealthReport> {
    const checks = await Promise.all(
      [...this.checks].map(async ([name, check]) => ({ name, ...(await answer(check)) })),
    );
    return { ready: checks.every((each) => each.ok), checks };
  }
}

async function answer(check: HealthCheck): Promise<HealthResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HealthResult>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: `no answer in ${CHECK_WAIT_MS} ms` }), CHECK_WAIT_MS);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch (error) {
    return { ok: false, detail: isNativeError(error) ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
