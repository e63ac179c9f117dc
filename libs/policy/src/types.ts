import { SpendgateError } from '@spendgate/core';

/** What Cedar may see of a context attribute: no floats, no records, no entity escapes (`__entity`, `__extn`). */
export type PolicyValue = string | boolean | number | bigint | readonly string[];

/** One question: may this agent do this at this counterparty? Every fact is in `context`, none in entities. */
export interface PolicyRequest {
  /** Agent id. */
  readonly principal: string;
  /** Action id of the schema, `spend` in the default one. */
  readonly action: string;
  /** Counterparty id. */
  readonly resource: string;
  /** Attributes the schema declares; money as minor units of `currency` below 2^53, else the verdict is `error`. */
  readonly context: Readonly<Record<string, PolicyValue>>;
}

/** `error` denies like `deny`, under its own code: Cedar itself would skip an erring `forbid` and allow. */
export type PolicyOutcome = 'allow' | 'deny' | 'error';

export interface PolicyVerdict {
  readonly verdict: PolicyOutcome;
  readonly policyId: string;
  readonly version: number;
  /** Over every policy of the set, the schema and the engine's version. */
  readonly setHash: string;
  /** Over the policies that could apply, the schema and the engine's version; the artifact's `policy.hash`. */
  readonly hash: string;
  /** Ids of the policies the verdict rests on, sorted; for `error` those that failed. Empty: nothing permits it. */
  readonly deciding: readonly string[];
}

/** A policy set as it is stored: text in, nothing derived. */
export interface PolicySource {
  readonly policyId: string;
  readonly version: number;
  /** Cedar policy text. `@id("…")` names a policy; without it the name comes from its content. */
  readonly policyText: string;
  /** Cedar schema text. */
  readonly schemaText: string;
}

/** The text is no policy set we run: it does not parse, does not validate strictly, or leaves our subset of Cedar. */
export class PolicyLoadError extends SpendgateError {
  constructor(
    readonly policyId: string,
    /** One sentence per problem, with the policy it is in; at most 20. */
    readonly problems: readonly string[],
  ) {
    super('ERR_POLICY_LOAD', `policy set "${policyId}" does not load: ${problems.join('; ')}`);
  }
}
