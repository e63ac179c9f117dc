import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROOT } from './compose.js';

const LINK = /\]\(([^)#\s]+)(?:#[^)]*)?\)/g;
const written = [
  ...readdirSync(ROOT),
  ...readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

describe('the documents', () => {
  it.each(written)('%s: every link to a file of the repository leads somewhere', (name) => {
    const text = readFileSync(path.join(ROOT, name), 'utf8');
    const targets = [...text.matchAll(LINK)].map(([, target = '']) => target).filter((each) => !/^[a-z]+:/.test(each));
    const missing = targets.filter((target) => !existsSync(path.join(ROOT, path.dirname(name), target)));
    expect(missing).toEqual([]);
  });
});
