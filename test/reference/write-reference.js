/**
 * Writes what is generated from the code: docs/reference/ and test/conformance/vectors/.
 *
 *   npm run reference            writes the files
 *   npm run reference -- --check exits 1 when a file is not what the code says now
 */
import fs from 'node:fs';
import path from 'node:path';
import { referenceDocument } from 'spendgate/openapi';
import { referenceFiles } from '@spendgate/testing/reference'; // beside the index, which needs a test runner

const ROOT = path.resolve(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
const stale = [];

const files = { ...(await referenceFiles()), 'docs/reference/openapi.json': referenceDocument() };
for (const [name, text] of Object.entries(files)) {
  const file = path.join(ROOT, name);
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) continue;
  if (check) stale.push(name);
  else {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    console.log(`wrote ${name}`);
  }
}
if (stale.length > 0) {
  console.error(`not what the code says now: ${stale.join(', ')}. Run: npm run reference`);
  process.exitCode = 1;
}
