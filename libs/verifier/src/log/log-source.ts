/**
 * Why a log could not be read. `absent`: it does not serve that; `too_large`, `malformed`: what it serves there cannot be
 * it; `slow`, `unreachable`: it does not answer.
 */
export type SourceFault = 'absent' | 'too_large' | 'malformed' | 'slow' | 'unreachable';

/** What a log answered for one of its paths cannot be used. */
export class SourceProblem extends Error {
  constructor(
    readonly fault: SourceFault,
    path: string,
    detail = '',
  ) {
    super(`${path}: ${fault}${detail === '' ? '' : ` (${detail})`}`);
    this.name = 'SourceProblem';
  }
}

/** Where a log is served: a web server, or a folder with the same paths. Nothing in it is trusted. */
export interface LogSource {
  /**
   * @param path as C2SP tlog-tiles names it, without a slash before it
   * @throws {SourceProblem} also for more than `bytesMax` bytes, before they are held
   */
  read(path: string, bytesMax: number): Promise<Uint8Array>;
}
