import { EXAMPLE, HASH, type RouteSpec } from '@spendgate/http-edge';
import { LINEAGE_KINDS, LINEAGE_RELATIONS } from '@spendgate/store';
import { z } from 'zod';
import { BUNDLE_ROUTES } from '../bundles/bundle-routes.js';
import { FLOW_LIMBS } from '@spendgate/core';
import { SUBJECT_LEAVES_KEPT } from '../history/log-fold.js';
import { SPENDING } from '../history/spending-schema.js';
import { HISTORY_KINDS } from '../history/subjects.js';
import { ALTERED, TIMELINE_ROUTE } from '../history/timeline-route.js';

const COUNT = z.number().int().min(0);
const PROOF = z.array(HASH);
const NOTE = z.string().describe('C2SP signed note');
const place = (about: string) => ({ about, schema: COUNT, example: 0 });

const KEY_SET = z.object({ keys: z.array(z.object({ kty: z.string(), kid: z.string() })) });
const DOMAIN = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  log: z.object({ origin: z.string(), checkpoint_uri: z.string(), tile_uri: z.string(), keys: z.array(z.string()) }),
  status_list_uri: z.string(),
  denials_uri: z.string(),
});
const LEAF = z.object({ leaf_index: COUNT, leaf_hash: HASH, leaf: z.string().nullable() });
const INCLUSION = z.object({
  leaf_index: COUNT,
  tree_size: COUNT,
  leaf_hash: HASH,
  root: HASH.optional(),
  checkpoint: NOTE.optional(),
  proof: PROOF,
});
const CONSISTENCY = z.object({
  size1: COUNT,
  size2: COUNT,
  root2: HASH.optional(),
  checkpoint: NOTE.optional(),
  proof: PROOF,
});

const NODE = z.object({
  kind: z.enum(LINEAGE_KINDS),
  id: z.string(),
  leaf_hash: HASH.nullable(),
  leaf_index: COUNT.nullable().describe('null: nothing of its own is under the signed checkpoint yet'),
  leaf_url: z.string().nullable(),
  proof_url: z.string().nullable(),
  about: z.record(z.string(), z.unknown()),
});
const EDGE = z.object({ effect: z.string(), relation: z.enum(LINEAGE_RELATIONS), cause: z.string() });
const LINEAGE = z.object({
  root: z.object({ kind: z.enum(LINEAGE_KINDS), id: z.string() }),
  direction: z.enum(['up', 'down']),
  tree_size: COUNT,
  nodes: z.array(NODE),
  edges: z.array(EDGE).describe('effect and cause are `kind/id` of nodes'),
  truncated: z.boolean().describe('more of one kind than a page holds: ask for one of the nodes shown'),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});

