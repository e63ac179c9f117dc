import { type PartyKeyPurpose, type Signer, signToken } from '@spendgate/artifact';
import type { KeyTransitionClaims } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { askForChange } from '../apply/apply-change.js';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printRecord } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { discoverIssuer, postAnswer } from '../service.js';
import { personFrom } from '../signing-keys.js';
import { RotatingFiles } from './key-folder.js';

const TYP = 'key-transition+jwt';
/** As long as a change request waits for its second person. */
const LIFETIME_SECONDS = 86_400;

export interface Rotation {
  readonly party: string;
  readonly purpose: PartyKeyPurpose;
  readonly folder: string;
  readonly url: string;
  /** How long both keys sign. */
  readonly overlapSeconds: number;
  /** Of a person or principal: the operator who asks for it. */
  readonly as: string | undefined;
  readonly json: boolean;
}

/**
 * Goes over to a new key: makes it, signs the transition with both keys, sends it, and changes the key files when it is
 * in force. The same command takes up an attempt that was interrupted, or that had to wait for another operator.
 *
 * @throws {StartError} nothing answers, or there is no key to go over from; the prepared key is kept
 */
export async function rotatePartyKey(rotation: Rotation): Promise<void> {
  const { party, purpose, folder, url, json } = rotation;
  const files = new RotatingFiles(folder, party, purpose);
  const old = await files.current();
  const issuer = await discoverIssuer(url);
  const { successor, token } = await files.prepare((next) => sign(rotation, issuer, old, next));
  const answer = await postAnswer(url, '/v1/key-transitions', token);
  if (isDone(answer, successor)) {
    const kept = await files.finish(old);
    const until = new Date(answer.old.retired_at_ms).toISOString();
    const record = { party, kid: successor.kid, old: old.kid, old_until: until, old_file: kept };
    if (json) printJson(record);
    else printRecord(record);
    return;
  }
  if (answer['code'] === 'scope_mismatch') return askAnother(rotation, issuer, token);
  const { code = null, field = null, status } = answer;
  // what may have taken effect is sent again as it is: the same transition is answered as recorded
  if (typeof status === 'number' && status >= 400 && status < 500) await files.forget();
  if (json) printJson({ party, code, field });
  else note(`refused: ${String(code)} (${String(field)})`);
  process.exitCode = EXIT.denied;
}

interface Done {
  readonly old: { readonly retired_at_ms: number };
}

function isDone(
  answer: Readonly<Record<string, unknown>>,
  successor: Signer,
): answer is Readonly<Record<string, unknown>> & Done {
  const { old, new: made } = answer;
  if (typeof old !== 'object' || old === null || typeof made !== 'object' || made === null) return false;
  const isTimed = 'retired_at_ms' in old && typeof old.retired_at_ms === 'number';
  return isTimed && 'kid' in made && made.kid === successor.kid;
}

async function sign({ party, overlapSeconds }: Rotation, issuer: string, old: Signer, next: Signer): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const claims: KeyTransitionClaims = {
    iss: party,
    aud: issuer,
    iat,
    exp: iat + LIFETIME_SECONDS,
    jti: `rotate-${next.kid}`,
    purpose: old.purpose,
    old: { kid: old.kid },
    new: { kid: next.kid, jwk: next.jwk },
    overlap: { from: iat, until: iat + overlapSeconds },
  };
  return signToken(old, TYP, { ...claims, proof: await signToken(next, TYP, claims) });
}

/** A person's or principal's new key is confirmed by another operator: the transition becomes a change request. */
async function askAnother({ party, folder, as, json }: Rotation, issuer: string, token: string): Promise<void> {
  if (as === undefined) {
    throw new StartError(
      `nothing has changed: the key of a person or principal changes when another operator confirms it.\n` +
        `Next, by an operator: add --as PERSON to this command`,
    );
  }
  const person = await personFrom(folder, as);
  const reason = `new key of ${party}`;
  const request = await withDatabase((pool) =>
    askForChange(pool, { change: { kind: 'rotate', token }, issuer, person, reason }),
  );
  if (json) printJson({ party, request });
  note(
    `Nothing is in force yet. Next, by another person within a day:\n  spendgate apply --approve ${request} --as PERSON\n` +
      'then run this command again: it puts the new key file in its place',
  );
}
