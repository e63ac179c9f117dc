import { hashJsonText } from '@spendgate/codec';
import { keepSchema, parsePolicy, parseSchema, splitPolicies, validatePolicies } from './cedar.js';
import type { PolicyJson } from './cedar.js';
import { PolicyLoadError } from './types.js';
import type { PolicySource } from './types.js';

export interface LoadedPolicy {
  readonly id: string;
  /** As written: what is hashed, and what the engine parses. */
  readonly text: string;
  readonly json: PolicyJson;
}

/** Limits of one set; above them loading would stall the process for seconds. */
const POLICIES_MAX = 20_000;
const TEXT_CHARS_MAX = 16 * 1024 * 1024;
const PROBLEMS_MAX = 20;

/**
 * Parses and validates a set, strictly: whatever the engine would skip or guess at is refused here.
 *
 * @throws {PolicyLoadError} with up to 20 problems
 */
export function loadPolicies(source: PolicySource): { policies: LoadedPolicy[]; schemaName: string } {
  const fail = (problems: readonly string[]): never => {
    throw new PolicyLoadError(source.policyId, problems.slice(0, PROBLEMS_MAX));
  };
  if (source.policyText.length + source.schemaText.length > TEXT_CHARS_MAX) fail(['the text is too long']);
  const schemaProblems = checkSchema(source.schemaText);
  if (schemaProblems.length > 0) fail(schemaProblems);

  const parts = splitPolicies(source.policyText);
  if (!parts.ok) return fail(parts.problems);
  if (parts.value.length > POLICIES_MAX) fail([`more than ${POLICIES_MAX} policies`]);

  const policies = new Map<string, LoadedPolicy>();
  const problems: string[] = [];
  for (const text of parts.value) {
    const parsed = parsePolicy(text);
    if (!parsed.ok) {
      problems.push(...parsed.problems);
      continue;
    }
    const id = parsed.value.annotations?.['id'] ?? `policy-${hashJsonText(text).slice(0, 16)}`;
    if (policies.has(id)) problems.push(`two policies have the id "${id}"`);
    if (hasUnsafeNumber(parsed.value)) problems.push(`${id}: a number at or above 2^53 would be read as another one`);
    policies.set(id, { id, text, json: parsed.value });
  }
  if (problems.length > 0) fail(problems);
  const invalid = validatePolicies(source.schemaText, new Map([...policies].map(([id, { text }]) => [id, text])));
  if (invalid.length > 0) fail(invalid);

  const schemaName = hashJsonText(source.schemaText);
  const kept = keepSchema(schemaName, source.schemaText);
  if (kept.length > 0) fail(kept);
  // Sorted by id, so that two texts with the same policies in another order are the same set.
  return { policies: [...policies.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), schemaName };
}

/**
 * Our requests carry no entity data, so a hierarchy or an attribute in the schema would make `in` and `.` quietly
 * false or failing: a `forbid` written with them would not bite. Such a schema is refused instead.
 */
function checkSchema(schemaText: string): string[] {
  const schema = parseSchema(schemaText);
  if (!schema.ok) return schema.problems;
  const problems: string[] = [];
  for (const [namespace, { entityTypes, actions }] of Object.entries(schema.value)) {
    if (namespace !== '') problems.push(`namespace "${namespace}": only the empty namespace is supported`);
    for (const name of ['Agent', 'Counterparty']) {
      if (!(name in entityTypes)) problems.push(`entity type "${name}" is missing`);
    }
    for (const [name, type] of Object.entries(entityTypes)) {
      if ('enum' in type || 'shape' in type || 'tags' in type || 'memberOfTypes' in type) {
        problems.push(`entity type "${name}" must be plain: facts belong in the context`);
      }
    }
    for (const [name, action] of Object.entries(actions)) {
      if ((action.memberOf ?? []).length > 0) problems.push(`action "${name}" must not be in an action group`);
    }
  }
  return problems;
}

/** JSON brought the engine's 64-bit literal here as a double; beyond 2^53 it is no longer the number in the text. */
function hasUnsafeNumber(node: unknown): boolean {
  if (typeof node === 'number') return !Number.isSafeInteger(node);
  if (typeof node !== 'object' || node === null) return typeof node === 'bigint';
  return Object.values(node).some(hasUnsafeNumber);
}
