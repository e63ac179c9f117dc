import { describe, expect, it } from '@jest/globals';
import { intentOf, readIntentLines } from './plain-intents.js';

describe('readIntentLines', () => {
  it('gives a line without jti one from file and line, so that a second publish is a replay', () => {
    const text = '{"agent":"a","mandate":"m"}\n\n{"agent":"b","jti":"own"}\n';
    expect(readIntentLines(text, 'folder/may purchases.jsonl').map(({ jti }) => jti)).toEqual([
      'may-purchases-1',
      'own',
    ]);
  });

  it('keeps what it does not know: the authorizer names the field, we would only drop it', () => {
    const [line] = readIntentLines('{"agent":"a","amount":1.5,"surprise":true}', 'x.jsonl');
    expect(line).toMatchObject({ amount: 1.5, surprise: true });
  });

  it.each([
    ['{"agent":', 'x.jsonl:2: not JSON'],
    ['{"mandate":"m"}', 'x.jsonl:2: "agent" is missing'],
    ['[]', 'x.jsonl:2: "agent" is missing'],
  ])('names the line it cannot sign: %s', (bad, message) => {
    expect(() => readIntentLines(`{"agent":"a"}\n${bad}`, 'x.jsonl')).toThrow(message);
  });

  it('leaves the agent out of the intent: it becomes the issuer of the token', () => {
    const [line] = readIntentLines('{"agent":"a","jti":"j","mandate":"m"}', 'x.jsonl');
    expect(line === undefined ? undefined : intentOf(line)).toEqual({ jti: 'j', mandate: 'm' });
  });
});
