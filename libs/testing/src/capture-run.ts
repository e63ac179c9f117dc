/** What one command line wrote, and the exit code it set. */
export interface CapturedRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Runs a command line inside the spec's own process.
 *
 * @param run takes an argv as Node.js gives it
 */
export async function captureRun(
  run: (argv: readonly string[]) => Promise<void>,
  args: readonly string[],
): Promise<CapturedRun> {
  const written = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const write = stream.write.bind(stream);
    const keep = (text: string | Uint8Array): boolean => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
      return true;
    };
    stream.write = keep;
    return () => {
      stream.write = write;
    };
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await run(['node', 'spendgate', ...args]);
    return { ...written, exitCode: Number(process.exitCode) };
  } finally {
    process.exitCode = before;
    for (const each of restore) each();
  }
}
