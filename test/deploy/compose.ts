import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const ROOT = path.join(import.meta.dirname, '..', '..');

/** The part of the Compose specification we use; anything else is a spelling mistake until it stands here. */
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const dependsOn = z.record(
  z.string(),
  z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully', 'service_started']) }),
);
const service = z.strictObject({
  image: z.string().regex(/^[a-z0-9./-]+:[A-Za-z0-9._-]+$/, 'an image with a tag'),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).min(1).optional(),
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), scalar).optional(),
  volumes: z.array(z.string().regex(/^[a-z]+:\/[a-z/]+$/, 'a named volume and where it goes')).optional(),
  ports: z.array(z.string().regex(/^\d{2,5}:\d{2,5}$/)).optional(),
  restart: z.enum(['unless-stopped', 'on-failure']).optional(),
  depends_on: dependsOn.optional(),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.literal('CMD')], z.string()),
      interval: z.string().regex(/^\d+s$/),
      retries: z.int().min(1),
    })
    .optional(),
});
const composeSchema = z
  .looseObject({
    name: z.string(),
    services: z.record(z.string().regex(/^[a-z][a-z-]*$/), service),
    volumes: z.record(z.string(), z.strictObject({})),
  })
  .refine(
    (file) =>
      Object.keys(file).every((name) => ['name', 'services', 'volumes'].includes(name) || name.startsWith('x-')),
    'a top level member that Compose does not know',
  );

export type ComposeFile = z.infer<typeof composeSchema>;
export type ComposeService = z.infer<typeof service>;

/** Reads `deploy/compose/compose.yaml` with its merge keys resolved. @throws {z.ZodError} naming what does not fit */
export function readCompose(): ComposeFile {
  const text = readFileSync(path.join(ROOT, 'deploy/compose/compose.yaml'), 'utf8');
  return composeSchema.parse(parse(text, { merge: true }));
}

/** The services that run our image; the rest are Kafka and PostgreSQL. */
export function ourServices(): [string, ComposeService][] {
  return Object.entries(readCompose().services).filter(([, { build }]) => build !== undefined);
}
