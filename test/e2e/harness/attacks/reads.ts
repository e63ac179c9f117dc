import { PrivateKeySigner, type Signer, signHttpRequest } from '@spendgate/artifact';
import type { InputsWorld } from '../inputs-world.js';

/** A read that must tell nothing. */
export interface ReadAttack {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** HTTP statuses; 404 for what is not the caller's, as for what does not exist. */
  readonly statuses: readonly number[];
}

/** Ids of one tenant, which another tries to read. */
export interface VictimIds {
  readonly jti: string;
  readonly decisionId: string;
  readonly artifactId: string;
  readonly settlementId: string;
  readonly mandate: string;
}

function pathsOf(ids: VictimIds): string[] {
  return [
    `/v1/payment-intents/${ids.jti}`,
    `/v1/payment-intents/${ids.jti}?mandate=${ids.mandate}`,
    `/v1/decisions/${ids.decisionId}`,
    `/v1/artifacts/${ids.artifactId}`,
    `/v1/mandates/${ids.mandate}`,
    `/v1/settlements/${ids.settlementId}`,
  ];
}

/** OWASP API1: ids of others, ids that are none, and questions inside ids. */
export async function objectAttacks(world: InputsWorld, ids: VictimIds): Promise<ReadAttack[]> {
  const { otherBuyer, otherSettler } = world.parties;
  const strangers = [otherBuyer, otherSettler].flatMap((signer) =>
    pathsOf(ids).map((path) => signedRead(world, `another's ${path}`, path, signer, [404])),
  );
  const odd = [
    '00000000-0000-0000-0000-000000000000',
    '..%2f..%2fetc%2fpasswd',
    "'%20OR%201=1--",
    '%00',
    '*',
    'a'.repeat(90),
  ];
  const places = ['/v1/payment-intents/', '/v1/decisions/', '/v1/artifacts/', '/v1/mandates/', '/v1/settlements/'];
  const oddIds = places.flatMap((place) =>
    odd.map((id) => signedRead(world, `${place}${id}`, `${place}${id}`, world.parties.buyer, [404, 400])),
  );
  return Promise.all([...strangers, ...oddIds]);
}

/** RFC 9421 §7: the signature is the caller's, over this very request, now. */
export async function signatureReadAttacks(world: InputsWorld, ids: VictimIds): Promise<ReadAttack[]> {
  const { buyer, otherBuyer } = world.parties;
  const path = `/v1/artifacts/${ids.artifactId}`;
  const target = { method: 'GET', targetUri: `${world.service.url}${path}` };
  const honest = await signHttpRequest(target, buyer, Date.now());
  const at = (seconds: number): Promise<object> => signHttpRequest(target, buyer, Date.now() + seconds * 1000);
  const elsewhere = (change: object): Promise<object> => signHttpRequest({ ...target, ...change }, buyer, Date.now());
  const input = honest['signature-input'];
  const changed = (name: string, text: string): [string, object] => [name, { ...honest, 'signature-input': text }];
  const forgeries: [string, object][] = [
    ['no signature', {}],
    ['the input alone', { 'signature-input': input }],
    ['the signature alone', { signature: honest.signature }],
    ['replayed after 61 s', await at(-61)],
    ['replayed after a day', await at(-86_400)],
    ['signed for in two minutes', await at(120)], // some time passes until it is sent
    ['of another path', await elsewhere({ targetUri: `${world.service.url}/v1/artifacts/${ids.decisionId}` })],
    ['of another host', await elsewhere({ targetUri: `http://other.example${path}` })],
    ['of a POST', await elsewhere({ method: 'POST' })],
    ['by a key nobody registered', await signHttpRequest(target, PrivateKeySigner.generate('agent'), Date.now())],
    [
      "by another's key under this name",
      { ...(await signHttpRequest(target, otherBuyer, Date.now())), 'signature-input': input },
    ],
    changed('a later created', input.replace(/created=\d+/, 'created=4000000000')),
    changed('no created', input.replace(/created=\d+;/, '')),
    changed('created as text', input.replace(/created=(\d+)/, 'created="$1"')),
    changed('no keyid', input.replace(/;keyid="[^"]*"/, '')),
    changed('keyid of a path', input.replace(/keyid="[^"]*"/, 'keyid="../../dev/null"')),
    changed('alg hmac-sha256', input.replace('alg="ed25519"', 'alg="hmac-sha256"')),
    changed('alg ecdsa-p256-sha256', input.replace('alg="ed25519"', 'alg="ecdsa-p256-sha256"')),
    changed('the method left out', input.replace('"@method" ', '')),
    changed('a component more', input.replace('"@method"', '"@method" "host"')),
    changed('a component twice', input.replace('"@method"', '"@method" "@method"')),
    changed('no structured field', '))((;;'),
    changed('another label', input.replace('sig1', 'sig2')),
    changed('two labels', `${input}, ${input.replace('sig1', 'sig2')}`),
    changed('30 KB', `${input};x="${'x'.repeat(10_000)}"`),
  ];
  return forgeries.map(([name, headers]) => ({
    name: `read signature: ${name}`,
    path,
    headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, String(value)])),
    statuses: [400, 401],
  }));
}

async function signedRead(
  { service }: InputsWorld,
  name: string,
  path: string,
  signer: Signer,
  statuses: readonly number[],
): Promise<ReadAttack> {
  const headers = await signHttpRequest({ method: 'GET', targetUri: `${service.url}${path}` }, signer, Date.now());
  return { name: `read: ${signer.purpose} ${name}`, path, headers: { ...headers }, statuses };
}
