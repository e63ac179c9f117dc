import { type Signer, signHttpRequest } from '@spendgate/artifact';
import type { RouteSpec } from '@spendgate/http-edge';
import { undescribed } from './described.js';
import { TEST_PUBLIC_URL } from './test-runtime.js';

/** What a door answered, its body read. */
export interface DoorReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** A role's HTTP side as a client meets it; every reply is held to the table of its routes. */
export class TestDoor {
  constructor(
    private readonly url: string,
    private readonly routes: readonly RouteSpec[],
  ) {}

  /** One signed object. */
  async post(path: string, token: string, headers: Readonly<Record<string, string>> = {}): Promise<DoorReply> {
    const sent = { 'content-type': 'application/jwt', ...headers };
    return this.reply('POST', path, await fetch(`${this.url}${path}`, { method: 'POST', body: token, headers: sent }));
  }

  /** An authorised read; without a signer a plain one. */
  async get(path: string, signer?: Signer): Promise<DoorReply> {
    const target = { method: 'GET', targetUri: `${TEST_PUBLIC_URL}${path}` };
    const headers = signer === undefined ? {} : { ...(await signHttpRequest(target, signer, Date.now())) };
    return this.reply('GET', path, await fetch(`${this.url}${path}`, { headers }));
  }

  private async reply(method: string, path: string, response: Response): Promise<DoorReply> {
    const body = (await response.json()) as Record<string, unknown>; // as: each answer is an object
    const reply = { status: response.status, headers: response.headers, body };
    const problem = undescribed(this.routes, method, path, reply);
    if (problem !== null) throw new Error(problem);
    return reply;
  }
}
