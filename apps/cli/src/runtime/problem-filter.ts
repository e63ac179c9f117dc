import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, type LoggerService } from '@nestjs/common';
import { DependencyError } from '@spendgate/core';
import { type Answer, type EdgeReply, PROBLEM_TYPE, problemOf, send } from '@spendgate/http-edge';

/**
 * What no door foresaw is an answer too (RFC 9457), and a denial: a dependency that is away is `trust_unverifiable`, a
 * defect of ours `internal_denied`. Neither says more than its code.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: LoggerService) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<EdgeReply>();
    const status = statusOf(error);
    if (status === TOO_LARGE) return send(reply, problemOf('too_large'));
    if (status !== undefined && status < 500) return send(reply, plainProblem(status));
    if (error instanceof DependencyError) {
      this.logger.warn(`a request was not answered: ${error.message}`);
      return send(reply, problemOf('trust_unverifiable'));
    }
    this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return send(reply, problemOf('internal_denied'));
  }
}

const TOO_LARGE = 413;

/** Of what Nest or Fastify refused before a door saw it: no such route, a body cut off. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const hasStatus = typeof error === 'object' && error !== null && 'statusCode' in error;
  return hasStatus && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

function plainProblem(status: number): Answer {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'refused', status };
  return { status, headers: { 'content-type': PROBLEM_TYPE }, body };
}
