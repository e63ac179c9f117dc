import { settlementId } from '@spendgate/codec';
import { type HeldArtifact, readArtifact, settlementClaims } from '@spendgate/client';
import { naughtyStrings } from '../../conformance/published-vectors.js';
import { sealed } from './forge.js';
import { answerOf, post } from './http-door.js';
import {
  type Block,
  type Input,
  type TextField,
  documentBlock,
  dollars,
  rawBlocks,
  shown,
  unshown,
} from './input-blocks.js';
import { INPUTS_ISSUER, type InputsWorld, smallIntent } from './inputs-world.js';

export const REQUEST = 'settlement-request+jwt';

/** Has the authorizer issue an artifact of 1000.00 USD for `settler` that may be captured in many parts. */
export async function issueArtifact(world: InputsWorld, jti: string, change: object = {}): Promise<string> {
  const claims = smallIntent(jti, world.mandate('settling'), {
    amount: { value: '1000.00', currency: 'USD' },
    ...change,
  });
  const token = await sealed(world.parties.buyer, 'payment-intent+jwt', claims);
  const answer = await post(`${world.service.url}/v1/payment-intents`, token, { prefer: 'wait=30' });
  const { artifact } = answer.body;
  if (typeof artifact !== 'string') throw new Error(`no artifact for ${jti}: ${answerOf(answer)}`);
  return artifact;
}

/** The claims of an honest capture of one cent. */
export function captureOf(held: HeldArtifact, captureId: string, change: object = {}): object {
  const signing = { party: 'settler', issuer: INPUTS_ISSUER, nowSeconds: Math.floor(Date.now() / 1000) };
  return { ...settlementClaims(held, { action: 'capture', captureId, value: '0.01' }, signing), ...change };
}

const PARTY = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const REQUEST_ID = /^[A-Za-z0-9._~:-]{1,128}$/;

/** Every text of a capture, and what it may be. Right in form but not the artifact's is another scope. */
const FIELDS: Readonly<Record<string, TextField>> = {
  merchant_reference: {
    change: (text) => ({ merchant_reference: text }),
    answers: (text) => (shown(text, 64)[0] === 'authorized' ? ['scope_mismatch'] : unshown(text)),
  },
  counterparty: {
    change: (text) => ({ counterparty: text }),
    answers: (text) => (PARTY.test(text) ? ['scope_mismatch'] : unshown(text)),
  },
  amount: { change: (value) => ({ amount: { value, currency: 'USD' } }), answers: dollars },
  jti: {
    change: (jti) => ({ jti }),
    answers: (text) => (REQUEST_ID.test(text) ? ['authorized'] : unshown(text)),
  },
  capture_id: {
    change: (text) => ({ capture_id: text }),
    answers: (text) => (REQUEST_ID.test(text) ? ['authorized'] : unshown(text)),
  },
};

/** Everything for the settlement doors; the artifact is one that really may be captured. */
export async function settlementBlocks(world: InputsWorld, artifact: string): Promise<Block[]> {
  const held = readArtifact(artifact);
  const strings = Object.entries(FIELDS).map(async ([field, { change, answers }]): Promise<Block> => {
    const inputs = naughtyStrings().map((text, index) => {
      const claims = { ...captureOf(held, `${field}-${index}`), ...change(text) };
      return settlementInput(world, `${field}/${index}`, held, claims, answers(text));
    });
    return { name: `naughty strings as ${field} of a capture`, inputs: await Promise.all(inputs) };
  });
  return [...rawBlocks(), await documentBlock(world, REQUEST, ['artifact_missing']), ...(await Promise.all(strings))];
}

/** Captures with nothing wrong in them. */
export function goodCaptures(world: InputsWorld, artifact: string, after: string, count: number): Promise<Input[]> {
  const held = readArtifact(artifact);
  const names = Array.from({ length: count }, (_, index) => `good-${after.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${index}`);
  return Promise.all(names.map((name) => settlementInput(world, name, held, captureOf(held, name), ['authorized'])));
}

async function settlementInput(
  { parties }: InputsWorld,
  id: string,
  held: HeldArtifact,
  claims: object,
  answers: readonly string[],
): Promise<Input> {
  const captureId = 'capture_id' in claims ? String(claims.capture_id) : '';
  const value = Buffer.from(await sealed(parties.settler, REQUEST, claims));
  return { id, value, answers, settlementId: settlementId(held.reference.id, 'capture', captureId) };
}
