import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DependencyError } from '@spendgate/core';
import { HTTP_LIMITS, httpAdapter } from './http-guard.js';
import { ProblemFilter } from './problem-filter.js';

const said: string[] = [];
const keep = (message: unknown): void => void said.push(String(message));

@Controller()
class Doors {
  @Get('away')
  away(): never {
    throw new DependencyError('ERR_DATABASE_UNAVAILABLE', 'connect ECONNREFUSED at db:5432');
  }

  @Get('defect')
  defect(): never {
    throw new RangeError('the secret of this defect');
  }

  @Post('body')
  body(): string {
    return 'taken';
  }
}
@Module({ controllers: [Doors] })
class DoorsModule {}

let app: NestFastifyApplication;
let url: string;
beforeAll(async () => {
  const options = { logger: false, bodyParser: false } as const;
  app = await NestFactory.create(DoorsModule, httpAdapter({ ...HTTP_LIMITS, bodyBytesMax: 100 }), options);
  app.useGlobalFilters(new ProblemFilter({ log: keep, warn: keep, error: keep }));
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app.close());

describe('what no door foresaw', () => {
  it.each([
    ['GET', '/away', 503, 'trust_unverifiable'],
    ['GET', '/defect', 500, 'internal_denied'],
    ['POST', '/body', 413, 'too_large'],
    ['GET', '/nowhere', 404, undefined],
  ] as const)(
    '%s %s is %i %s, as a problem (RFC 9457), and tells a stranger nothing',
    async (method, path, status, code) => {
      const body = method === 'POST' ? 'x'.repeat(101) : null;
      const answer = await fetch(`${url}${path}`, { method, body, headers: { 'content-type': 'text/plain' } });
      const text = await answer.text();
      const type = answer.headers.get('content-type')?.split(';')[0];
      expect([answer.status, type]).toEqual([status, 'application/problem+json']);
      expect((JSON.parse(text) as { code?: string }).code).toBe(code);
      expect(text).not.toMatch(/secret|5432|stack/);
    },
  );

  it('is in the log in full', () => {
    expect(said.join('\n')).toMatch(/db:5432[\s\S]*the secret of this defect/);
  });
});
