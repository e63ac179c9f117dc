import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';
import { type LogSource, SourceProblem } from '@spendgate/verifier';

/** One answer must be whole after this. */
const ANSWER_TIMEOUT_MS = 10_000;
const TOO_MANY_REQUESTS = 429;
/** How often a log may say "later", and the longest it may ask for. */
const LATER = { timesMax: 20, msMax: 5_000 };

/** A log at a URL, or in a folder that has the same paths. @param deadlineMs Unix ms at which no answer is waited for */
export function openLogSource(place: string, deadlineMs: number): LogSource {
  if (!/^https?:\/\//.test(place)) return new FolderSource(place);
  return new HttpSource(place.endsWith('/') ? place : `${place}/`, deadlineMs);
}

/** Follows no redirect: what is verified is what this address serves. */
class HttpSource implements LogSource {
  constructor(
    private readonly base: string,
    private readonly deadlineMs: number,
  ) {}

  async read(place: string, bytesMax: number): Promise<Uint8Array> {
    for (let times = 0; ; times += 1) {
      const leftMs = this.deadlineMs - Date.now();
      if (leftMs <= 0) throw new SourceProblem('slow', place, 'the time given is over');
      const signal = AbortSignal.timeout(Math.min(ANSWER_TIMEOUT_MS, leftMs));
      const answer = await this.ask(place, bytesMax, signal);
      if (answer instanceof Uint8Array) return answer;
      if (times === LATER.timesMax) throw new SourceProblem('slow', place, 'asks to come back again and again');
      await pause(Math.min(answer, LATER.msMax));
    }
  }

  /** @returns the bytes, or after how many ms to ask again */
  private async ask(place: string, bytesMax: number, signal: AbortSignal): Promise<Uint8Array | number> {
    try {
      const response = await fetch(new URL(place, this.base), { redirect: 'error', signal });
      if (response.status === TOO_MANY_REQUESTS) {
        await response.body?.cancel();
        return Math.max(Number(response.headers.get('retry-after')) || 0, 1) * 1_000;
      }
      if (response.status === 404) throw new SourceProblem('absent', place);
      if (response.status !== 200) throw new SourceProblem('unreachable', place, `HTTP ${response.status}`);
      return await readBounded(response, place, bytesMax);
    } catch (error) {
      if (error instanceof SourceProblem) throw error;
      if (signal.aborted) throw new SourceProblem('slow', place);
      throw new SourceProblem('unreachable', place, isNativeError(error) ? error.message : '');
    }
  }
}

/** By what arrives, never by the length a server states. */
async function readBounded(response: Response, place: string, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // as: a body of fetch gives bytes
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new SourceProblem('too_large', place, `more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

class FolderSource implements LogSource {
  constructor(private readonly folder: string) {}

  async read(place: string, bytesMax: number): Promise<Uint8Array> {
    const file = path.join(this.folder, place);
    try {
      const { size } = await fs.promises.stat(file);
      if (size > bytesMax) throw new SourceProblem('too_large', place, `more than ${bytesMax} bytes`);
      return await fs.promises.readFile(file);
    } catch (error) {
      if (error instanceof SourceProblem) throw error;
      const code = isNativeError(error) && 'code' in error ? String(error.code) : '';
      throw new SourceProblem(code === 'ENOENT' ? 'absent' : 'unreachable', place, code);
    }
  }
}
