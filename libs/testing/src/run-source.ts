import { spawn } from 'node:child_process';
import path from 'node:path';

/**
 * Runs an ES module's source text in a child process that reads our TypeScript sources, with an environment of its own:
 * nothing of this process (settings, servers, loaded code) is there.
 *
 * @returns what it wrote, and how it ended
 */
export function runSource(
  code: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ stdout: string; stderr: string; exitCode: number | null }> {
  const loader = path.join(import.meta.dirname, '..', 'source-loader.mjs');
  const args = ['--conditions=source', '--import', loader, '--input-type=module', '--eval', code];
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ ...written, exitCode }));
  });
}
