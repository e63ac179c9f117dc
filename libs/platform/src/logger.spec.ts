import { describe, expect, it } from '@jest/globals';
import { Logger } from './logger.js';

function capture(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { logger: Logger.create({ level: 'info', role: 'gate', destination }), lines };
}

describe('logger', () => {
  it('writes one JSON line with role, message, fields and the part that speaks', () => {
    const { logger, lines } = capture();
    logger.log('lane acquired', { lane: 'payment-intents.v1/3' }, 'Transport');
    expect(lines[0]).toMatchObject({
      role: 'gate',
      msg: 'lane acquired',
      lane: 'payment-intents.v1/3',
      context: 'Transport',
    });
  });

  it('hides credentials, one level down as well', () => {
    const { logger, lines } = capture();
    logger.log('connecting', { url: 'postgresql://a:hunter2@b/c', kafka: { password: 'hunter2' } });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('keeps an error with its stack and leaves out what is below its level', () => {
    const { logger, lines } = capture();
    logger.debug('quiet');
    logger.error('failed', new Error('reason'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ msg: 'failed', err: { message: 'reason' } });
  });
});
