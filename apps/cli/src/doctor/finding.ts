/** One condition looked at. */
export interface Finding {
  readonly name: string;
  /** `null`: not asked, because what it needs is not there. */
  readonly ok: boolean | null;
  /** What was found. */
  readonly detail: string;
  /** The command or setting that mends it. */
  readonly mend: string | null;
}

export const met = (name: string, detail: string): Finding => ({ name, ok: true, detail, mend: null });
export const unmet = (name: string, detail: string, mend: string): Finding => ({ name, ok: false, detail, mend });
export const notAsked = (name: string, because: string): Finding => ({ name, ok: null, detail: because, mend: null });

/** Runs a check; what it throws is a finding, so that one broken condition does not hide the others. */
export async function look(name: string, mend: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    return unmet(name, error instanceof Error ? error.message : String(error), mend);
  }
}
