import { type OpenApiDocument, type RouteSpec, openApi } from '@spendgate/http-edge';
import { z } from 'zod';
import { ROLES, type Role } from './roles.js';

const CHECK = z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() });
const HEALTH = z.object({ ready: z.boolean(), checks: z.array(CHECK) });

/** What every process serves, whichever its roles. */
const PROCESS_ROUTES: readonly RouteSpec[] = [
  {
    method: 'GET',
    path: '/openapi.json',
    id: 'readOpenApi',
    about: 'This document: the routes of the roles this process serves.',
    answers: { 200: { about: 'OpenAPI 3.1', schema: z.object({}), example: { openapi: '3.1.1' } } },
    denials: [],
  },
  {
    method: 'GET',
    path: '/livez',
    id: 'live',
    about: 'The process answers; says nothing about what it can do.',
    answers: { 200: { about: 'alive', schema: z.object({ live: z.literal(true) }), example: { live: true } } },
    denials: [],
  },
  {
    method: 'GET',
    path: '/readyz',
    id: 'ready',
    about: 'Whether every named check holds.',
    answers: {
      200: { about: 'ready', schema: HEALTH, example: { ready: true, checks: [{ name: 'database', ok: true }] } },
      503: { about: 'not ready, with what mends it', schema: HEALTH },
    },
    denials: [],
  },
  {
    method: 'GET',
    path: '/metrics',
    id: 'readMetrics',
    about: 'Prometheus text format.',
    answers: { 200: { about: 'the metrics', type: 'text/plain; version=0.0.4; charset=utf-8' } },
    denials: [],
  },
];

/** Every route of a process with these roles. */
export function routesOf(roles: readonly Role[]): RouteSpec[] {
  return [...roles.flatMap((role): readonly RouteSpec[] => ROLES[role].routes), ...PROCESS_ROUTES];
}

/** The OpenAPI document of a process with these roles, as it serves it at `/openapi.json`. */
export function apiDocument(roles: readonly Role[], serverUrl: string): OpenApiDocument {
  return openApi(routesOf(roles), { version: '0.1.0', serverUrl });
}
