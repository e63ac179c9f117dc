import { describe, expect, it } from '@jest/globals';
import { readSourceFiles, resolveRelative } from './source-files.js';

/** Finds one cycle in a graph of file → imported files, as the path that closes it; undefined when there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): string[] | undefined => {
    const seenAt = trail.indexOf(node);
    if (seenAt >= 0) return [...trail.slice(seenAt), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...trail, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('import cycles', () => {
  it('finds a planted cycle, also a long one', () => {
    const planted = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    expect(findCycle(planted)).toEqual(['a', 'b', 'c', 'a']);
  });

  it('knows none between files, type-only imports included', () => {
    const graph = new Map(
      readSourceFiles().map((file) => [
        file.path,
        file.imports.map((specifier) => resolveRelative(file, specifier)).filter((target) => target !== undefined),
      ]),
    );
    expect(findCycle(graph)).toBeUndefined();
  });
});
