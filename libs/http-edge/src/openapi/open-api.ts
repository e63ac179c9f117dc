import { tokenSchemas, type JsonSchema, type TokenTyp } from '@spendgate/codec';
import { z } from 'zod';
import { SharedResponses, problemResponses } from './problem-responses.js';
import type { AnswerHeader, AnswerSpec, ParameterSpec, RouteSpec } from './route.js';

/** An OpenAPI 3.1 document as plain JSON. */
export type OpenApiDocument = { readonly openapi: '3.1.1'; readonly [member: string]: unknown };

export interface OpenApiOptions {
  /** Version of the release the document describes. */
  readonly version: string;
  /** Where clients reach the routes. */
  readonly serverUrl: string;
}

const COMPACT_JWS = '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$';

const HEADERS: Readonly<Record<AnswerHeader, JsonSchema>> = {
  'idempotency-replayed': {
    description: 'The answer is the one recorded for this id before; nothing was done again.',
    schema: { const: 'true' },
  },
  'retry-after': { description: 'Seconds (RFC 9110 §10.2.3).', schema: { type: 'string', pattern: '^\\d+$' } },
  location: { description: 'Where the outcome is read.', schema: { type: 'string', format: 'uri-reference' } },
  link: { description: 'The next page, `rel="next"` (RFC 8288); absent on the last.', schema: { type: 'string' } },
  'preference-applied': { description: 'The wait that was honoured (RFC 7240 §3).', schema: { type: 'string' } },
  etag: { description: 'The version, for `If-Match` (RFC 9110 §8.8.3).', schema: { type: 'string' } },
  'cache-control': { description: 'RFC 9111.', schema: { type: 'string' } },
};

/** The routes of one or more roles as one document. Equal tables, equal document. */
export function openApi(routes: readonly RouteSpec[], { version, serverUrl }: OpenApiOptions): OpenApiDocument {
  const typs = [...new Set(routes.flatMap(({ body = [] }) => body))];
  const claims = tokenSchemas();
  const shared = new SharedResponses();
  const paths = pathsOf(routes, shared);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Spendgate',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Every request that moves money or authority is one signed object (`application/jwt`); a read carries an RFC 9421 ' +
        'signature. Refusals are RFC 9457 problems with a code of `GET /v1/denials`. Whole example objects: ' +
        'docs/reference/tokens.md.',
    },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      schemas: {
        Problem: PROBLEM,
        ...Object.fromEntries(typs.map((typ) => [schemaName(typ), { ...claims[typ] }])),
      },
      responses: shared.all(),
      headers: HEADERS,
      securitySchemes: {
        signedRead: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description:
            'RFC 9421 signature over `@method` and `@target-uri` with `created` (at most 60 s old) and `keyid`, by a ' +
            'registered key; `Signature-Input` beside it. No bearer token reads anything.',
        },
      },
    },
  };
}

/** Members of every refusal (RFC 9457); a caller whose signature does not verify sees the first four only. */
const PROBLEM: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', description: '`urn:spendgate:denial:CODE`, or `about:blank`' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'code of the denials table; absent when the refusal is no denial' },
    detail: { type: 'string' },
    field: { type: ['string', 'null'], description: 'where in the request' },
    limit: { type: ['object', 'null'], description: "the limit that was met, when it is the caller's own" },
    retryable: { type: 'boolean', description: 'whether the same request may pass later' },
    retry_after: { type: ['integer', 'null'], description: 'seconds' },
    next: { type: 'string', description: 'what the caller can do' },
    decision: { type: 'string', pattern: COMPACT_JWS, description: '`decision+jwt` of a denied intent' },
    receipt: { type: 'string', pattern: COMPACT_JWS, description: '`settlement-receipt+jwt` of a denied settlement' },
  },
};

function pathsOf(routes: readonly RouteSpec[], shared: SharedResponses): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, shared);
  return paths;
}

function operationOf(route: RouteSpec, shared: SharedResponses): JsonSchema {
  const parameters = parametersOf(route);
  return {
    operationId: route.id,
    summary: route.about,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body) }),
    security: route.signedRead === true ? [{ signedRead: [] }] : [],
    responses: { ...answersOf(route.answers), ...shared.named(problemResponses(route)) },
  };
}

function parametersOf(route: RouteSpec): JsonSchema[] {
  const own = Object.entries(route.parameters ?? {}).map(([name, spec]) => {
    const isPath = route.path.includes(`{${name}}`);
    return parameterOf(name, isPath ? 'path' : 'query', spec, isPath || spec.required === true);
  });
  const header = (name: string, about: string, schema: z.ZodType): JsonSchema =>
    parameterOf(name, 'header', { about, schema }, false);
  return [
    ...own,
    ...(route.waits === true
      ? [header('Prefer', '`wait=N`: answer when there is an outcome, N seconds at most (RFC 7240 §4.3)', z.string())]
      : []),
    ...(route.idempotencyKey === undefined
      ? []
      : [
          header(
            'Idempotency-Key',
            `The key is ${route.idempotencyKey} inside the token; sent as a header too it must be the same, bare or as ` +
              'an RFC 9651 String. Same key and body: the same answer, flagged. Same key, another body: 422.',
            z.string(),
          ),
        ]),
  ];
}

function parameterOf(name: string, place: string, { about, schema, example }: ParameterSpec, required: boolean) {
  const shown = example === undefined ? {} : { example };
  return { name, in: place, required, description: about, schema: schemaOf(schema), ...shown };
}

function bodyOf(typs: readonly TokenTyp[]): JsonSchema {
  return {
    required: true,
    description: `One signed object: ${typs.map((typ) => `\`${typ}\``).join(' or ')}.`,
    content: {
      'application/jwt': {
        schema: { type: 'string', pattern: COMPACT_JWS },
        example: exampleToken(typs[0]),
        'x-claims': typs.map((typ) => ({ $ref: `#/components/schemas/${schemaName(typ)}` })),
      },
    },
  };
}

/** The form only: a whole one, with its key, stands in docs/reference/tokens.md. */
function exampleToken(typ: TokenTyp | undefined): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'EdDSA', kid: 'thumbprint', typ })}.${part({ iss: 'example' })}.c2lnbmF0dXJl`;
}

function answersOf(answers: RouteSpec['answers']): JsonSchema {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)]));
}

function answerOf({ about, schema, type, headers = [], example }: AnswerSpec): JsonSchema {
  const content =
    schema === undefined
      ? { [type ?? 'text/plain']: { schema: { type: 'string' } } }
      : { [type ?? 'application/json']: { schema: schemaOf(schema), ...(example === undefined ? {} : { example }) } };
  const named = Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  return { description: about, ...(headers.length === 0 ? {} : { headers: named }), content };
}

function schemaOf(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  delete json.$schema; // the document's own dialect (OpenAPI 3.1 §4.8.24)
  return { ...json };
}

function schemaName(typ: TokenTyp): string {
  return typ.replace('+', '-');
}
