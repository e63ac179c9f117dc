import { expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

/** Work that ends when it is told to. */
function work(): { readonly run: () => Promise<string>; readonly end: () => void; started: boolean } {
  let end = (): void => undefined;
  const ended = new Promise<string>((resolve) => (end = () => resolve('done')));
  const each = { started: false, end: () => end(), run: () => ((each.started = true), ended) };
  return each;
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets a named number pass at once, the next wait in order, and turns the rest away at once', async () => {
  const turnstile = new Turnstile({ atOnceMax: 1, waitingMax: 1 });
  const [first, second, third] = [work(), work(), work()];
  const answers = [first, second, third].map((each) => turnstile.run(each.run));
  await settle();
  expect([first.started, second.started, third.started]).toEqual([true, false, false]);
  expect(answers[2]).toBeUndefined();
  first.end();
  await settle();
  expect(second.started).toBe(true);
  second.end();
  expect([await answers[0], await answers[1]]).toEqual(['done', 'done']);
});

it('frees the place of work that throws', async () => {
  const turnstile = new Turnstile({ atOnceMax: 1, waitingMax: 0 });
  await expect(turnstile.run(() => Promise.reject(new Error('broke')))).rejects.toThrow('broke');
  await expect(turnstile.run(() => Promise.resolve('next'))).resolves.toBe('next');
});
