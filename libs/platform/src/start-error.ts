/**
 * The process cannot start as configured. The message says what is wrong and what to do about it;
 * the command line prints it without a stack.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
