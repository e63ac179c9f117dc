import fs from 'node:fs';

/** One command of a page with the lines it shows. */
export interface ConsoleStep {
  readonly command: string;
  /** The program first; `npx spendgate` is the program `spendgate`. */
  readonly words: readonly string[];
  readonly shown: readonly string[];
  /** Of the part of the page it stands in. */
  readonly heading: string;
}

/** Alone on a line: further lines are cut. */
const CUT = '…';
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** What differs from run to run, and what any of it looks like; columns are as wide as what stands in them. */
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/[\w-]{20}…/g, '[\\w-]{20}…'],
  [/eyJ…$/g, 'eyJ.*'],
  [/eyJ…/g, 'eyJ[\\w.-]+'],
  [/…/g, '.*'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'],
  [/(?<![\w-])[\w-]{43}(?![\w-])/g, '[\\w-]{43}'],
  [UUID, '([0-9a-f-]{36})'],
  [/(?<!\d)\d{13}(?!\d)/g, '\\d{13}'],
  [/ +/g, ' +'],
];

/** The commands of a page's `console` blocks, in order. */
export function readConsoleSteps(file: string): ConsoleStep[] {
  const parts = fs.readFileSync(file, 'utf8').split(/^## /m);
  return parts.flatMap((part) => {
    const heading = part.slice(0, part.indexOf('\n'));
    return [...part.matchAll(/```console\n(.*?)```/gs)].flatMap(([, text = '']) => stepsOf(text, heading));
  });
}

function stepsOf(text: string, heading: string): ConsoleStep[] {
  const steps = text.split(/^\$ /m).slice(1);
  return steps.map((step) => {
    const [command = '', ...shown] = step.trimEnd().split('\n');
    const words = wordsOf(command.replace(/^npx spendgate /, 'spendgate '));
    return { command, words, shown: shown.filter((line) => line !== ''), heading };
  });
}

function wordsOf(command: string): string[] {
  const words = command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g);
  return [...words].map(([, single, double, bare = '']) => single ?? double ?? bare);
}

/** Ids of a page and what they are in this run: one id of the page is one id here, wherever it stands. */
export class PageIds {
  private known = new Map<string, string>();

  /** The command line as it is given here. */
  args(args: readonly string[]): string[] {
    return args.map((arg) => arg.replace(UUID, (id) => this.known.get(id) ?? id));
  }

  /**
   * Whether the run wrote the lines of the page and no others. Two streams meet on a page, so their order is not looked at.
   *
   * @returns the lines of either that the other has not
   */
  differences(shown: readonly string[], written: readonly string[]): string[] {
    const before = new Map(this.known);
    const isCut = shown.includes(CUT);
    const left = [...written];
    const missing = shown.filter((line) => {
      if (line === CUT) return false;
      const at = left.findIndex((each) => this.agrees(line, each));
      if (at !== -1) left.splice(at, 1);
      return at === -1;
    });
    const more = isCut ? [] : left;
    // What did not agree as a whole is given again or ends the run: its ids are nobody's.
    if (missing.length + more.length > 0) this.known = before;
    return [...missing.map((line) => `not written: ${line}`), ...more.map((line) => `not on the page: ${line}`)];
  }

  private agrees(line: string, written: string): boolean {
    const match = patternOf(line).exec(written);
    if (match === null) return false;
    const pairs = (line.match(UUID) ?? []).map((id, index) => [id, match[index + 1] ?? ''] as const);
    if (pairs.some(([id, here]) => (this.known.get(id) ?? here) !== here)) return false;
    for (const [id, here] of pairs) this.known.set(id, here);
    return true;
  }
}

function patternOf(line: string): RegExp {
  // Each changing part is cut out first, so that one pattern never matches inside another's.
  let parts: { readonly text: string; readonly isPattern: boolean }[] = [{ text: line, isPattern: false }];
  for (const [what, pattern] of CHANGING) {
    parts = parts.flatMap((part) => {
      if (part.isPattern) return [part];
      return part.text.split(what).flatMap((text, index) => {
        const plain = { text, isPattern: false };
        return index === 0 ? [plain] : [{ text: pattern, isPattern: true }, plain];
      });
    });
  }
  const source = parts.map(({ text, isPattern }) => (isPattern ? text : text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${source.join('')}$`);
}
