import { z } from 'zod';
import { EVENTS, type EventTopic, type JsonEventTopic } from './events/events.js';
import { TOKENS, type TokenTyp } from './tokens/tokens.js';

/** A JSON Schema (draft 2020-12) as plain JSON. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * JSON Schema of every token's claims, from the schemas that judge them. What one claim says about another, and
 * `exp − iat`, is beyond JSON Schema: the bound stands in the description.
 */
export function tokenSchemas(): Record<TokenTyp, JsonSchema> {
  const typs = Object.keys(TOKENS) as TokenTyp[]; // the keys of the table are the typs
  const entries = typs.map((typ) => [typ, tokenSchema(typ)] as const);
  return Object.fromEntries(entries) as Record<TokenTyp, JsonSchema>; // one entry for each typ, by the line above
}

function tokenSchema(typ: TokenTyp): JsonSchema {
  const { schema, maxLifetimeSeconds, purposes } = TOKENS[typ];
  const description =
    `Claims of a compact JWS with typ ${typ}, signed by a key of purpose ${purposes.join(' or ')}; ` +
    `exp − iat is at most ${maxLifetimeSeconds} s.`;
  return { $id: `urn:spendgate:schema:token:${typ}:1`, title: typ, description, ...jsonSchema(schema) };
}

/** JSON Schema of every topic whose values are JSON. */
export function eventSchemas(): Record<JsonEventTopic, JsonSchema> {
  const topics = Object.keys(EVENTS) as EventTopic[]; // the keys of the table are the topics
  const entries = topics.flatMap((topic): [string, JsonSchema][] => {
    const spec = EVENTS[topic];
    if (spec.form !== 'json') return [];
    const named = { $id: `urn:spendgate:schema:event:${topic}`, title: spec.ceType, description: spec.about };
    return [[topic, { ...named, ...jsonSchema(spec.schema) }]];
  });
  return Object.fromEntries(entries) as Record<JsonEventTopic, JsonSchema>; // one entry for each, by the line above
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return { ...z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' }) };
}
