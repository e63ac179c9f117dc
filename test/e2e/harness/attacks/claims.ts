import { randomUUID } from 'node:crypto';
import { INPUTS_ISSUER, type InputsWorld } from '../inputs-world.js';
import { type Attack, IntentForge } from './attack.js';

const DAY = 86_400;
const NO_TIME = [
  undefined,
  null,
  '',
  'now',
  '1700000000',
  1.5,
  -1,
  true,
  [],
  {},
  253_402_300_800,
  Number.MAX_SAFE_INTEGER,
];

/** RFC 7519 §4.1.4 to §4.1.6: whole seconds, present, in order, and not over. */
export async function timeAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'time');
  const now = Math.floor(Date.now() / 1000);
  const shapes = (['iat', 'exp'] as const).flatMap((name) =>
    NO_TIME.map((value) => intents.changed(`${name} as ${JSON.stringify(value)}`, 'malformed', { [name]: value })),
  );
  const deadlines = NO_TIME.filter((value) => value !== undefined).map((deadline) =>
    intents.changed(`deadline as ${JSON.stringify(deadline)}`, 'malformed', { deadline }),
  );
  return Promise.all([
    ...shapes,
    ...deadlines,
    intents.changed('exp at iat', 'malformed', { iat: now, exp: now }),
    intents.changed('exp before iat', 'malformed', { iat: now, exp: now - 1 }),
    intents.changed('a life of more than a day', 'malformed', { iat: now, exp: now + DAY + 1 }),
    intents.changed('signed for tomorrow', 'signature_invalid', { iat: now + DAY, exp: now + DAY + 60 }),
    intents.changed('signed for the year 9999', 'signature_invalid', { iat: 253_402_300_000, exp: 253_402_300_799 }),
    intents.changed('over for an hour', 'intent_expired', { iat: now - 7_200, exp: now - 3_600 }),
    intents.changed('over since 1970', 'intent_expired', { iat: 0, exp: 1 }),
    intents.changed('a deadline that has passed', 'deadline_passed', { deadline: now - 1 }),
    intents.changed('a deadline after exp', 'malformed', { deadline: now + 2 * DAY }),
    intents.changed('settle_by that has passed', ['deadline_passed', 'malformed', 'scope_mismatch'], {
      capture: { mode: 'single', settle_by: now - 1 },
    }),
  ]);
}

/** RFC 8725 §3.8 and §3.9: who signs and who is asked are compared as they are, byte for byte. */
export async function partyAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'party');
  const domains = [
    `${INPUTS_ISSUER}/`,
    INPUTS_ISSUER.toUpperCase().replace('HTTPS', 'https'),
    `${INPUTS_ISSUER}.evil.example`,
  ];
  const elsewhere = [
    ...domains,
    'https://other.example',
    'urn:spendgate:demo',
    `${INPUTS_ISSUER}:443`,
    'http://inputs.example',
  ];
  const noDomain = [undefined, null, '', 'inputs', 1, {}, [INPUTS_ISSUER], [INPUTS_ISSUER, 'https://other.example']];
  const noParty = [
    undefined,
    null,
    '',
    'BUYER',
    'buyer ',
    ' buyer',
    'b\u0443yer',
    'buyer\u200b',
    1,
    {},
    ['buyer'],
    INPUTS_ISSUER,
    '../buyer',
  ];
  const spelt = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
  return Promise.all([
    ...elsewhere.map((aud) => intents.changed(`aud ${aud}`, 'domain_mismatch', { aud })),
    ...noDomain.map((aud) => intents.changed(`aud as ${spelt(aud)}`, 'malformed', { aud })),
    ...noParty.map((iss) => intents.changed(`iss as ${spelt(iss)}`, 'malformed', { iss })),
    ...noParty.map((audience) => intents.changed(`audience as ${spelt(audience)}`, 'malformed', { audience })),
    intents.changed('iss of another agent', 'agent_key_mismatch', { iss: 'other-buyer' }),
    ...['nobody', 'settler', 'acme', 'buyer-2'].map((iss) => intents.changed(`iss ${iss}`, 'issuer_unknown', { iss })),
    ...['other-settler', 'nobody', 'buyer'].map((audience) =>
      intents.changed(`presented by ${audience}`, ['audience_mismatch', 'scope_mismatch'], { audience }),
    ),
    intents.changed("another tenant's mandate", 'mandate_unknown', { mandate: world.mandate('others') }),
    intents.changed('a mandate nobody has', 'mandate_unknown', { mandate: randomUUID() }),
    intents.changed('a mandate in capitals', 'malformed', { mandate: world.mandate('attacks').toUpperCase() }),
    ...[undefined, null, '', '*', "' OR 1=1 --", [], 1].map((mandate) =>
      intents.changed(`mandate as ${spelt(mandate)}`, 'malformed', { mandate }),
    ),
  ]);
}

const NO_MONEY = [
  '-0',
  '-0.00',
  '-1.00',
  '0',
  '0.00',
  '00.01',
  '01.00',
  '+1.00',
  '1e309',
  '1e2',
  '1E0',
  'NaN',
  'Infinity',
  '-Infinity',
];
const ODD_MONEY = [
  '',
  ' 1.00',
  '1.00 ',
  '1,00',
  '1_000.00',
  '1.000,00',
  '.50',
  '1.',
  '0x10',
  '0b1',
  '1/2',
  '$1.00',
  '1.00 USD',
  'null',
];
const OTHER_DIGITS = [
  '\u0661.\u0660\u0660',
  '\uff11.\uff10\uff10',
  '\u0967.\u0966\u0966',
  '\u2160.00',
  '\u00b9.00',
  '1\u066b00',
  '1.0\u0660',
  '1\u200b.00',
];

