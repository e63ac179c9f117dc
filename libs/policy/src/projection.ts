import type { PolicyRequest, PolicyValue } from './types.js';

/** What a slice reads of a request. Two requests equal in these parts get the same verdict, because Cedar is a pure function. */
export interface Projection {
  readonly principal: boolean;
  readonly resource: boolean;
  /** Attributes whose value is compared as a whole. */
  readonly attributes: readonly string[];
  /** Attributes that are only compared with literals: which side of each threshold they are on decides, not the value. */
  readonly thresholds: readonly (readonly [attribute: string, literals: readonly number[]])[];
}

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
  const literals = new Map<string, Set<number>>();
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [operator, operand] of Object.entries(node) as [string, unknown][]) {
      // as: entries of an object are unknown
      const compared = COMPARISONS.has(operator) ? comparison(operand) : undefined;
      const attribute = operator === '.' ? contextAttribute(operand) : undefined;
      if (compared !== undefined) {
        literals.set(compared.attribute, (literals.get(compared.attribute) ?? new Set()).add(compared.literal));
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
  if (seen.wholeContext) return { ...seen, attributes: [ANY_ATTRIBUTE], thresholds: [] };
  const thresholds = [...literals].filter(([attribute]) => !whole.has(attribute));
  return {
    principal: seen.principal,
    resource: seen.resource,
    attributes: [...whole].sort(),
    thresholds: thresholds.map(([attribute, set]) => [attribute, [...set].sort((a, b) => a - b)] as const),
  };
}

/** Stands for "the whole context"; not a name Cedar's grammar lets anybody write without quoting, and harmless if they do. */
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
  for (const [name, literals] of projection.thresholds) parts.push(sideOf(request.context[name], literals));
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

/** Twice the number of literals below the value, plus one if it equals the next: the interval it lies in. */
function sideOf(value: PolicyValue | undefined, literals: readonly number[]): unknown {
  if (typeof value !== 'number' && typeof value !== 'bigint') return plain(value);
  const below = literals.filter((literal) => literal < value).length;
  return 2 * below + (literals[below] !== undefined && BigInt(literals[below]) === BigInt(value) ? 1 : 0);
}

function comparison(operand: unknown): { attribute: string; literal: number } | undefined {
  if (typeof operand !== 'object' || operand === null || !('left' in operand) || !('right' in operand))
    return undefined;
  const [left, right] = [operand.left, operand.right];
  const attribute = accessed(left) ?? accessed(right);
  const literal = literalOf(left) ?? literalOf(right);
  return attribute === undefined || literal === undefined ? undefined : { attribute, literal };
}

function accessed(node: unknown): string | undefined {
  return typeof node === 'object' && node !== null && '.' in node ? contextAttribute(node['.']) : undefined;
}

function literalOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('Value' in node)) return undefined;
  return typeof node.Value === 'number' ? node.Value : undefined;
}

/** `context.name` or `context has name`; longer paths (`has a.b`) count as a use of the whole context. */
function contextAttribute(operand: unknown): string | undefined {
  if (typeof operand !== 'object' || operand === null || !('left' in operand) || !('attr' in operand)) return undefined;
  const { left, attr } = operand;
  const isContext = typeof left === 'object' && left !== null && 'Var' in left && left.Var === 'context';
  return isContext && typeof attr === 'string' ? attr : undefined;
}
