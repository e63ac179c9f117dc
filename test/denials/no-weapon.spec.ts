import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { inControlAct, setDetectors } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  TEST_SPENDING,
  captureClaims,
  intentClaims,
  mandateClaim,
  signIntent,
} from '@spendgate/testing';
import { WatchedWorld } from './watched-world.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const FLOOD = 200;
const MAIN = mandateClaim('main', { spending: TEST_SPENDING });

let watched: WatchedWorld;
let victim: string;
let artifact: IssuedTestArtifact;
let before: unknown;
/** A watched flow in phase 4 with an open hold, its detectors promoted, and an intent of its own that others got hold of. */
beforeEach(async () => {
  watched = await WatchedWorld.open([MAIN]);
  await inControlAct(watched.world.database.pool, (act) => setDetectors(act, { mode: 'enforce', eventsPerDay: 0 }));
  victim = await signIntent(watched.world.domain.agent('buyer'), intentClaims('victim', Date.now()));
  expect(await watched.submit([victim])).toEqual(['authorized']);
  artifact = await watched.issued();
  before = await flow();
}, HOOK_MS);
afterEach(() => watched.close());

const flow = async (): Promise<unknown> =>
  (await watched.run('SELECT state, drift, epoch FROM flows WHERE flow_id = $1', [MAIN.id]))[0];

/** Phase 4 as before, its evidence untouched to the byte, no incident, and the flow goes on working. */
async function expectUntouched(): Promise<void> {
  expect(before).toMatchObject({ state: 'executing' });
  expect(await flow()).toEqual(before);
  expect(await watched.run('SELECT incident_id FROM incidents')).toEqual([]);
  expect((await watched.ask()).outcome).toBe('authorized');
  expect(await watched.capture(artifact)).toBe('capturing');
}

describe('containment is no weapon: with a victim’s flow at work', () => {
  it('E16: a settlement service that asks for more, for another payee, in another currency, again and again, is denied', async () => {
    const good = captureClaims(artifact, 'c', artifact.amount);
    const other = { ...artifact, counterparty: 'casino' };
    const asked = [
      captureClaims(artifact, 'more', '13.50'),
      { ...good, capture_id: 'currency', jti: 'currency', amount: { value: artifact.amount, currency: 'EUR' } },
      captureClaims(other, 'payee', artifact.amount),
    ];
    const codes = new Set<string>();
    for (const claims of [...asked, ...asked]) codes.add(await watched.present(claims));
    expect(codes).not.toContain('capturing');
    expect([...codes]).toContain('amount_exceeds_artifact');
    await expectUntouched();
  });

  it('copies of the victim’s signed intent, two hundred of them, are replays and no events', async () => {
    const codes = await watched.submit(new Array<string>(FLOOD).fill(victim));
    expect(new Set(codes)).toEqual(new Set(['intent_replayed']));
    await expectUntouched();
  });

  it('intents forged in its name, with a key of nobody’s or another agent’s words, are refused before they are any', async () => {
    const stranger = PrivateKeySigner.generate('agent');
    const claims = (n: number) =>
      intentClaims(`forged-${n}`, Date.now(), { amount: { value: '99999.00', currency: 'USD' } });
    const forged = await Promise.all(Array.from({ length: FLOOD }, (_, n) => signIntent(stranger, claims(n))));
    const [head, , signature] = victim.split('.');
    const spliced = `${head}.${Buffer.from(JSON.stringify(claims(0))).toString('base64url')}.${signature}`;
    expect(new Set(await watched.submit([...forged, spliced]))).toEqual(new Set(['key_unknown', 'signature_invalid']));
    await expectUntouched();
  });

  it('its own intents held back until they are over are expired, and say nothing of how it spends', async () => {
    const agoMs = Date.now() - 7_200_000;
    const late = await Promise.all(
      Array.from({ length: FLOOD }, (_, n) =>
        signIntent(
          watched.world.domain.agent('buyer'),
          intentClaims(`late-${n}`, agoMs, { amount: { value: '950.00', currency: 'USD' } }),
        ),
      ),
    );
    expect(new Set(await watched.submit(late))).toEqual(new Set(['intent_expired']));
    expect(await flow()).toMatchObject({ state: 'executing', drift: (before as { drift: string }).drift });
    expect(await watched.run('SELECT incident_id FROM incidents')).toEqual([]);
    expect(await watched.capture(artifact)).toBe('capturing');
  });

  it('forged artifacts, the victim’s presented by another, and its hash without it, are refused', async () => {
    const stranger = PrivateKeySigner.generate('settlement');
    const good = captureClaims(artifact, 'c', artifact.amount);
    const codes = [
      await watched.present(good, stranger),
      await watched.present(captureClaims({ ...artifact, hash: 'A'.repeat(43) }, 'hash', artifact.amount)),
      await watched.present(
        captureClaims({ ...artifact, id: '01a2005b-f0c1-8a46-b635-fe548e2022a3' }, 'id', artifact.amount),
      ),
    ];
    expect(codes).not.toContain('capturing');
    expect(codes[0]).toBe('key_unknown');
    await expectUntouched();
  });
});