/** Money is decimal text in one spelling with the currency's digits (ISO 4217), and never a number. */
export async function moneyAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'money');
  const usd = (value: unknown): object => ({ amount: { value, currency: 'USD' } });
  const odd = ['amount_invalid', 'currency_precision'];
  const currencies: [unknown, string | string[]][] = [
    ['usd', 'currency_unsupported'],
    ['US', 'currency_unsupported'],
    ['USDX', 'currency_unsupported'],
    ['', 'currency_unsupported'],
    ['XAU', 'currency_unsupported'],
    ['XXX', 'currency_unsupported'],
    ['XTS', 'currency_unsupported'],
    ['ZZZ', 'currency_unsupported'],
    ['\uff35\uff33\uff24', 'currency_unsupported'],
    ['EUR', 'currency_mismatch'],
    [null, 'malformed'],
    [840, 'malformed'],
    [['USD'], 'malformed'],
    [undefined, 'malformed'],
  ];
  const yen = { mandate: world.mandate('yen') };
  return Promise.all([
    ...[...NO_MONEY, ...ODD_MONEY, ...OTHER_DIGITS].map((text) =>
      intents.changed(`amount ${JSON.stringify(text)}`, odd, usd(text)),
    ),
    ...['1', '1.5', '1.005', '0.001', '1.000'].map((text) => intents.changed(`amount ${text} USD`, odd, usd(text))),
    ...[0.01, 1, 1e21, null, undefined, true, [], {}, ['1.00']].map((value) =>
      intents.changed(`value as ${JSON.stringify(value)}`, 'malformed', usd(value)),
    ),
    ...['12.50', 12.5, null, [], undefined].map((amount) =>
      intents.changed(`amount as ${JSON.stringify(amount)}`, 'malformed', { amount }),
    ),
    intents.changed('8,000 digits', odd, usd(`${'9'.repeat(8_000)}.00`)),
    intents.changed('8,000 digits behind the point', odd, usd(`1.${'0'.repeat(8_000)}`)),
    intents.changed('10,000 digits', 'too_large', usd('9'.repeat(10_000))),
    intents.changed('10^6 digits', 'too_large', usd('9'.repeat(600_000))),
    intents.changed('21 digits before the point', odd, usd(`${'9'.repeat(21)}.00`)),
    intents.changed('all that numeric(38,18) holds', 'budget_exceeded', usd(`${'9'.repeat(20)}.00`)),
    intents.changed('a cent above the mandate', 'budget_exceeded', usd('1000000.01')),
    ...currencies.map(([currency, answers]) =>
      intents.changed(`currency as ${JSON.stringify(currency)}`, answers, { amount: { value: '0.01', currency } }),
    ),
    ...['1.5', '1.00', '1.0'].map((value) =>
      intents.changed(`JPY ${value}`, odd, { ...yen, amount: { value, currency: 'JPY' } }),
    ),
    intents.changed('dollars from yen', 'currency_mismatch', yen),
  ]);
}

/** UTS 39: names people read as another. Party ids are ASCII, so none of these can be one. */
const LOOK_ALIKES = {
  'Cyrillic letters': 'sh\u043ep',
  'a Greek letter': 'sh\u03bfp',
  'full width': '\uff53\uff48\uff4f\uff50',
  'a zero width space': 'sh\u200bop',
  'a zero width joiner': 'shop\u200d',
  'a soft hyphen': 'sh\u00adop',
  'a right-to-left override': '\u202epohs',
  'an isolate': '\u2066shop\u2069',
  'a composed accent': 'sh\u00f3p',
  'a combining accent': 'sho\u0301p',
  'a variation selector': 'shop\ufe0f',
  'mathematical letters': '\u{1d4c8}hop',
  capitals: 'SHOP',
  'a space behind': 'shop ',
  'a line break': 'shop\n',
  'a path': '../shop',
  markup: '<script>alert(1)</script>',
  'a formula': '=HYPERLINK("http://127.0.0.1")',
} as const;

export async function counterpartyAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'counterparty');
  const shopOnly = { mandate: world.mandate('shopOnly') };
  return Promise.all([
    ...Object.entries(LOOK_ALIKES).map(([name, counterparty]) => intents.changed(name, 'malformed', { counterparty })),
    intents.changed('a NUL behind', 'encoding_invalid', { counterparty: 'shop\0' }),
    ...['sh0p', 'shop.', 'shop-', 'xn--shp-tna', 'shop.example'].map((counterparty) =>
      intents.changed(counterparty, 'scope_mismatch', { counterparty }),
    ),
    ...[null, undefined, 1, ['shop'], {}].map((counterparty) =>
      intents.changed(`counterparty as ${JSON.stringify(counterparty)}`, 'malformed', { counterparty }),
    ),
    intents.changed('one the mandate does not list', 'scope_mismatch', {
      ...shopOnly,
      counterparty: 'other-shop',
      audience: 'other-settler',
    }),
  ]);
}
