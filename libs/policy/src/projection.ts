import type { PolicyRequest, PolicyValue } from './types.js';

/** What a slice reads of a request. Requests equal in these parts get the same verdict: Cedar is a pure function. */
export interface Projection {
  readonly principal: boolean;
  readonly resource: boolean;
  /** Attributes whose value is compared as a whole. */
  readonly attributes: readonly string[];
  /** Attributes only compared with literals: which literal they equal, or lie between, decides, and not the value. */
  readonly literals: readonly (readonly [attribute: string, literals: readonly Literal[]])[];
}

type Literal = number | string;

const COMPARISONS = new Set(['<', '<=', '>', '>=', '==', '!=']);

/**
 * Reads from the conditions of a slice's policies what they can depend on.
 *
 * It walks the policy's JSON form without knowing all operators: anything it does not recognise as a plain use of one
 * attribute counts as a use of everything, so an operator Cedar adds later costs speed and never a wrong answer.
 */
export function projectionOf(conditions: readonly unknown[]): Projection {
  const seen = { principal: false, resource: false, wholeContext: false };
  const whole = new Set<string>();
  const literals = new Map<string, Set<Literal>>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [operator, operand] of Object.entries(node) as [string, unknown][]) {
      // as: entries of an object are unknown
      const compared = COMPARISONS.has(operator) || operator === 'contains' ? comparison(operand) : undefined;
      const attribute = operator === '.' ? contextAttribute(operand) : undefined;
      if (compared !== undefined) {
        const known = literals.get(compared.attribute) ?? new Set();
        compared.literals.forEach((literal) => known.add(literal));
        literals.set(compared.attribute, known);
      } else if (attribute !== undefined) {
        whole.add(attribute);
      } else if (operator === 'has' && contextAttribute(operand) !== undefined) {
        continue; // presence is in the shape, which is always compared
      } else if (operator === 'Var' && typeof operand === 'string') {
        if (operand === 'principal') seen.principal = true;
        else if (operand === 'resource') seen.resource = true;
        else if (operand === 'context') seen.wholeContext = true;
      } else {
        walk(operand);
      }
    }
  };
  conditions.forEach(walk);
  if (seen.wholeContext) return { ...seen, attributes: [ANY_ATTRIBUTE], literals: [] };
  const compared = [...literals].filter(([attribute]) => !whole.has(attribute));
  return {
    principal: seen.principal,
    resource: seen.resource,
    attributes: [...whole].sort(),
    literals: compared.map(([attribute, set]) => [attribute, [...set].sort(byValue)] as const),
  };
}

/** Numbers in order, so that a value's place among them can be counted; texts in any order that is always the same. */
function byValue(a: Literal, b: Literal): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : 1;
}

/** Stands for "the whole context". An attribute that is really called so only costs speed. */
const ANY_ATTRIBUTE = '*';

/** @returns one text for all requests the slice cannot tell apart */
export function projectionKey(projection: Projection, request: PolicyRequest): string {
  const parts: unknown[] = [shapeOf(request.context)];
  if (projection.principal) parts.push(request.principal);
  if (projection.resource) parts.push(request.resource);
  if (projection.attributes[0] === ANY_ATTRIBUTE) {
    for (const name of Object.keys(request.context)) parts.push(name, plain(request.context[name]));
  } else {
    for (const name of projection.attributes) parts.push(plain(request.context[name]));
  }
  for (const [name, literals] of projection.literals) parts.push(sideOf(request.context[name], literals));
  return JSON.stringify(parts);
}

/** Names and types: a request of another shape may fail the schema, so it must not share an answer. */
function shapeOf(context: PolicyRequest['context']): string {
  let shape = '';
  for (const name of Object.keys(context)) {
    const value = context[name];
    shape += `${name}:${typeof value === 'bigint' ? 'number' : typeof value};`;
  }
  return shape;
}

function plain(value: PolicyValue | undefined): unknown {
  return typeof value === 'bigint' ? Number(value) : (value ?? null); // checked to be below 2^53 before
}

/** A text: itself where it is a literal. A number: twice the literals below it, plus one where it equals the next. */
function sideOf(value: PolicyValue | undefined, literals: readonly Literal[]): unknown {
  if (typeof value === 'string') return literals.includes(value) ? value : null;
  if (typeof value !== 'number' && typeof value !== 'bigint') return plain(value);
  let side = 0;
  for (const literal of literals) {
    if (typeof literal === 'number' && literal <= value) side += literal < value ? 2 : 1;
  }
  return side;
}

/** `context.a < 5`, `"x" == context.a`, `["x", "y"].contains(context.a)`; anything else is no plain comparison. */
function comparison(operand: unknown): { attribute: string; literals: readonly Literal[] } | undefined {
  if (typeof operand !== 'object' || operand === null || !('left' in operand) || !('right' in operand))
    return undefined;
  const [left, right] = [operand.left, operand.right];
  const attribute = accessed(left) ?? accessed(right);
  const literals = literalsOf(left) ?? literalsOf(right);
  return attribute === undefined || literals === undefined ? undefined : { attribute, literals };
}

function accessed(node: unknown): string | undefined {
  return typeof node === 'object' && node !== null && '.' in node ? contextAttribute(node['.']) : undefined;
}

function literalsOf(node: unknown): readonly Literal[] | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ('Set' in node && Array.isArray(node.Set)) {
    const members = (node.Set as unknown[]).map(literalsOf); // as: Array.isArray only says any[]
    return members.every((member) => member?.length === 1) ? members.flatMap((member) => member ?? []) : undefined;
  }
  const value = 'Value' in node ? node.Value : undefined;
  return typeof value === 'number' || typeof value === 'string' ? [value] : undefined;
}

/** `context.name` or `context has name`; longer paths (`has a.b`) count as a use of the whole context. */
function contextAttribute(operand: unknown): string | undefined {
  if (typeof operand !== 'object' || operand === null || !('left' in operand) || !('attr' in operand)) return undefined;
  const { left, attr } = operand;
  const isContext = typeof left === 'object' && left !== null && 'Var' in left && left.Var === 'context';
  return isContext && typeof attr === 'string' ? attr : undefined;
}
