import { PolicyLoadError, PolicySet, type PolicySource } from '@spendgate/policy';

/** Sets kept loaded; a domain has a handful, and each activation makes a new version. */
const SETS_MAX = 64;

/** Loaded policy sets by version. A set that does not load is remembered as such: every decision under it is denied. */
export class PolicySets {
  private readonly sets = new Map<string, PolicySet | 'unavailable'>();

  constructor(private readonly report: (problem: string) => void) {}

  get(source: PolicySource & { readonly setHash: string }): PolicySet | 'unavailable' {
    const key = `${source.policyId} ${source.version} ${source.setHash}`;
    const known = this.sets.get(key);
    if (known !== undefined) return known;
    const loaded = this.load(source);
    this.sets.set(key, loaded);
    if (this.sets.size > SETS_MAX) {
      const oldest = this.sets.keys().next();
      if (oldest.done !== true) this.sets.delete(oldest.value);
    }
    return loaded;
  }

  private load(source: PolicySource & { readonly setHash: string }): PolicySet | 'unavailable' {
    try {
      const set = PolicySet.load(source);
      // Other text under the recorded hash: somebody edited the row. Nothing is decided on it.
      if (set.setHash === source.setHash) return set;
      this.report(`policy ${source.policyId} version ${source.version} is not the text that was activated`);
    } catch (error) {
      if (!(error instanceof PolicyLoadError)) throw error;
      this.report(error.message);
    }
    return 'unavailable';
  }
}
