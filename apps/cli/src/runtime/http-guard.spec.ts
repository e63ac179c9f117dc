import 'reflect-metadata';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { HTTP_LIMITS, type HttpLimits, countSources, httpAdapter, sourceOf } from './http-guard.js';

@Controller()
class Routes {
  @Get(['one', 'two', 'livez'])
  get(): string {
    return 'here';
  }

  @Post('one')
  post(): string {
    return 'here';
  }
}
@Module({ controllers: [Routes] })
class RoutesModule {}

let app: NestFastifyApplication | undefined;
afterEach(async () => {
  await app?.close();
});

/** @returns the port it listens on */
async function serve(limits: Partial<HttpLimits>, perSecond = 1_000_000): Promise<number> {
  const options = { logger: false, bodyParser: false } as const;
  app = await NestFactory.create<NestFastifyApplication>(
    RoutesModule,
    httpAdapter({ ...HTTP_LIMITS, ...limits }),
    options,
  );
  countSources(app, { nowMs: () => 1_000_000 }, perSecond);
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as { address(): AddressInfo | null }; // a listening TCP server
  return server.address()?.port ?? 0;
}

/** What the server said by the time it closed the connection. */
function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

describe('connections', () => {
  it('cuts a sender that does not finish its body in time with 408 (RFC 9110 §15.5.9)', async () => {
    const port = await serve({ requestTimeoutMs: 150, checkEveryMs: 20 });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /one HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\na');
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('cuts a sender that does not finish its headers in time', async () => {
    const port = await serve({ requestTimeoutMs: 150, checkEveryMs: 20 });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /one HTTP/1.1\r\nhost: x\r\nx-slow: ');
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('closes a connection on which nothing moves', async () => {
    const port = await serve({ connectionTimeoutMs: 100 });
    expect(await untilClosed(connect(port, '127.0.0.1'))).toBe('');
  });

  it('takes no more of them than its maximum', async () => {
    const port = await serve({ connectionsMax: 1 });
    const first = connect(port, '127.0.0.1');
    await new Promise((resolve) => first.on('connect', resolve));
    expect(await untilClosed(connect(port, '127.0.0.1'))).toBe('');
    first.destroy();
  });

  it('refuses a body above 262,144 bytes with 413', async () => {
    const port = await serve({});
    const body = Buffer.alloc(262_145, 97);
    const headers = { 'content-type': 'text/plain' };
    const reply = await fetch(`http://127.0.0.1:${port}/one`, { method: 'POST', headers, body });
    expect(reply.status).toBe(413);
  });
});

describe('sources', () => {
  it('counts one address over all routes and refuses beyond its rate with 429, but answers an orchestrator', async () => {
    const port = await serve({}, 3);
    const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}/${path}`)).status;
    expect([await status('one'), await status('two'), await status('absent')]).toEqual([200, 200, 404]);
    const refused = await fetch(`http://127.0.0.1:${port}/two`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ code: 'rate_limited', status: 429 });
    expect(await status('livez')).toBe(200);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('takes %s for the source %s: an IPv6 subscriber has a whole /64 (RFC 6177)', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
