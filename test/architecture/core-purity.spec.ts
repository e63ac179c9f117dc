import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { isSpec, readSourceFiles } from './source-files.js';

/** Names that read a clock, a random source, the environment, the network or the console, or that leave exact arithmetic. */
const BANNED_NAMES = new Set(
  'Date process console fetch crypto performance setTimeout setInterval queueMicrotask globalThis require'.split(' '),
);
const BANNED_MEMBERS = new Set([
  'Math.random',
  'Math.log',
  'Math.exp',
  'Math.pow',
  'Decimal.random',
  'Number.parseFloat',
]);

/** `line: name` of each banned use in a source text. Property names (`facts.process`) are no use of the global. */
function bannedUses(text: string): string[] {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const report = (node: ts.Node, name: string): void => {
    found.push(`${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${name}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && BANNED_MEMBERS.has(node.getText())) report(node, node.getText());
    if (ts.isIdentifier(node) && BANNED_NAMES.has(node.text) && isFreeName(node)) report(node, node.text);
    if (ts.isAwaitExpression(node)) report(node, 'await');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isFreeName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !(ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) || parent.name !== node;
}

describe('core purity', () => {
  it('D2: finds a clock, a random source and an environment where they are planted', () => {
    expect(bannedUses('const now = Date.now();\nconst x = Math.random() + process.env.X;')).toEqual([
      '1: Date',
      '2: Math.random',
      '2: process',
    ]);
  });

  it('D2: core reads no clock, random source, environment or network', () => {
    const core = readSourceFiles().filter((file) => file.workspace === 'libs/core' && !isSpec(file));
    expect(core.length).toBeGreaterThan(5);
    expect(core.flatMap((file) => bannedUses(file.text).map((use) => `${file.path}:${use}`))).toEqual([]);
  });
});
