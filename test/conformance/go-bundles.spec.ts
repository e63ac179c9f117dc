import { describe, expect, it } from '@jest/globals';
import { type KeySet, PrivateKeySigner, parseKeySet, signToken } from '@spendgate/artifact';
import { type AnyBundle, type Bundle, canonicalize, isBundleOf } from '@spendgate/codec';
import { makeTestBundle, makeTestIncident, makeTestRange, makeTestSettlement } from '@spendgate/testing';
import { verifyArtifact, verifyBundle } from '@spendgate/verifier';
import { COMPILE_MS, ask, hasGo } from './go-oracle.js';

const TYP = 'authorization-artifact+jwt';
const witnesses = [PrivateKeySigner.generate('checkpoint'), PrivateKeySigner.generate('checkpoint')];

type Change = (bundle: Bundle) => void;
const first = <T>(list: readonly T[]): T => {
  const [item] = list;
  if (item === undefined) throw new Error('an empty list');
  return item;
};
const spoil = (text: string, at: number): string =>
  `${text.slice(0, at)}${text.charAt(at) === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
const spoilToken = (bundle: Bundle, at: number): void => {
  const { artifact } = bundle.proof;
  artifact.token = artifact.token === null ? null : spoil(artifact.token, at);
};

/** Changes to what both implementations judge: the artifact and what names it, the leaves, the tree, who signed it. */
const CHANGES: Readonly<Record<string, Change>> = {
  nothing: () => undefined,
  'no artifact': ({ proof }) => { proof.artifact.token = null; },
  'header of the artifact': (bundle) => spoilToken(bundle, 12),
  'payload of the artifact': (bundle) => spoilToken(bundle, 200),
  'signature of the artifact': (bundle) => spoilToken(bundle, (bundle.proof.artifact.token ?? '').length - 40),
  'claims as stated': ({ proof }) => { proof.artifact.claims = proof.artifact.claims.replace('12.50', '12.51'); },
  'the status list for the artifact': ({ proof, synchronization }) => { proof.artifact.token = synchronization.status_list; },
  'another subject': ({ subject, proof }) => { subject.id = proof.decision.intent_id; },
  'a receipt key for artifacts': ({ keys }) => { keys.forEach((key) => { if (key.purpose === 'artifact') key.purpose = 'receipt'; }); },
  'a leaf': ({ lineage }) => { first(lineage.leaves).leaf = first(lineage.leaves).leaf.replace('"v":1', '"v":2'); },
  'a payload': ({ lineage }) => { lineage.leaves.forEach((leaf) => { leaf.payload = leaf.payload?.replace('authorized', 'denied') ?? null; }); },
  'a salt': ({ lineage }) => { first(lineage.leaves).salt = spoil(first(lineage.leaves).salt ?? '', 3); },
  'a salt without payload': ({ lineage }) => { first(lineage.leaves).payload = null; },
  'a redacted payload': ({ lineage }) => { Object.assign(first(lineage.leaves), { payload: null, salt: null }); lineage.redacted = 1; },
  'order of the leaves': ({ lineage, audit }) => { lineage.leaves.reverse(); audit.inclusion.reverse(); },
  'a missing proof': ({ audit }) => { audit.inclusion.pop(); },
  'a hash of a proof': ({ audit }) => { const { proof } = first(audit.inclusion); proof[0] = spoil(first(proof), 5); },
  'a hash too many': ({ audit }) => { const { proof } = first(audit.inclusion); proof.push(first(proof)); },
  'index of a leaf': ({ audit, lineage }) => { first(audit.inclusion).index = 0; first(lineage.leaves).index = 0; },
  'the root': ({ synchronization, proof }) => { synchronization.checkpoint.root = proof.decision.leaf_hash; },
  'the size': ({ synchronization }) => { synchronization.checkpoint.size -= 1; },
  'the older tree': ({ synchronization, proof }) => { Object.assign(synchronization.consistency ?? {}, { root: proof.decision.leaf_hash }); },
  'size of the older tree': ({ synchronization }) => { Object.assign(synchronization.consistency ?? {}, { size: 9 }); },
  'size in the note': ({ persistence }) => { persistence.note = persistence.note.replace('\n15\n', '\n14\n'); },
  'a cosignature': ({ persistence }) => { persistence.note = spoil(persistence.note, persistence.note.length - 30); },
  'a witness who did not cosign': ({ persistence }) => { persistence.witnessed_by.push(first(persistence.witnessed_by).replace('witness-0', 'witness-9')); },
  'a cosignature of nobody named': ({ persistence }) => { persistence.witnessed_by.pop(); },
  'a key of nobody for the log': ({ persistence }) => { persistence.log_key = first(persistence.witnessed_by); },
  'no key of the log': (bundle) => { bundle.keys = bundle.keys.filter(({ purpose }) => purpose !== 'checkpoint'); },
}; // prettier-ignore

/** What both judge of a bundle: the artifact's signature, and all that is in the tree. */
async function verdicts(bundle: Bundle, trust?: KeySet): Promise<boolean[]> {
  const { statements } = await verifyBundle({ bundle: Buffer.from(canonicalize(bundle)), trust });
  return ['authorization', 'audit'].map((name) => statements.some((each) => each.name === name && each.holds));
}

const test = hasGo || process.env['CI'] === 'true' ? it : it.skip; // in CI a missing Go fails
describe('libs/verifier and Go', () => {
  test(
    'C10, C14: give the same verdict on a good bundle and on every tampered one',
    async () => {
      const { bundle } = await makeTestBundle({ from: 10, witnesses });
      const cases = Object.entries(CHANGES).map(([name, change]) => {
        const copy = JSON.parse(canonicalize(bundle)) as Bundle; // as: a copy
        change(copy);
        return { name, bundle: copy };
      });
      const answers = ask(cases.map((each) => ({ kind: 'bundle', bundle: canonicalize(each.bundle) })));
      const here = await Promise.all(cases.map(async (each) => [each.name, ...(await verdicts(each.bundle))]));
      const there = cases.map(({ name }, at) => [name, answers[at]?.artifact === '', answers[at]?.audit === '']);
      expect(there).toEqual(here);
      expect(here.filter(([, artifact, audit]) => artifact === true && audit === true).map(([name]) => name)).toEqual([
        'nothing',
        'a redacted payload',
      ]);
    },
    COMPILE_MS,
  );

  test(
    'C14: give the same verdict on the log of a settlement, an incident and a time range, and on tampered ones',
    async () => {
      const bundles = [await makeTestSettlement(), await makeTestIncident(), await makeTestRange()];
      const changes: Readonly<Record<string, (bundle: AnyBundle) => void>> = {
        nothing: () => undefined,
        'an omitted leaf': ({ lineage, audit }) => [lineage.leaves, audit.inclusion].forEach((list) => list.splice(6, 1)),
        'a payload': ({ lineage }) => { first(lineage.leaves).payload = '{}'; },
        'a hash of a proof': ({ audit }) => { const { proof } = first(audit.inclusion); proof[0] = spoil(first(proof), 5); },
        'the root': ({ synchronization }) => { synchronization.checkpoint.root = spoil(synchronization.checkpoint.root, 5); },
        'the checkpoint': ({ persistence }) => { persistence.note = spoil(persistence.note, persistence.note.length - 30); },
        'a bound': (bundle) => { if (isBundleOf(bundle, 'range')) bundle.proof.end.size -= 1; },
        'the note of a bound': (bundle) => { if (isBundleOf(bundle, 'range')) bundle.proof.end.note = bundle.persistence.note; },
        'a proof between bounds': (bundle) => { if (isBundleOf(bundle, 'range')) bundle.proof.end.consistency.reverse(); },
        'no start': (bundle) => { if (isBundleOf(bundle, 'range')) bundle.proof.start = null; },
      }; // prettier-ignore
      const cases = bundles.flatMap((bundle) =>
        Object.entries(changes).map(([name, change]) => {
          const copy = JSON.parse(canonicalize(bundle)) as AnyBundle; // as: a copy
          change(copy);
          return { name: `${bundle.subject.kind}: ${name}`, text: canonicalize(copy) };
        }),
      );
      const answers = ask(cases.map(({ text }) => ({ kind: 'bundle', bundle: text })));
      const there = cases.map(({ name }, at) => [name, answers[at]?.audit === '']);
      const here = cases.map(async ({ name, text }) => {
        const { statements } = await verifyBundle({ bundle: Buffer.from(text) });
        const ofLog = statements.filter((each) => each.name === 'audit' || each.name === 'completeness');
        return [name, ofLog.every(({ holds }) => holds)];
      });
      expect(there).toEqual(await Promise.all(here));
      const ofRange = there.flatMap(([name, holds]) =>
        holds === true && String(name).startsWith('range') ? [name] : [],
      );
      expect(ofRange).toEqual(['range: nothing']);
    },
    COMPILE_MS,
  );

  test(
    'C16: both take the keys they were given and not those of the bundle',
    async () => {
      const { bundle, jwks } = await makeTestBundle();
      const stranger = PrivateKeySigner.generate('artifact');
      const strangers = { keys: [{ ...stranger.jwk, kid: stranger.kid, purpose: 'artifact', iss: bundle.domain }] };
      const text = canonicalize(bundle);
      const sets = [jwks, strangers].map((set) => parseKeySet(set));
      const here = sets.map((set) => (set.ok ? verdicts(bundle, set.keys) : Promise.reject(new Error(set.detail))));
      const kids = sets.map((set) => (set.ok ? set.keys.all().map(({ kid }) => kid) : []));
      const answers = ask(kids.map((trust) => ({ kind: 'bundle', bundle: text, trust })));
      expect(answers.map(({ artifact, audit }) => [artifact === '', audit === ''])).toEqual(await Promise.all(here));
      expect(await Promise.all(here)).toEqual([
        [true, true],
        [false, false],
      ]);
    },
    COMPILE_MS,
  );

  test(
    'have the same strict form of a signed object',
    async () => {
      const signer = PrivateKeySigner.generate('artifact');
      const { bundle } = await makeTestBundle();
      const token = await signToken(signer, TYP, JSON.parse(bundle.proof.artifact.claims) as object); // as: claims
      const [head = '', body = '', signature = ''] = token.split('.');
      const encode = (text: string): string => Buffer.from(text).toString('base64url');
      const resign = async (header: string): Promise<string> => {
        const input = `${encode(header)}.${body}`;
        return `${input}.${(await signer.sign(Buffer.from(input))).toString('base64url')}`;
      };
      const { kid } = signer;
      const tokens = [
        token,
        `${token}=`,
        `${head}.${body}.${signature}\n`,
        `${head}.${body}\n.${signature}`,
        `${head}.${body}`,
        `${head}.${body}.`,
        `${head}.${body}.${signature}.`,
        `${head}.${body}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'R'}`, // other bits that mean nothing
        `${head}.${body.replaceAll('-', '+').replaceAll('_', '/')}.${signature.replaceAll('-', '+').replaceAll('_', '/')}+`,
        await resign(canonicalize({ alg: 'EdDSA', kid, typ: TYP })),
        await resign(canonicalize({ alg: 'Ed25519', kid, typ: TYP })),
        await resign(canonicalize({ alg: 'none', kid, typ: TYP })),
        await resign(canonicalize({ alg: 'HS256', kid, typ: TYP })),
        await resign(canonicalize({ alg: 'EdDSA', kid, typ: 'payment-intent+jwt' })),
        await resign(canonicalize({ alg: 'EdDSA', kid })),
        await resign(canonicalize({ alg: 'EdDSA', kid: `${kid}x`, typ: TYP })),
        await resign(canonicalize({ alg: 'EdDSA', kid, typ: TYP, b64: false, crit: ['b64'] })),
        await resign(canonicalize({ alg: 'EdDSA', kid, typ: TYP, jwk: signer.jwk })),
        await resign(`{"alg":"none","alg":"EdDSA","kid":"${kid}","typ":"${TYP}"}`),
        await resign(`{"alg":"EdDSA","kid":"${kid}","typ":"${TYP}"}{}`),
        await resign('["EdDSA"]'),
      ];
      const keys = parseKeySet({ keys: [{ ...signer.jwk, purpose: 'artifact' }] });
      if (!keys.ok) throw new Error(keys.detail);
      const reports = await Promise.all(
        tokens.map((artifact) => verifyArtifact({ artifact, keys: keys.keys, atMs: 1_700_000_000_000 })),
      );
      const here = reports.map(({ checks }) => checks.find(({ name }) => name === 'signature')?.ok);
      const named = { kid, jwk: { ...signer.jwk }, party: '', purpose: 'artifact', leaf: '' };
      const answers = ask(tokens.map((each) => ({ kind: 'token', token: each, typ: TYP, signer: named })));
      expect(answers.map(({ signed }) => signed)).toEqual(here);
      expect(here.filter((holds) => holds === true)).toHaveLength(3);
    },
    COMPILE_MS,
  );
});
