import { createHmac, createPublicKey } from 'node:crypto';
import { PrivateKeySigner } from '@spendgate/artifact';
import { TOKENS } from '@spendgate/codec';
import type { InputsWorld } from '../inputs-world.js';
import { type Attack, INTENT, IntentForge } from './attack.js';

/** RFC 8725 §2.1 and §3.1: the algorithm is the key's, never the token's to choose. */
export async function algorithmAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'algorithm');
  const { header } = intents;
  const unsigned = ['none', 'None', 'NONE', 'nOnE'].map((alg) =>
    intents.attack(`unsigned, alg ${alg}`, 'algorithm_forbidden', { header: { ...header, alg }, signer: silent }),
  );
  const signed = [
    ...['none', 'HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES384', 'ES512', 'ES256K', 'Ed448', 'dir', 'A128GCM'],
    ...['eddsa', 'EDDSA', ' EdDSA', 'EdDSA ', 'ES256'],
  ].map((alg) => intents.attack(`alg ${alg}`, 'algorithm_forbidden', { header: { ...header, alg } }));
  const shapes = ['', null, 1, true, ['EdDSA'], { name: 'EdDSA' }, undefined].map((alg) =>
    intents.attack(`alg as ${JSON.stringify(alg)}`, 'malformed', { header: { ...header, alg } }),
  );
  const confused = publicKeyForms(world).flatMap(([form, secret]) =>
    ['sha256', 'sha384', 'sha512'].map((hash) =>
      intents.attack(`HMAC ${hash} with the public key as ${form}`, 'algorithm_forbidden', {
        header: { ...header, alg: `HS${hash.slice(3)}` },
        signer: { sign: (input) => Promise.resolve(createHmac(hash, secret).update(input).digest()) },
      }),
    ),
  );
  return Promise.all([...unsigned, ...signed, ...shapes, ...confused]);
}

const silent = { sign: () => Promise.resolve(Buffer.alloc(0)) };

/** Every spelling of a public key that a confused verifier may take for a shared secret. */
function publicKeyForms({ parties }: InputsWorld): [string, Buffer][] {
  const { jwk } = parties.buyer;
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  return [
    ['raw bytes', Buffer.from(jwk.x, 'base64url')],
    ['x', Buffer.from(jwk.x)],
    ['JWK', Buffer.from(JSON.stringify(jwk))],
    ['SPKI DER', key.export({ format: 'der', type: 'spki' })],
    ['SPKI PEM', Buffer.from(key.export({ format: 'pem', type: 'spki' }))],
  ];
}

/** RFC 8725 §3.10: nothing in a header may bring a key or name a place to fetch one from. @param trap nobody calls it */
export async function headerAttacks(world: InputsWorld, trap: string): Promise<Attack[]> {
  const intents = new IntentForge(world, 'header');
  const { header } = intents;
  const stranger = PrivateKeySigner.generate('agent');
  const members: Record<string, unknown> = {
    jwk: stranger.jwk,
    jku: `${trap}/jwks.json`,
    x5u: `${trap}/cert.pem`,
    x5c: ['MIIB'],
    x5t: 'AAAA',
    'x5t#S256': 'AAAA',
    crit: ['exp'],
    b64: false,
    zip: 'DEF',
    cty: 'JWT',
    enc: 'A128GCM',
    epk: stranger.jwk,
    apu: 'AAAA',
    p2c: 2_147_483_647,
    iss: 'buyer',
    nonce: 'x',
    url: trap,
    constructor: {},
    toString: 'x',
  };
  const byBuyer = Object.entries(members).map(([name, value]) =>
    intents.attack(`${name}, signed by the agent`, 'header_forbidden', { header: { ...header, [name]: value } }),
  );
  const byStranger = ['jwk', 'jku', 'x5u', 'x5c'].map((name) =>
    intents.attack(`${name}, signed by a stranger's key`, 'header_forbidden', {
      header: { ...header, kid: stranger.kid, [name]: members[name] },
      signer: stranger,
    }),
  );
  const text = JSON.stringify(header);
  const prototype = intents.attack('__proto__', ['header_forbidden', 'malformed'], {
    header: text.replace('{', '{"__proto__":{"alg":"none"},'),
  });
  const doubled = ['alg', 'kid', 'typ'].map((name) =>
    intents.attack(`${name} twice`, 'malformed', { header: text.replace('{', `{"${name}":"x",`) }),
  );
  const noObject = ['[]', 'null', '"EdDSA"', '{', '', '{"alg":"EdDSA"} {}'].map((header_) =>
    intents.attack(`header ${JSON.stringify(header_)}`, 'malformed', { header: header_ }),
  );
  return Promise.all([...byBuyer, ...byStranger, prototype, ...doubled, ...noObject]);
}