const PROVEN_LEAF = z.object({
  leaf_index: COUNT,
  leaf_hash: HASH,
  leaf: z.string(),
  payload: z.string().nullable().describe('what the leaf commits to, in RFC 8785 form; null: redacted'),
  salt: z.string().nullable().describe('base64url'),
  proof: PROOF.describe('in the tree of `as_of.tree_size` leaves'),
});
const AS_OF = z.object({ tree_size: COUNT, leaf_index: COUNT, root: HASH, time_ms: COUNT });
const CONSISTENCY_URL = z.string().describe('proof that the last signed tree continues that one');
const ATTESTATION = z.object({
  attestation: z.string().describe('`domain-attestation+jwt`'),
  last_leaf: PROVEN_LEAF.omit({ payload: true, salt: true }),
  consistency_url: CONSISTENCY_URL,
});
const HISTORY = z.object({
  kind: z.enum(HISTORY_KINDS),
  id: z.string(),
  as_of: AS_OF,
  state: z.record(z.string(), z.unknown()).describe('the last word of the leaves on each member'),
  leaves: z.array(PROVEN_LEAF).describe(`about it, oldest first; the newest ${SUBJECT_LEAVES_KEPT}`),
  truncated: z.boolean().describe('there are older ones: ask as of a time before the first'),
  consistency_url: CONSISTENCY_URL,
});
const TRUST_LIMBS = [...FLOW_LIMBS, 'domain', 'audit'] as const;
const LIMB = z.object({
  verdict: z.enum(['verified', 'broken', 'stale', 'unknown', 'absent', 'unwatched']),
  verified_at_ms: z.number().nullable(),
  due_at_ms: z.number().nullable(),
});
const FLOW_TRUST = z
  .object({
    flow: z.string(),
    trust: z.enum(['trusted', 'unverifiable', 'halted']),
    phase: COUNT,
    phase_name: z.string(),
    state: z.string(),
    epoch: COUNT,
    limbs: z
      .record(z.enum(TRUST_LIMBS), LIMB)
      .describe('of a past time: verified unless a leaf until then says otherwise, without times'),
    agent: z.string().nullable().optional().describe('this and the members below: of now only'),
    sequence: COUNT.optional(),
    baseline_hash: z.string().optional(),
    mandate_revoked: z.boolean().optional(),
    spending: SPENDING.nullable().optional().describe('null: it is not watched'),
    last_decided_at_ms: z.number().nullable().optional(),
    incident: z.object({ id: z.string(), state: z.string(), rule: z.string() }).nullable().optional(),
  })
  .extend(HISTORY.pick({ as_of: true, leaves: true, truncated: true, consistency_url: true }).shape);
const VERIFIED_LIMB = { verdict: 'verified', verified_at_ms: 1_767_225_600_000, due_at_ms: 1_767_225_660_000 };
const TRUSTED_LIMBS = Object.fromEntries(TRUST_LIMBS.map((limb) => [limb, VERIFIED_LIMB]));
const AT = {
  about: 'RFC 3339 in UTC, such as 2026-11-21T20:00:00Z; what is signed now if absent',
  schema: z.string(),
};
const OF_LOG = { 404: 'there was nothing like it then', ...ALTERED };

