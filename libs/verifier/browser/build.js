import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const FOLDER = import.meta.dirname;
const OUT = join(FOLDER, '../dist/spendgate-verifier.js');
/** What the verifier uses of Node, for a page. */
const SHIMS = { 'node:buffer': 'buffer.js', 'node:crypto': 'crypto.js', 'node:zlib': 'zlib.js' };
/** They stand beside what a verifier needs and hold or make private keys: nothing of them may be in the page. */
const PRIVATE = /artifact\/dist\/(sign|key-files|key-sealing|raw-signature|http-signature)\.js$/;

const forPages = {
  name: 'for-pages',
  setup({ onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path, importer }) => {
      const shim = PRIVATE.test(importer) ? undefined : SHIMS[path];
      if (shim !== undefined) return { path: join(FOLDER, shim), sideEffects: false };
      return { path, external: true, sideEffects: false }; // dropped with whatever would have used it
    });
  },
};

/** Bundles the verifier to one script without imports: `globalThis.spendgate`. @returns {Promise<string>} its path */
export async function buildForBrowser() {
  const { metafile } = await build({
    entryPoints: [join(FOLDER, 'spendgate-verifier.js')],
    outfile: OUT,
    bundle: true,
    format: 'iife',
    globalName: 'spendgate',
    platform: 'browser',
    target: 'chrome137', // the first with Ed25519 in WebCrypto
    inject: [join(FOLDER, 'buffer-global.js')],
    plugins: [forPages],
    metafile: true,
    logLevel: 'warning',
  });
  const [output] = Object.values(metafile.outputs);
  const left = [
    ...output.imports.map(({ path }) => path),
    ...Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => {
      return bytesInOutput > 0 && PRIVATE.test(path) ? [path] : [];
    }),
  ];
  if (left.length > 0) throw new Error(`not for a page: ${left.join(', ')}`);
  return OUT;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await buildForBrowser()}\n`);