/** RFC 8725 §3.11: one kind of token is never taken for another. */
export async function typeAttacks(world: InputsWorld): Promise<Attack[]> {
  const intents = new IntentForge(world, 'type');
  const others = Object.keys(TOKENS).filter((typ) => typ !== INTENT);
  const near = ['JWT', 'jwt', `application/${INTENT}`, INTENT.toUpperCase(), `${INTENT} `, 'payment-intent', 'at+jwt'];
  const shapes = ['', null, 1, [INTENT], undefined];
  return Promise.all([
    ...[...others, ...near].map((typ) =>
      intents.attack(`typ ${typ}`, 'type_mismatch', { header: { ...intents.header, typ } }),
    ),
    ...shapes.map((typ) =>
      intents.attack(`typ as ${JSON.stringify(typ)}`, 'malformed', { header: { ...intents.header, typ } }),
    ),
  ]);
}

/** A key id is a name in our table: never a path, a query or a place. */
export async function keyIdAttacks(world: InputsWorld, domainKids: readonly string[]): Promise<Attack[]> {
  const intents = new IntentForge(world, 'kid');
  const { buyer, otherBuyer, settler } = world.parties;
  const unknown = [
    ...[
      '../../../../../../dev/null',
      '/etc/passwd',
      '..\\..\\windows\\win.ini',
      'file:///dev/null',
      'buyer',
      'agent.key',
    ],
    ...[
      "' OR '1'='1",
      "x'; DROP TABLE party_keys; --",
      '" OR ""="',
      '${jndi:ldap://127.0.0.1/a}',
      '$(id)',
      '`id`',
      '%00',
    ],
    ...['http://127.0.0.1:1/jwks.json', '*', '%', '_', '0', `${buyer.kid}=`, ` ${buyer.kid}`, `${buyer.kid} `],
    ...[buyer.kid.toLowerCase(), buyer.kid.slice(1), `${buyer.kid}A`, settler.kid, ...domainKids],
  ].map((kid) => intents.attack(`kid ${kid}`, 'key_unknown', { header: { ...intents.header, kid } }));
  const shapes = ['', null, 1, [buyer.kid], { kid: buyer.kid }, undefined, 'k'.repeat(129)].map((kid) =>
    intents.attack(`kid as ${JSON.stringify(kid)?.slice(0, 40)}`, 'malformed', { header: { ...intents.header, kid } }),
  );
  const withKid = (kid: string): Record<string, unknown> => ({ ...intents.header, kid });
  return Promise.all([
    ...unknown,
    ...shapes,
    intents.attack('kid with a NUL', 'encoding_invalid', { header: withKid(`${buyer.kid}\0`) }),
    intents.attack('kid of 1 MB', 'too_large', { header: withKid('k'.repeat(700_000)) }),
    intents.attack("another agent's kid", 'signature_invalid', { header: withKid(otherBuyer.kid) }),
    intents.attack("another agent's key", 'signature_invalid', { signer: otherBuyer }),
    intents.attack("another agent's key and kid", 'agent_key_mismatch', {
      header: withKid(otherBuyer.kid),
      signer: otherBuyer,
    }),
    intents.attack("a settlement service's key and kid", 'key_unknown', {
      header: withKid(settler.kid),
      signer: settler,
    }),
    intents.attack('a key nobody registered', 'signature_invalid', { signer: PrivateKeySigner.generate('agent') }),
  ]);
}
