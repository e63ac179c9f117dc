import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { SpendgateClient } from '@spendgate/client';
import { publishOverHttp } from './publish-over-http.js';

/** A door that answers as told, one answer a request; `null` breaks the connection as a killed service does. */
type Told = { readonly status: number; readonly body: object } | null;

describe('publishOverHttp', () => {
  const told: Told[] = [];
  const received: string[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push(body);
      const answer = told.shift();
      if (answer === null || answer === undefined) return void response.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  let client: SpendgateClient;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // as: it listens on TCP
    const signer = PrivateKeySigner.generate('agent');
    client = new SpendgateClient({ url: `http://127.0.0.1:${port}`, issuer: 'urn:x', party: 'a', signer });
  });
  afterAll(() => void server.close());

  const line = {
    agent: 'a',
    jti: 'j-1',
    mandate: 'm',
    amount: { value: '1.00', currency: 'USD' },
    counterparty: 'c',
    audience: 's',
    capture: { mode: 'single' as const },
    reference: 'r',
  };
  const publish = async (...answers: Told[]) => {
    told.push(...answers);
    received.length = 0;
    return publishOverHttp(client, line, 1);
  };
  const authorized = { status: 201, body: { decision: 'd', artifact_id: 'id', artifact: 'jws' } };

  it('sends the same bytes again when the service died, so the intent cannot spend twice', async () => {
    const result = await publish(null, null, authorized);
    expect(result).toEqual({ jti: 'j-1', outcome: 'authorized', code: null, artifact_id: 'id', artifact: 'jws' });
    expect(new Set(received).size).toBe(1);
    expect(received).toHaveLength(3);
  });

  it('waits out a rate limit and an answer still being made', async () => {
    const result = await publish(
      { status: 429, body: { code: 'rate_limited' } },
      { status: 409, body: {} },
      authorized,
    );
    expect([result.outcome, received.length]).toEqual(['authorized', 3]);
  });

  it('takes a denial for an answer, and a refusal for another', async () => {
    const denied = await publish({ status: 403, body: { code: 'budget_exceeded', decision: 'd' } });
    expect([denied.outcome, denied.code, received.length]).toEqual(['denied', 'budget_exceeded', 1]);
    const refused = await publish({ status: 409, body: { code: 'idempotency_conflict' } });
    expect([refused.outcome, refused.code, received.length]).toEqual(['refused', 'idempotency_conflict', 1]);
  });
});
