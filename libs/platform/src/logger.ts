import { isNativeError } from 'node:util/types';
import { type DestinationStream, type Logger as Pino, pino } from 'pino';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Which role writes: `authorizer`, `settlement-gate`, … */
  readonly role: string;
  /** Standard output when absent. */
  readonly destination?: DestinationStream;
}

/** Members that may hold a credential, at the two depths our own log calls use. */
const SECRETS = ['password', 'token', 'secret', 'privateKey', 'jwk', 'authorization', 'url', 'connectionString'];
const REDACT = [...SECRETS, ...SECRETS.map((name) => `*.${name}`)];

/**
 * JSON lines, one per event. Has the shape of Nest's LoggerService, so Nest's own messages go the same way:
 * `log(message, ...fields, context)`, where a last string argument names the part that speaks.
 */
export class Logger {
  private constructor(private readonly pino: Pino) {}

  static create({ level, role, destination }: LoggerOptions): Logger {
    const options = { level, base: { role }, redact: { paths: REDACT, censor: '(secret)' } };
    return new Logger(destination === undefined ? pino(options) : pino(options, destination));
  }

  /** A logger that adds these fields to each line. */
  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new Logger(this.pino.child(fields));
  }

  log(message: unknown, ...details: unknown[]): void {
    this.write('info', message, details);
  }

  warn(message: unknown, ...details: unknown[]): void {
    this.write('warn', message, details);
  }

  error(message: unknown, ...details: unknown[]): void {
    this.write('error', message, details);
  }

  fatal(message: unknown, ...details: unknown[]): void {
    this.write('fatal', message, details);
  }

  debug(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }

  verbose(message: unknown, ...details: unknown[]): void {
    this.write('trace', message, details);
  }

  private write(level: Exclude<LogLevel, 'silent'>, message: unknown, details: readonly unknown[]): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const fields: Record<string, unknown> = {};
    for (const detail of details) {
      if (typeof detail === 'string')
        fields[detail.includes('\n') ? 'stack' : 'context'] = detail; // Nest passes both
      else if (isNativeError(detail)) fields['err'] = detail;
      else if (typeof detail === 'object') Object.assign(fields, detail);
    }
    if (isNativeError(message)) this.pino[level]({ ...fields, err: message }, message.message);
    else this.pino[level](fields, typeof message === 'string' ? message : JSON.stringify(message));
  }
}
