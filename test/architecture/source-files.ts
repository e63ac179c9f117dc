import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** One TypeScript source file of the repository. */
export interface SourceFile {
  /** Path from the repository root, with forward slashes. */
  readonly path: string;
  /** The workspace it belongs to, for example `libs/core`. */
  readonly workspace: string;
  readonly text: string;
  /** Module specifiers as written, type-only and dynamic ones included. */
  readonly imports: readonly string[];
}

/** Every `.ts` / `.tsx` file below libs/ and apps/, read from disk; build output and dependencies left out. */
export function readSourceFiles(): SourceFile[] {
  return ['libs', 'apps'].flatMap((kind) =>
    subfolders(path.join(ROOT, kind)).flatMap((name) => {
      const workspace = `${kind}/${name}`;
      return filesBelow(path.join(ROOT, workspace)).map((file) => {
        const text = fs.readFileSync(file, 'utf8');
        const imports = ts.preProcessFile(text, true, true).importedFiles.map((found) => found.fileName);
        return { path: path.relative(ROOT, file).split(path.sep).join('/'), workspace, text, imports };
      });
    }),
  );
}

/** The file a relative specifier means (`./x.js` is `./x.ts` in the sources), or undefined for a package. */
export function resolveRelative(from: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return path.posix.join(path.posix.dirname(from.path), specifier).replace(/\.js$/, '.ts');
}

export function isSpec(file: SourceFile): boolean {
  return file.path.endsWith('.spec.ts') || file.path.endsWith('.e2e.ts');
}

function subfolders(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function filesBelow(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : filesBelow(full);
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [full] : [];
  });
}
