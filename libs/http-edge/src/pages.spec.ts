import { describe, expect, it } from '@jest/globals';
import { pageAnswer, readPage } from './pages.js';

const LIMITS = { usual: 100, max: 1_000 };
const PARTS = [/^[a-z]+$/, /^\d+$/];

describe('a page', () => {
  it('is asked for again with the cursor it gave', () => {
    const link = { path: '/v1/things', query: { of: 'a b', none: null } };
    const { headers, body } = pageAnswer(link, { things: [1] }, ['abc', 7]);
    expect(body).toMatchObject({ things: [1], has_more: true });
    expect(headers['link']).toBe(`</v1/things?of=a%20b&cursor=${String(body['next_cursor'])}>; rel="next"`);
    const asked = readPage({ of: 'a', cursor: String(body['next_cursor']) }, ['of'], PARTS, LIMITS);
    expect(asked).toEqual({ limit: 100, cursor: ['abc', '7'] });
  });

  it('has no link when it is the last', () => {
    const { headers, body } = pageAnswer({ path: '/v1/things', query: {} }, {}, null);
    expect([headers['link'], body]).toEqual([undefined, { has_more: false, next_cursor: null }]);
  });

  it.each([
    [{ limit: '0' }, 'limit'],
    [{ limit: '1001' }, 'limit'],
    [{ limit: '1e2' }, 'limit'],
    [{ limit: ['1', '2'] }, 'limit'],
    [{ cursor: '' }, 'cursor'],
    [{ cursor: 'x'.repeat(300) }, 'cursor'],
    [{ cursor: Buffer.from('abc').toString('base64url') }, 'cursor'],
    [{ cursor: Buffer.from('abc/7/8').toString('base64url') }, 'cursor'],
    [{ cursor: Buffer.from('abc/x').toString('base64url') }, 'cursor'],
    [{ stat: 'held' }, 'stat'],
  ])('is refused for %j, naming %s', (query, field) => {
    expect(readPage(query, ['of'], PARTS, LIMITS)).toBe(field);
  });
});
