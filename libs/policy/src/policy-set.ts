import { hashJsonText } from '@spendgate/codec';
import { ENGINE, ParsedSlice } from './cedar.js';
import { loadPolicies } from './load.js';
import type { LoadedPolicy } from './load.js';
import { projectionKey, projectionOf } from './projection.js';
import type { Projection } from './projection.js';
import { ScopeIndex } from './slices.js';
import type { PolicyOutcome, PolicyRequest, PolicySource, PolicyVerdict } from './types.js';

/** Bounds of what one set remembers, some tens of MB; the oldest goes first. */
const SLICES_MAX = 20_000;
const SCOPES_MAX = 50_000;
const ANSWERS_MAX = 50_000;

interface Answer {
  readonly verdict: PolicyOutcome;
  readonly deciding: readonly string[];
}
const INEXACT: Answer = { verdict: 'error', deciding: [] };

/** The policies that can apply to some requests, with the hash an artifact carries. */
interface Slice {
  readonly number: number;
  readonly hash: string;
  readonly policyIds: readonly string[];
  readonly parsed: ParsedSlice;
  readonly projection: Projection;
}

/** One immutable version of a policy set. Everything remembered is a pure function of it, so nothing can be stale. */
export class PolicySet {
  private readonly index: ScopeIndex;
  private readonly scopes = new Map<string, Slice>();
  private readonly slices = new Map<string, Slice>();
  private readonly answers = new Map<string, PolicyVerdict>();
  private slicesMade = 0;

  private constructor(
    readonly policyId: string,
    readonly version: number,
    readonly setHash: string,
    private readonly schemaText: string,
    private readonly schemaName: string,
    policies: readonly LoadedPolicy[],
  ) {
    this.index = new ScopeIndex(policies);
  }

  /** @throws {PolicyLoadError} the text does not parse, validate strictly, or keep to the supported subset of Cedar */
  static load(source: PolicySource): PolicySet {
    const { policies, schemaName } = loadPolicies(source);
    const setHash = hashPolicies(policies, source.schemaText);
    return new PolicySet(source.policyId, source.version, setHash, source.schemaText, schemaName, policies);
  }

  /** The policies that could apply to a request, and their hash: what the artifact is bound to. */
  slice(request: Pick<PolicyRequest, 'principal' | 'action' | 'resource'>): {
    hash: string;
    policyIds: readonly string[];
  } {
    const { hash, policyIds } = this.sliceOf(request);
    return { hash, policyIds };
  }

  /**
   * Evaluates a batch, each distinct question once. Synchronous; about 50 µs for a question never asked before. Equal
   * questions are answered by the same object.
   *
   * Any error denies as `error`: a request the schema does not know, an amount at or above 2^53, an erring policy of
   * either effect.
   */
  evaluate(requests: readonly PolicyRequest[]): PolicyVerdict[] {
    return requests.map((request) => this.answer(this.sliceOf(request), request));
  }

  private answer(slice: Slice, request: PolicyRequest): PolicyVerdict {
    if (!Object.values(request.context).every(isExact)) return this.verdictOf(slice, INEXACT);
    const key = `${slice.number}\n${request.action}\n${projectionKey(slice.projection, request)}`;
    const known = this.answers.get(key);
    if (known !== undefined) return known;
    const verdict = this.verdictOf(slice, ask(slice.parsed, request));
    remember(this.answers, key, verdict, ANSWERS_MAX);
    return verdict;
  }

  private verdictOf({ hash }: Slice, { verdict, deciding }: Answer): PolicyVerdict {
    const { policyId, version, setHash } = this;
    return { verdict, policyId, version, setHash, hash, deciding };
  }

  /** Who buys where hardly changes from one intent to the next, and finding the buckets costs as much as the answer. */
  private sliceOf({ principal, action, resource }: Pick<PolicyRequest, 'principal' | 'action' | 'resource'>): Slice {
    const scope = `${principal}\n${action}\n${resource}`;
    const known = this.scopes.get(scope);
    if (known !== undefined) return known;
    const slice = this.findSlice({ principal, action, resource });
    remember(this.scopes, scope, slice, SCOPES_MAX);
    return slice;
  }

  private findSlice(request: Pick<PolicyRequest, 'principal' | 'action' | 'resource'>): Slice {
    const buckets = this.index.bucketsFor(request.principal, request.action, request.resource);
    const name = buckets.join('\n');
    const known = this.slices.get(name);
    if (known !== undefined) return known;
    const policies = this.index.policiesOf(buckets);
    const slice: Slice = {
      number: this.slicesMade++,
      hash: hashPolicies(policies, this.schemaText),
      policyIds: policies.map(({ id }) => id),
      parsed: ParsedSlice.of(new Map(policies.map(({ id, text }) => [id, text])), this.schemaName),
      projection: projectionOf(policies.map(({ json }) => json.conditions)),
    };
    remember(this.slices, name, slice, SLICES_MAX);
    return slice;
  }
}

function ask(parsed: ParsedSlice, request: PolicyRequest): Answer {
  const context: Record<string, string | boolean | number | string[]> = {};
  for (const [name, value] of Object.entries(request.context)) {
    context[name] = typeof value === 'bigint' ? Number(value) : typeof value === 'object' ? [...value] : value;
  }
  const answer = parsed.ask(request.principal, request.action, request.resource, context);
  if (answer.type === 'failure') return { verdict: 'error', deciding: [] };
  const { decision, diagnostics } = answer.response;
  if (diagnostics.errors.length > 0) {
    return { verdict: 'error', deciding: diagnostics.errors.map(({ policyId }) => policyId).sort() };
  }
  return { verdict: decision === 'allow' ? 'allow' : 'deny', deciding: [...diagnostics.reason].sort() };
}

/** Numbers cross into the engine as doubles; only a safe integer arrives as the number it was. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  if (Array.isArray(value)) return value.every((member) => typeof member === 'string');
  return typeof value === 'string' || typeof value === 'boolean';
}

function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  if (map.size >= max) {
    const oldest = map.keys().next();
    if (oldest.done !== true) map.delete(oldest.value);
  }
  map.set(key, value);
}

function hashPolicies(policies: readonly LoadedPolicy[], schemaText: string): string {
  return hashJsonText({ ...ENGINE, schema: schemaText, policies: policies.map(({ id, text }) => ({ id, text })) });
}
