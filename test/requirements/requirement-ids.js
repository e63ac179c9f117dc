/** A requirement id is one letter of A–F and a number; a range is written with an en dash or a hyphen: `A12–A17`. */
const ID = /\b([A-F])(\d{1,2})(?:[–-]\1(\d{1,2}))?\b/g;

/**
 * The requirement ids a text names, ranges expanded: `A12–A14, D2` → `['A12', 'A13', 'A14', 'D2']`.
 *
 * @param {string} text a test title or the id column of a row
 * @returns {string[]}
 */
export function expandIds(text) {
  return [...text.matchAll(ID)].flatMap(([, letter, first, last]) => {
    const from = Number(first);
    const count = Number(last ?? first) - from + 1;
    return Array.from({ length: Math.max(count, 0) }, (_, i) => `${letter}${from + i}`);
  });
}

/**
 * The ids a test title claims. Ids stand before the first colon, `A22, I6: the same artifact twice …`, so that a
 * sentence which happens to contain something like `E12` claims nothing.
 *
 * @param {string} title title of one test, without those of its describe blocks
 * @returns {string[]}
 */
export function claimedIds(title) {
  const colon = title.indexOf(':');
  return colon < 0 ? [] : expandIds(title.slice(0, colon));
}
