// Runs our TypeScript sources in a child process of a test: node --conditions=source --import ./source-loader.mjs FILE.ts
// Tests must not depend on a build that may be stale; types are checked elsewhere, so they are only stripped here.
import { register } from 'node:module';

if (import.meta.url.endsWith('#hooks'))
  await import('@swc/core'); // loaded before the first hook runs
else register(`${import.meta.url}#hooks`);

/** `./x.js` beside `./x.ts` means the source, as TypeScript's NodeNext resolution has it. */
export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js')) {
    try {
      return await next(specifier.replace(/\.js$/, '.ts'), context);
    } catch {
      return next(specifier, context);
    }
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { transformFile } = await import('@swc/core');
  const { code } = await transformFile(new URL(url).pathname, {
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
