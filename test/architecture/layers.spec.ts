import { describe, expect, it } from '@jest/globals';
import { CONFINED, CORE_PACKAGES, LEVELS, SERVER_PACKAGES, TESTING } from './import-table.js';
import { isSpec, readSourceFiles, resolveRelative, type SourceFile } from './source-files.js';

const files = readSourceFiles();
const shipped = files.filter((file) => !isSpec(file) && file.workspace !== TESTING);

/** `@spendgate/core` → `libs/core`; undefined for anything that is no workspace of ours. */
function workspaceOf(specifier: string): string | undefined {
  const name = /^@spendgate\/([^/]+)/.exec(specifier)?.[1];
  if (name === undefined) return undefined;
  return [`libs/${name}`, `apps/${name}`].find((workspace) => workspace in LEVELS || workspace === TESTING);
}

function isPackage(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(name.endsWith('/') ? name : `${name}/`);
}

/** `file → specifier` for each import that breaks the rule: an empty list is the proof, a full one the worklist. */
function breaches(of: readonly SourceFile[], breaks: (file: SourceFile, specifier: string) => boolean): string[] {
  return of.flatMap((file) =>
    file.imports.filter((specifier) => breaks(file, specifier)).map((found) => `${file.path} → ${found}`),
  );
}

describe('import table', () => {
  it('reads the sources it judges', () => {
    expect(shipped.length).toBeGreaterThan(20);
    expect(shipped.flatMap((file) => file.imports).length).toBeGreaterThan(50);
  });

  it('gives every workspace a level', () => {
    const workspaces = new Set(shipped.map((file) => file.workspace));
    expect([...workspaces].filter((workspace) => !(workspace in LEVELS))).toEqual([]);
  });

  it('lets an import point to a strictly lower level only', () => {
    const upward = breaches(shipped, (file, specifier) => {
      const target = workspaceOf(specifier);
      if (target === undefined || target === file.workspace) return false;
      return !((LEVELS[target] ?? Infinity) < (LEVELS[file.workspace] ?? -Infinity));
    });
    expect(upward).toEqual([]);
  });

  it('enters a library through its index, and inside a library imports the file', () => {
    const deep = breaches(files, (file, specifier) => {
      if (/^@spendgate\/[^/]+\/./.test(specifier)) return true;
      if (workspaceOf(specifier) === file.workspace) return true;
      const target = resolveRelative(file, specifier);
      return target !== undefined && !target.startsWith(`${file.workspace}/`);
    });
    expect(deep).toEqual([]);
  });

  it('keeps test helpers out of what ships', () => {
    expect(breaches(shipped, (_, specifier) => workspaceOf(specifier) === TESTING)).toEqual([]);
  });
});

describe('confinement', () => {
  it.each(Object.entries(CONFINED))('%s is imported in %s only', (name, home) => {
    const users = files.filter((file) => file.imports.some((specifier) => isPackage(specifier, name)));
    const strangers = users.filter((file) => file.workspace !== home && file.workspace !== TESTING && !isSpec(file));
    expect(strangers.map((file) => file.path)).toEqual([]);
    expect(users.map((file) => file.workspace)).toContain(home);
  });

  it('F1: every package the order names is imported by running code', () => {
    const ordered = ['@nestjs/core', '@nestjs/microservices', 'kafkajs', 'jose', 'typeorm', 'pg', 'decimal.js'];
    const imported = (name: string): boolean =>
      shipped.some((file) => file.imports.some((specifier) => isPackage(specifier, name)));
    expect(ordered.filter((name) => !imported(name))).toEqual([]);
  });

  it('lets core import decimal.js and nothing else', () => {
    const core = shipped.filter((file) => file.workspace === 'libs/core');
    const foreign = breaches(core, (_, specifier) => !specifier.startsWith('.') && !CORE_PACKAGES.includes(specifier));
    expect(foreign).toEqual([]);
  });

  it('keeps server packages out of the client and the verifier', () => {
    const portable = shipped.filter((file) => ['libs/client', 'libs/verifier'].includes(file.workspace));
    const servers = breaches(portable, (_, specifier) => SERVER_PACKAGES.some((name) => isPackage(specifier, name)));
    expect(servers).toEqual([]);
  });

  it('keeps SQL in libs/store', () => {
    const sql = /\b(SELECT\s+[\w*(].*\bFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b/;
    const strangers = shipped.filter((file) => file.workspace !== 'libs/store' && sql.test(file.text));
    expect(strangers.map((file) => file.path)).toEqual([]);
  });
});
