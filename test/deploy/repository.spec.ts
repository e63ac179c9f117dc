import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ROOT } from './compose.js';

const nestProject = z.strictObject({
  type: z.literal('application'),
  root: z.string(),
  sourceRoot: z.string(),
  compilerOptions: z.strictObject({ tsConfigPath: z.string() }),
});
const nestCli = z.object({ monorepo: z.literal(true), root: z.string(), projects: z.record(z.string(), nestProject) });
const packageJson = z.object({
  workspaces: z.array(z.string()),
  engines: z.object({ node: z.string() }),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  allowScripts: z.record(z.string(), z.boolean()).default({}),
  scarfSettings: z.object({ enabled: z.boolean() }).optional(),
});
const lockedPackage = z.object({
  resolved: z.string().optional(),
  link: z.boolean().optional(),
  integrity: z.string().optional(),
  hasInstallScript: z.boolean().optional(),
  optional: z.boolean().optional(),
  os: z.array(z.string()).optional(),
  cpu: z.array(z.string()).optional(),
  inBundle: z.boolean().optional(),
});
type LockedPackage = z.infer<typeof lockedPackage>;
const lockfile = z.object({ lockfileVersion: z.int(), packages: z.record(z.string(), lockedPackage) });

const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const readJson = (name: string): unknown => JSON.parse(read(name));
/** What F1 names, and nothing a newcomer could mistake for something else. */
const ORDERED = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/microservices',
  'kafkajs',
  'jose',
  'typeorm',
  'pg',
  'decimal.js',
];

describe('the repository', () => {
  const root = packageJson.parse(readJson('package.json'));
  const apps = readdirSync(path.join(ROOT, 'apps')).filter((name) =>
    statSync(path.join(ROOT, 'apps', name)).isDirectory(),
  );
  const nest = nestCli.parse(readJson('nest-cli.json'));
  const lock = lockfile.parse(readJson('package-lock.json'));

  it.each(['package.json', 'tsconfig.json', 'nest-cli.json', 'apps', 'libs', 'deploy', 'test', 'docs'])(
    'F2: has %s at the top level',
    (name) => expect(existsSync(path.join(ROOT, name))).toBe(true),
  );

  it.each(['LICENSE', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', '.ci/run'])(
    'has %s, and it is not empty',
    (name) => {
      expect(read(name).trim().length).toBeGreaterThan(100);
    },
  );

  it('is licensed under Apache-2.0, the text and each workspace', () => {
    expect(read('LICENSE')).toMatch(/Apache License\s+Version 2\.0/);
    const workspaces = ['apps', 'libs'].flatMap((folder) =>
      readdirSync(path.join(ROOT, folder)).map((name) => `${folder}/${name}/package.json`),
    );
    for (const name of workspaces) expect(readJson(name)).toMatchObject({ license: 'Apache-2.0', type: 'module' });
  });

  it('F2: lists every app in nest-cli.json, with a tsconfig that is there', () => {
    expect(Object.keys(nest.projects).sort()).toEqual([...apps].sort());
    for (const [name, project] of Object.entries(nest.projects)) {
      expect(project.root).toBe(`apps/${name}`);
      expect(existsSync(path.join(ROOT, project.sourceRoot, 'index.ts'))).toBe(true);
      expect(existsSync(path.join(ROOT, project.compilerOptions.tsConfigPath))).toBe(true);
    }
  });

  it('F2: nest build works', () => {
    const nestBin = path.join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
    const output = execFileSync(process.execPath, [nestBin, 'build', 'settlement-gate'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(output).not.toMatch(/error/i);
  }, 120_000);

  it('F1: depends on the packages of the order, each in the workspace that uses it', () => {
    const used = new Set(
      ['apps', 'libs'].flatMap((folder) =>
        readdirSync(path.join(ROOT, folder)).flatMap((name) =>
          Object.keys(packageJson.partial().parse(readJson(`${folder}/${name}/package.json`)).dependencies ?? {}),
        ),
      ),
    );
    expect([...used]).toEqual(expect.arrayContaining(ORDERED));
  });

  it('has one command for each thing a newcomer does', () => {
    const commands = ['start', 'test', 'check', 'e2e', 'bench', 'build', 'requirements', 'prepare'];
    expect(Object.keys(root.scripts)).toEqual(expect.arrayContaining(commands));
    expect(root.engines.node).toBe('>=20.19');
  });

  it('decides for every package with an install script whether it may run', () => {
    const scripted = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = scripted.map(([place]) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length));
    const decided = Object.keys(root.allowScripts);
    expect(names.filter((name) => !decided.includes(name) && !OPTIONAL_ELSEWHERE.has(name))).toEqual([]);
    expect(root.allowScripts).toMatchObject({ '@swc/core': true, '@scarf/scarf': false, '@parcel/watcher': false });
    expect(root.scarfSettings).toEqual({ enabled: false });
  });

  it('locks packages by their digest and names no place to download them from', () => {
    const outside = Object.entries(lock.packages).filter(
      ([place, { link }]) => place.includes('node_modules/') && link !== true,
    );
    expect(outside.filter(([, { resolved }]) => resolved?.startsWith('http')).map(([place]) => place)).toEqual([]);
    // A registry may lack the builds of other platforms; npm ci still wants them named, and installs none of them here.
    const unlocked = outside.filter(([, { integrity, inBundle }]) => integrity === undefined && inBundle !== true);
    const isForeign = ({ optional, os, cpu }: LockedPackage): boolean =>
      optional === true && !(os?.includes('linux') === true && (cpu === undefined || cpu.includes('x64')));
    expect(unlocked.filter(([, entry]) => !isForeign(entry)).map(([place]) => place)).toEqual([]);
    expect(read('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
  });
});

/** Optional packages of other platforms: their scripts never run here, and refusing them by name would say nothing. */
const OPTIONAL_ELSEWHERE: ReadonlySet<string> = new Set(['fsevents']);
