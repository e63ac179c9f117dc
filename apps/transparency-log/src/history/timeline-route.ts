import { TRUST_PHASES } from '@spendgate/core';
import { EXAMPLE, HASH, type RouteSpec } from '@spendgate/http-edge';
import { z } from 'zod';

/** For routes that tell from the leaves. */
export const ALTERED = { 503: 'the stored leaves are not those the log signed: nothing is told from them' };

const COUNT = z.number().int().min(0);
const EVIDENCE = z.object({
  leaf_type: z.string(),
  leaf_hash: HASH,
  leaf_index: COUNT,
  leaf_url: z.string(),
  proof_url: z.string(),
  tree_size: COUNT.describe('of the signed head the proof leads to'),
});
const TIMELINE = z.object({
  flow: z.string(),
  tree_size: COUNT,
  phases: z
    .array(
      z.object({
        phase: z.enum(TRUST_PHASES),
        reached: z.boolean(),
        first: EVIDENCE.nullable(),
        latest: EVIDENCE.nullable(),
      }),
    )
    .describe('the six phases of continuous trust, over all steps'),
  steps: z.array(
    z
      .object({
        time_ms: COUNT,
        event: z.string().describe('transition, type of leaf, or `checkpoint_signed`'),
        phase: z.number().int().min(1).max(9),
        phase_name: z.string(),
        state: z.string(),
        epoch: COUNT,
        trust_phase: z.enum(TRUST_PHASES),
      })
      .extend(EVIDENCE.shape),
  ),
  truncated: z.boolean().describe('there are more acts on the flow than are looked at'),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});
const EXAMPLE_EVIDENCE = {
  leaf_type: 'flow_transition',
  leaf_hash: EXAMPLE.hash,
  leaf_index: 3,
  leaf_url: '/v1/log/leaves/3',
  proof_url: `/v1/log/proofs/inclusion?leaf_hash=${EXAMPLE.hash}&tree_size=9`,
  tree_size: 9,
};
export const TIMELINE_ROUTE: RouteSpec = {
  method: 'GET',
  path: '/v1/flows/{id}/timeline',
  id: 'readFlowTimeline',
  about:
    'The steps of a flow in the order of the log, each with its time, its place in the nine phases and its leaf with ' +
    'proof, and the six phases of continuous trust with the first and latest evidence of each. For people.',
  signedRead: true,
  parameters: {
    id: { about: 'flow id, which is its mandate id', schema: z.string(), example: EXAMPLE.mandate },
    limit: { about: 'steps on a page; 100 if absent', schema: z.number().int().min(1).max(500) },
    cursor: { about: '`next_cursor` of the page before', schema: z.string() },
  },
  answers: {
    200: {
      about: 'its timeline',
      schema: TIMELINE,
      headers: ['link'],
      example: {
        flow: EXAMPLE.mandate,
        tree_size: 9,
        phases: TRUST_PHASES.map((phase) => ({
          phase,
          reached: phase === 'issued',
          first: phase === 'issued' ? EXAMPLE_EVIDENCE : null,
          latest: phase === 'issued' ? EXAMPLE_EVIDENCE : null,
        })),
        steps: [
          {
            time_ms: 1_767_225_600_000,
            event: 'authority_verified',
            phase: 2,
            phase_name: 'authorization continuity',
            state: 'authorized',
            epoch: 1,
            trust_phase: 'issued',
            ...EXAMPLE_EVIDENCE,
          },
        ],
        truncated: false,
        has_more: false,
        next_cursor: null,
      },
    },
  },
  denials: ['malformed', 'rate_limited'],
  problems: { 404: 'no such flow, or nothing of it is under a signed head yet', ...ALTERED },
};
