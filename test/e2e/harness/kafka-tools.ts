import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { runToEnd } from './processes.js';
import { ROOT } from './repository.js';

/** Jars of kafka_2.13:4.1.0 with what it needs; fewer means an interrupted download. */
const JARS_MIN = 40;
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'spendgate-kafka', '4.1.0');

/**
 * Whether Kafka tests can run here. Without Java or Maven they are skipped and say so; under `CI=true` that is a
 * failure, so that a green run always means they ran.
 */
export function kafkaAvailable(): boolean {
  const missing = ['java', 'mvn'].filter((tool) => spawnSync(tool, ['-version'], { stdio: 'ignore' }).status !== 0);
  if (missing.length === 0) return true;
  const message = `Kafka tests need ${missing.join(' and ')}: apt-get install -y default-jre-headless maven`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`${message}; skipped.\n`);
  return false;
}

/** Fetches the jars once, into a cache outside the repository. @returns the class path. */
export async function kafkaClassPath(): Promise<string> {
  if (!existsSync(CACHE) || jars(CACHE).length < JARS_MIN) {
    const fresh = `${CACHE}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    const pom = join(ROOT, 'test/e2e/harness/kafka-jars/pom.xml');
    await runToEnd('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`]);
    rmSync(CACHE, { recursive: true, force: true });
    renameSync(fresh, CACHE); // whole or not at all, also with two runs side by side
  }
  return join(CACHE, '*');
}

function jars(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.jar'));
}
