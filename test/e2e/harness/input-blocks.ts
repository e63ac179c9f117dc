import { INTENT_BYTES_MAX, intentId } from '@spendgate/codec';
import { jsonParsingCases, naughtyStrings } from '../../conformance/published-vectors.js';
import { sealed } from './forge.js';
import { INPUTS_ISSUER, type InputsWorld, smallIntent } from './inputs-world.js';

/** One input for a door and the answers that are right for it. */
export interface Input {
  readonly id: string;
  readonly value: Buffer;
  /** Codes, or `authorized`. */
  readonly answers: readonly string[];
  /** Of an input that may become an intent: under which id its decision is found, and its flow. */
  readonly intentId?: string;
  readonly flow?: string;
  /** Of an input that may settle: under which id its decision is found. */
  readonly settlementId?: string;
}
export interface Block {
  readonly name: string;
  readonly inputs: readonly Input[];
}

/** Nobody can read it; which of the three depends on what is wrong first. */
const UNREADABLE = ['malformed', 'encoding_invalid', 'too_large'] as const;
const INTENT = 'payment-intent+jwt';

/** JSONTestSuite's documents and the naughty strings where a token should be. */
export function rawBlocks(): Block[] {
  const documents = jsonParsingCases().map(({ name, bytes }) => raw(`raw/${name}`, bytes));
  const strings = naughtyStrings().map((text, index) => raw(`raw/string-${index}`, Buffer.from(text)));
  return [
    { name: 'JSON documents instead of a token', inputs: documents },
    { name: 'naughty strings instead of a token', inputs: strings },
  ];
}

function raw(id: string, value: Buffer): Input {
  return { id, value, answers: value.length > INTENT_BYTES_MAX ? ['too_large'] : UNREADABLE };
}

/** The documents as payload of a token whose signature is right. @param others codes an object with no claims may get */
export async function documentBlock(world: InputsWorld, typ: string, others: readonly string[]): Promise<Block> {
  const signer = typ === INTENT ? world.parties.buyer : world.parties.settler;
  const inputs = jsonParsingCases().map(async ({ name, bytes }): Promise<Input> => {
    const value = Buffer.from(await sealed(signer, typ, bytes));
    // RFC 8259 documents are lists, scalars or objects of other members: form is right, claims are missing.
    const answers = name.startsWith('y_') ? ['malformed', 'encoding_invalid', ...others] : [...UNREADABLE, ...others];
    return { id: `payload/${name}`, value, answers };
  });
  return { name: `JSON documents as payload of ${typ}`, inputs: await Promise.all(inputs) };
}

/** A text of a request: how to put it there, and what the answers may be. */
export interface TextField {
  readonly change: (text: string) => object;
  readonly answers: (text: string) => readonly string[];
}

/** What a text may be where people or machines write it; written from the standards, not from our schema. */
const FIELDS: Readonly<Record<string, TextField>> = {
  reference: { change: (reference) => ({ reference }), answers: (text) => shown(text, 64) },
  description: { change: (description) => ({ description }), answers: (text) => shown(text, 140) },
  counterparty: {
    change: (counterparty) => ({ counterparty }),
    // A well-formed id of nobody is a scope the mandate does not have; the rest is no id at all.
    answers: (text) => (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(text) ? ['scope_mismatch'] : unshown(text)),
  },
  amount: {
    change: (value) => ({ amount: { value, currency: 'USD' } }),
    answers: dollars,
  },
  currency: {
    change: (currency) => ({ amount: { value: '0.01', currency } }),
    answers: (text) => (isEncodable(text) ? ['currency_unsupported'] : ['encoding_invalid']),
  },
};

/** US dollars have two digits (ISO 4217), and nothing is spent for nothing. */
export function dollars(text: string): readonly string[] {
  if (/^(0|[1-9]\d{0,5})\.\d\d$/.test(text)) return Number(text) > 0 ? ['authorized'] : ['amount_invalid'];
  return isEncodable(text) ? ['amount_invalid', 'currency_precision'] : ['encoding_invalid'];
}

/** RFC 7493 §2.1: no surrogates, no non-characters; and no NUL. */
export function isEncodable(text: string): boolean {
  return !/[\0\p{Surrogate}\p{Noncharacter_Code_Point}]/u.test(text);
}

export function shown(text: string, charsMax: number): readonly string[] {
  const turns = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/; // Unicode UAX #9: marks that turn the direction
  const readable = !/\p{Cc}|\p{Zl}|\p{Zp}/u.test(text) && !turns.test(text);
  return readable && [...text].length >= 1 && [...text].length <= charsMax && isEncodable(text)
    ? ['authorized']
    : unshown(text);
}

export function unshown(text: string): readonly string[] {
  return isEncodable(text) ? ['malformed'] : ['encoding_invalid'];
}

/** The strings in every text of an intent, signed by a registered agent, each under an id of its own. */
export function stringBlocks(world: InputsWorld, mandateName: 'topic' | 'http'): Promise<Block[]> {
  const mandate = world.mandate(mandateName);
  const fields = Object.entries(FIELDS).map(async ([field, { change, answers }]): Promise<Block> => {
    const inputs = naughtyStrings().map(async (text, index) => {
      const claims = smallIntent(`${field}-${index}`, mandate, change(text));
      return intentInput(world, `${field}/${index}`, claims, answers(text));
    });
    return { name: `naughty strings as ${field}`, inputs: await Promise.all(inputs) };
  });
  return Promise.all([...fields, jtiBlock(world, mandate)]);
}

/** As its own name: a name twice is a replay, and the answer carries the first decision. */
async function jtiBlock(world: InputsWorld, mandate: string): Promise<Block> {
  const strings = [...new Set(naughtyStrings())];
  const inputs = strings.map((text, index) => {
    const claims = smallIntent(text, mandate);
    const answers = /^[A-Za-z0-9._~:-]{1,128}$/.test(text) ? ['authorized'] : unshown(text);
    return intentInput(world, `jti/${index}`, claims, answers);
  });
  return { name: 'naughty strings as jti', inputs: await Promise.all(inputs) };
}

async function intentInput(
  { parties }: InputsWorld,
  id: string,
  claims: Readonly<Record<string, unknown>>,
  answers: readonly string[],
): Promise<Input> {
  const [flow, jti] = [String(claims['mandate']), String(claims['jti'])];
  const value = Buffer.from(await sealed(parties.buyer, INTENT, claims));
  return {
    id,
    value,
    answers,
    flow,
    intentId: intentId({ issuer: INPUTS_ISSUER, agent: 'buyer', mandate: flow, jti }),
  };
}

/** Intents with nothing wrong in them. */
export function goodBlock(
  world: InputsWorld,
  mandateName: 'topic' | 'http',
  after: string,
  count: number,
): Promise<Input[]> {
  const mandate = world.mandate(mandateName);
  const names = Array.from({ length: count }, (_, index) => `good-${after.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${index}`);
  return Promise.all(names.map((name) => intentInput(world, name, smallIntent(name, mandate), ['authorized'])));
}