/** The transparency log's routes as clients see them. All but bundles, lineages, attestation and history are public: they prove, they tell nothing. */
export const LOG_ROUTES: readonly RouteSpec[] = [
  {
    method: 'GET',
    path: '/.well-known/jwks.json',
    id: 'readKeys',
    about: "The domain's public keys, retired ones included (RFC 7517 §5).",
    answers: {
      200: {
        about: 'the key set',
        schema: KEY_SET,
        headers: ['cache-control'],
        example: { keys: [{ kty: 'OKP', kid: 'artifact' }] },
      },
    },
    denials: [],
  },
  {
    method: 'GET',
    path: '/.well-known/spendgate',
    id: 'readDomain',
    about: 'Who the domain is and where everything is.',
    answers: {
      200: {
        about: 'the domain document',
        schema: DOMAIN,
        headers: ['cache-control'],
        example: {
          issuer: 'https://pay.example',
          jwks_uri: 'https://pay.example/.well-known/jwks.json',
          log: {
            origin: 'pay.example',
            checkpoint_uri: 'https://pay.example/checkpoint',
            tile_uri: 'https://pay.example/tile',
            keys: ['pay.example+0a1b2c3d+AQID'],
          },
          status_list_uri: 'https://pay.example/status/{partition}/{segment}',
          denials_uri: 'https://pay.example/v1/denials',
        },
      },
    },
    denials: [],
  },
  {
    method: 'GET',
    path: '/status/{partition}/{segment}',
    id: 'readStatusList',
    about: 'Which artifacts of a segment are revoked or suspended (Token Status List).',
    parameters: { partition: place('partition'), segment: place('segment') },
    answers: { 200: { about: '`statuslist+jwt`', type: 'application/statuslist+jwt', headers: ['cache-control'] } },
    denials: [],
    problems: { 404: 'no artifact can name that list yet' },
  },
  {
    method: 'GET',
    path: '/checkpoint',
    id: 'readCheckpoint',
    about: 'The last signed head of the log (C2SP tlog-checkpoint).',
    answers: { 200: { about: 'a signed note', type: 'text/plain; charset=utf-8', headers: ['cache-control'] } },
    denials: [],
    problems: { 503: 'the log has signed nothing yet' },
  },
  {
    method: 'GET',
    path: '/tile/{path}',
    id: 'readTile',
    about: 'Hashes or leaves of the log (C2SP tlog-tiles): `L/N`, `L/N.p/W`, `entries/N`; N in groups of three digits.',
    parameters: { path: { about: 'may hold slashes', schema: z.string(), example: '0/000.p/1' } },
    answers: { 200: { about: 'the tile', type: 'application/octet-stream', headers: ['cache-control'] } },
    denials: [],
    problems: { 404: 'no such tile in the signed tree' },
  },
  {
    method: 'GET',
    path: '/v1/log/leaves/{index}',
    id: 'readLeaf',
    about: 'One audit leaf under a signed checkpoint.',
    parameters: { index: place('index of the leaf') },
    answers: {
      200: {
        about: 'the leaf',
        schema: LEAF,
        headers: ['cache-control'],
        example: { leaf_index: 0, leaf_hash: EXAMPLE.hash, leaf: '{}' },
      },
    },
    denials: [],
    problems: { 400: 'the index is no whole number', 404: 'no such leaf under a signed checkpoint' },
  },
  {
    method: 'GET',
    path: '/v1/log/proofs/inclusion',
    id: 'proveInclusion',
    about: 'Proves that a leaf is in a signed tree (RFC 9162 §2.1.3).',
    parameters: {
      leaf_hash: { about: 'hash of the leaf', schema: HASH, required: true, example: EXAMPLE.hash },
      tree_size: { about: 'of a checkpoint the caller has; the last one if absent', schema: COUNT },
    },
    answers: {
      200: {
        about: 'the proof',
        schema: INCLUSION,
        headers: ['cache-control'],
        example: { leaf_index: 0, tree_size: 2, leaf_hash: EXAMPLE.hash, proof: [EXAMPLE.hash] },
      },
    },
    denials: [],
    problems: { 400: 'a parameter is not in form', 404: 'no such leaf in a signed tree of that size' },
  },
  {
    method: 'GET',
    path: '/v1/log/proofs/consistency',
    id: 'proveConsistency',
    about: 'Proves that one signed tree continues another (RFC 9162 §2.1.4).',
    parameters: {
      from: { ...place('size of the older tree'), required: true },
      to: { about: 'size of the newer tree; the last one if absent', schema: COUNT },
    },
    answers: {
      200: {
        about: 'the proof',
        schema: CONSISTENCY,
        headers: ['cache-control'],
        example: { size1: 1, size2: 2, proof: [EXAMPLE.hash] },
      },
    },
    denials: [],
    problems: { 400: 'a parameter is not in form', 404: 'no signed trees of these sizes' },
  },
  ...BUNDLE_ROUTES,
  {
    method: 'GET',
    path: '/v1/lineage/{id}',
    id: 'readLineage',
    about:
      'From any id (mandate or flow, intent, decision, artifact, settlement, outcome, incident, policy, key, agent, principal) to ' +
      'its root, or to what came of it. For people. Each node names its leaf and the proof of it.',
    signedRead: true,
    parameters: {
      id: { about: 'the id', schema: z.string(), example: EXAMPLE.uuid },
      direction: {
        about: '`up` (the default): to the root; `down`: to all descendants',
        schema: z.enum(['up', 'down']),
      },
      limit: { about: 'decisions on a page; 50 if absent', schema: z.number().int().min(1).max(200) },
      cursor: { about: '`next_cursor` of the page before', schema: z.string() },
    },
    answers: {
      200: {
        about: 'the lineage',
        schema: LINEAGE,
        headers: ['link'],
        example: {
          root: { kind: 'mandate', id: EXAMPLE.mandate },
          direction: 'up',
          tree_size: 9,
          nodes: [
            {
              kind: 'mandate',
              id: EXAMPLE.mandate,
              leaf_hash: EXAMPLE.hash,
              leaf_index: 3,
              leaf_url: '/v1/log/leaves/3',
              proof_url: `/v1/log/proofs/inclusion?leaf_hash=${EXAMPLE.hash}&tree_size=9`,
              about: { version: 1, agent: 'buyer', revoked: false },
            },
          ],
          edges: [],
          truncated: false,
          has_more: false,
          next_cursor: null,
        },
      },
    },
    denials: ['malformed', 'rate_limited'],
    problems: { 404: 'nothing in this domain has that id' },
  },
  {
    method: 'GET',
    path: '/v1/attestation',
    id: 'readAttestation',
    about: 'What the domain was, signed by it, as of now or of a past time. For people. Equal leaves give equal bytes.',
    signedRead: true,
    parameters: { at: AT },
    answers: {
      200: {
        about: 'the statement and the proof of the last leaf it follows from',
        schema: ATTESTATION,
        headers: ['cache-control'],
        example: {
          attestation: 'eyJhbGciOiJFZDI1NTE5In0.e30.c2ln',
          last_leaf: { leaf_index: 8, leaf_hash: EXAMPLE.hash, leaf: '{}', proof: [EXAMPLE.hash] },
          consistency_url: '/v1/log/proofs/consistency?from=9',
        },
      },
    },
    denials: ['malformed', 'rate_limited'],
    problems: OF_LOG,
  },
  {
    method: 'GET',
    path: '/v1/history/{kind}/{id}',
    id: 'readHistory',
    about:
      'A mandate, flow (with its trust per limb), policy, key, incident, halt, artifact or party as of now or of a past ' +
      'time, by the leaves alone. For people. Each leaf about it comes with its content and its proof.',
    signedRead: true,
    parameters: {
      kind: { about: 'what it is', schema: z.enum(HISTORY_KINDS), example: 'mandate' },
      id: { about: 'its id; of a halt `scope:id`', schema: z.string(), example: EXAMPLE.mandate },
      at: AT,
    },
    answers: {
      200: {
        about: 'its state then',
        schema: HISTORY,
        headers: ['cache-control'],
        example: {
          kind: 'mandate',
          id: EXAMPLE.mandate,
          as_of: { tree_size: 9, leaf_index: 8, root: EXAMPLE.hash, time_ms: 1_767_225_600_000 },
          state: { version: 1, revoked: false },
          leaves: [
            {
              leaf_index: 3,
              leaf_hash: EXAMPLE.hash,
              leaf: '{}',
              payload: '{}',
              salt: EXAMPLE.hash,
              proof: [EXAMPLE.hash],
            },
          ],
          truncated: false,
          consistency_url: '/v1/log/proofs/consistency?from=9',
        },
      },
    },
    denials: ['malformed', 'rate_limited'],
    problems: OF_LOG,
  },
  {
    method: 'GET',
    path: '/v1/flows/{id}/trust',
    id: 'readFlowTrust',
    about:
      'Trust in a flow, limb by limb, as of now or of a past time: verdict, when it was verified and is due, phase and ' +
      'state, with the leaves that say so and their proof. For people.',
    signedRead: true,
    parameters: {
      id: { about: 'flow id, which is its mandate id', schema: z.string(), example: EXAMPLE.mandate },
      at: AT,
    },
    answers: {
      200: {
        about: 'its trust then',
        schema: FLOW_TRUST,
        headers: ['cache-control'],
        example: {
          flow: EXAMPLE.mandate,
          trust: 'trusted',
          phase: 4,
          phase_name: 'governed execution',
          state: 'executing',
          epoch: 1,
          limbs: TRUSTED_LIMBS,
          as_of: { tree_size: 9, leaf_index: 8, root: EXAMPLE.hash, time_ms: 1_767_225_600_000 },
          leaves: [],
          truncated: false,
          consistency_url: '/v1/log/proofs/consistency?from=9',
        },
      },
    },
    denials: ['malformed', 'rate_limited'],
    problems: OF_LOG,
  },
  TIMELINE_ROUTE,
];
