import v8 from 'node:v8';
import cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { AuthorizationAnswer, Context, PolicyJson, SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';

export type { AuthorizationAnswer, PolicyJson };

/**
 * V8 11 (Node 20) aborts the process ("unreachable code" in the deoptimizer) when optimised code that inlined a call
 * into WebAssembly is deoptimised; 10,000 policies bring it about every time. Without that inlining it cannot happen.
 */
if (process.versions.v8.startsWith('11.')) v8.setFlagsFromString('--no-turbo-inline-js-wasm-calls');

/** Part of every hash: another engine may judge the same text differently. */
export const ENGINE = { engine: 'cedar', version: cedar.getCedarVersion() } as const;

/** Policies per call into the engine, so that one call stays short. */
const VALIDATE_CHUNK = 200;
/** Parsed slices the engine keeps. It cannot forget one, only overwrite it, so their names are reused in turn. */
const SLOTS = 8_192;

export type NamedPolicies = ReadonlyMap<string, string>;
export type Parsed<T> = { ok: true; value: T } | { ok: false; problems: string[] };

const messages = (errors: readonly { message: string }[]): string[] => errors.map((error) => error.message);
const asPolicySet = (policies: NamedPolicies) => ({
  staticPolicies: Object.fromEntries(policies),
  templates: {},
  templateLinks: [],
});

/** Splits a text into its policies. Templates are refused: nothing links them, so they would silently never apply. */
export function splitPolicies(text: string): Parsed<string[]> {
  const answer = cedar.policySetTextToParts(text);
  if (answer.type === 'failure') return { ok: false, problems: messages(answer.errors) };
  if (answer.policy_templates.length > 0) return { ok: false, problems: ['policy templates are not supported'] };
  return { ok: true, value: answer.policies };
}

export function parsePolicy(text: string): Parsed<PolicyJson> {
  const answer = cedar.policyToJson(text);
  return answer.type === 'success'
    ? { ok: true, value: answer.json }
    : { ok: false, problems: messages(answer.errors) };
}

export function parseSchema(text: string): Parsed<SchemaJson<string>> {
  const answer = cedar.schemaToJson(text);
  return answer.type === 'success'
    ? { ok: true, value: answer.json }
    : { ok: false, problems: messages(answer.errors) };
}

/** Strict validation; a warning counts as a problem, because it means a policy that can never apply as written. */
export function validatePolicies(schemaText: string, policies: NamedPolicies): string[] {
  const problems: string[] = [];
  const all = [...policies];
  for (let from = 0; from < all.length; from += VALIDATE_CHUNK) {
    const answer = cedar.validate({
      schema: schemaText,
      policies: asPolicySet(new Map(all.slice(from, from + VALIDATE_CHUNK))),
      validationSettings: { mode: 'strict' },
    });
    if (answer.type === 'failure') return messages(answer.errors);
    for (const found of [...answer.validationErrors, ...answer.validationWarnings]) {
      problems.push(`${found.policyId}: ${found.error.message}`);
    }
  }
  return problems;
}

const slotOwners: (object | undefined)[] = new Array<object | undefined>(SLOTS).fill(undefined);
let nextSlot = 0;

/** A slice the engine holds parsed, as long as its slot is not taken over; then it is parsed again. */
export class ParsedSlice {
  private slot = -1;
  private constructor(
    private readonly policies: NamedPolicies,
    private readonly schemaName: string,
  ) {}

  static of(policies: NamedPolicies, schemaName: string): ParsedSlice {
    return new ParsedSlice(policies, schemaName);
  }

  /** @returns the engine's answer; a failure to parse or to validate the request is `type: 'failure'`. */
  ask(principal: string, action: string, resource: string, context: Context): AuthorizationAnswer {
    if (this.slot < 0 || slotOwners[this.slot] !== this) {
      this.slot = nextSlot;
      nextSlot = (nextSlot + 1) % SLOTS;
      slotOwners[this.slot] = undefined; // should parsing fail, nobody may use what the slot held before
      const parsed = cedar.preparsePolicySet(`slot-${this.slot}`, asPolicySet(this.policies));
      if (parsed.type === 'failure') return { type: 'failure', errors: parsed.errors, warnings: [] };
      slotOwners[this.slot] = this;
    }
    return cedar.statefulIsAuthorized({
      principal: { type: 'Agent', id: principal },
      action: { type: 'Action', id: action },
      resource: { type: 'Counterparty', id: resource },
      context,
      preparsedPolicySetId: `slot-${this.slot}`,
      preparsedSchemaName: this.schemaName,
      validateRequest: true,
      entities: [],
    });
  }
}

/** Keeps a schema parsed under a name for the life of the process: there are few. Requests are checked against it. */
export function keepSchema(name: string, schemaText: string): string[] {
  const answer = cedar.preparseSchema(name, schemaText);
  return answer.type === 'success' ? [] : messages(answer.errors);
}
