import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROLE_NAMES } from '../../apps/cli/src/runtime/roles.js';
import { ROOT } from './compose.js';

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** Instructions of a Dockerfile, continued lines joined, comments left out. */
function readDockerfile(): Instruction[] {
  const text = readFileSync(path.join(ROOT, 'deploy/docker/Dockerfile'), 'utf8');
  const lines = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, ' ');
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', value = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      return { name, value };
    });
}

const KNOWN = [
  'ARG',
  'FROM',
  'WORKDIR',
  'COPY',
  'RUN',
  'ENV',
  'USER',
  'VOLUME',
  'EXPOSE',
  'STOPSIGNAL',
  'ENTRYPOINT',
  'CMD',
];

describe('deploy/docker/Dockerfile', () => {
  const instructions = readDockerfile();
  const of = (name: string): string[] => instructions.filter((each) => each.name === name).map(({ value }) => value);
  const lastFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
  const final = instructions.slice(lastFrom);

  it('uses known instructions only', () => {
    expect(instructions.filter(({ name }) => !KNOWN.includes(name))).toEqual([]);
  });

  it('builds on the current Node LTS, and on one base image in every stage', () => {
    expect(of('ARG')).toEqual([expect.stringMatching(/^NODE_IMAGE=node:lts-/)]);
    for (const from of of('FROM')) expect(from).toMatch(/^\$\{NODE_IMAGE\}( AS [a-z]+)?$/);
  });

  it('is one image for every role: the role is an argument, `up` without one', () => {
    expect(of('ENTRYPOINT')).toEqual(['["node", "apps/cli/bin/spendgate.js"]']);
    expect(of('CMD')).toEqual(['["up"]']);
    expect(existsSync(path.join(ROOT, 'apps/cli/bin/spendgate.js'))).toBe(true);
    for (const role of ROLE_NAMES) expect(of('RUN').join()).not.toContain(role);
  });

  it('runs as a user without rights, who owns nothing but the data folder', () => {
    expect(final.filter(({ name }) => name === 'USER').map(({ value }) => value)).toEqual(['node']);
    const user = final.findIndex(({ name }) => name === 'USER');
    expect(final.slice(user).filter(({ name }) => name === 'RUN' || name === 'COPY')).toEqual([]);
    const copies = final.filter(({ name }) => name === 'COPY').map(({ value }) => value);
    expect(copies).toEqual(['--from=build /app /app']);
    expect(of('RUN').join()).toContain('install -d -o node -g node -m 0700 /data');
    expect(of('VOLUME')).toEqual(['/data']);
  });

  it('holds no secret and downloads nothing but the packages of the lockfile', () => {
    for (const { name, value } of instructions) {
      if (name === 'ENV' || name === 'ARG') expect(value).not.toMatch(/PASS|SECRET|TOKEN|_KEY|DATABASE_URL/i);
      expect(value).not.toMatch(/https?:|\bcurl\b|\bwget\b|\bADD\b|npm install|npx /);
    }
    expect(of('RUN').join()).toContain('npm ci');
  });

  it('leaves keys, builds and history out of what is copied', () => {
    const ignored = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['**/node_modules', '**/dist', '.git', '.spendgate']));
  });

  it('ends roles in order: SIGTERM reaches node itself, which is process 1', () => {
    expect(of('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(of('ENTRYPOINT')[0]).toMatch(/^\[/); // the exec form: no shell in between
  });
});
