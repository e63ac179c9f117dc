import { EXAMPLE, type RouteSpec } from '@spendgate/http-edge';
import { z } from 'zod';

const REMEMBERED = {
  about: 'size of a remembered checkpoint: the bundle proves that the log continued it',
  schema: z.number().int().min(0),
};
const BUNDLE = { about: 'the bundle in RFC 8785 form', type: 'application/json' };
const OF_BUNDLES = {
  400: '`from` is no whole number',
  422: 'more leaves or settlements than a bundle holds',
  503: 'the log has not signed all of it yet: ask again',
};

/** Bundles as clients ask for them; none is public. */
export const BUNDLE_ROUTES: readonly RouteSpec[] = [
  {
    method: 'GET',
    path: '/v1/bundles/artifacts/{id}',
    id: 'readBundle',
    about: 'Everything that proves one artifact, as one file to be checked offline: docs/reference/bundle.md.',
    signedRead: true,
    parameters: { id: { about: 'id of the artifact', schema: z.string(), example: EXAMPLE.uuid }, from: REMEMBERED },
    answers: { 200: BUNDLE },
    denials: [],
    problems: { 404: 'no artifact with this id is yours, or no signed tree of that size', ...OF_BUNDLES },
  },
  {
    method: 'GET',
    path: '/v1/bundles/settlements/{id}',
    id: 'readSettlementBundle',
    about:
      'What one settlement moved, and by which authority: its decisions, refusals included, with the artifact it drew on. ' +
      'For its agent, the service that may present the artifact, and people.',
    signedRead: true,
    parameters: { id: { about: 'id of the settlement', schema: z.string(), example: EXAMPLE.uuid }, from: REMEMBERED },
    answers: { 200: BUNDLE },
    denials: [],
    problems: { 404: 'no settlement with this id is yours, or no signed tree of that size', ...OF_BUNDLES },
  },
  {
    method: 'GET',
    path: '/v1/bundles/incidents/{id}',
    id: 'readIncidentBundle',
    about:
      'One incident, from the drift signal to the new baseline or the revocation, with each act as its person signed it. ' +
      'For people.',
    signedRead: true,
    parameters: { id: { about: 'id of the incident', schema: z.string(), example: EXAMPLE.uuid }, from: REMEMBERED },
    answers: { 200: BUNDLE },
    denials: [],
    problems: {
      404: 'no incident has this id, or no signed tree has that size',
      ...OF_BUNDLES,
      422: 'more leaves than a bundle holds, or no drift opened it',
    },
  },
  {
    method: 'GET',
    path: '/v1/bundles/ranges',
    id: 'readRangeBundle',
    about:
      'Every leaf of the log between the two checkpoints signed around a time range, with counts and sums. For people. Too ' +
      'many for one file: the refusal says up to which time they fit.',
    signedRead: true,
    parameters: {
      from: { about: 'RFC 3339 in UTC', schema: z.string(), required: true, example: '2026-11-21T20:00:00Z' },
      to: {
        about: 'RFC 3339 in UTC, not included',
        schema: z.string(),
        required: true,
        example: '2026-11-21T20:05:00Z',
      },
      remembered: REMEMBERED,
    },
    answers: { 200: BUNDLE },
    denials: [],
    problems: {
      404: 'the log took no leaf in that time, or signed no tree of that size',
      ...OF_BUNDLES,
      400: 'a parameter is not in form, or the time is not over yet',
    },
  },
];
