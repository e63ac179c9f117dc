import { isAscii, isUtf8 } from 'node:buffer';
import { isWellFormed } from './canonical.js';
import { REQUEST_JSON_LIMITS, type JsonLimits } from './limits.js';
import { fieldPath, problem, type Problem } from './problem.js';

/** A parsed JSON value. Numbers are safe integers; members are own and plain (`__proto__` is refused). */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };
export type JsonCode = 'malformed' | 'encoding_invalid' | 'too_large';
export type JsonProblem = Problem<JsonCode>;
export type JsonResult = { readonly ok: true; readonly value: JsonValue } | JsonProblem;

/**
 * Parses I-JSON (RFC 7493 on RFC 8259) and nothing more: UTF-8 without byte order mark, no duplicate member names, no
 * lone surrogates, non-characters or NUL, bounded depth and sizes. Numbers are safe integers without fraction, exponent
 * or minus zero (money is never a number). `JSON.parse` takes most of what is refused here, and two readers that
 * understand one text differently are how a signed object comes to mean two things.
 *
 * Bytes that are not UTF-8, raw NULs and non-characters are found before anything else; a forbidden code point written
 * as an escape is found where it stands.
 *
 * @param root what the whole is called in a problem's field
 */
export function parseStrictJson(bytes: Uint8Array, limits = REQUEST_JSON_LIMITS, root = 'payload'): JsonResult {
  if (bytes.byteLength > limits.bytesMax) return problem('too_large', root);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ascii = isAscii(buffer);
  if (!ascii && !isUtf8(buffer)) return problem('encoding_invalid', root);
  const text = ascii ? buffer.toString('latin1') : buffer.toString('utf8');
  if (buffer.includes(0) || (!ascii && (text.startsWith('\uFEFF') || hasForbidden(text)))) {
    return problem('encoding_invalid', root);
  }
  return new StrictJson(text, limits).parse(root);
}

// RFC 7493 §2.1 by way of Unicode §23.7: U+FDD0–U+FDEF and the last two code points of every plane; and NUL.
const FORBIDDEN =
  /[\u0000\uFDD0-\uFDEF\uFFFE\uFFFF]|[\uD83F\uD87F\uD8BF\uD8FF\uD93F\uD97F\uD9BF\uD9FF\uDA3F\uDA7F\uDABF\uDAFF\uDB3F\uDB7F\uDBBF\uDBFF][\uDFFE\uDFFF]/;

function hasForbidden(text: string): boolean {
  return FORBIDDEN.test(text);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** `.`, `E` and `e`: 1.0 and 1e0 are integers too, but a second spelling. */
const FRACTION_MARKS: ReadonlySet<number> = new Set([0x2e, 0x45, 0x65]);
/** Digits of 2^53 − 1: a longer run cannot be safe, and is not even read. */
const INTEGER_DIGITS_MAX = 16;
const HEX4 = /^[0-9A-Fa-f]{4}$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** One run over one text. `undefined` is failure, which no JSON value is, so the happy path carries no wrapper. */
class StrictJson {
  private position = 0;
  private depth = 0;
  private code: JsonCode = 'malformed';
  /** The way to the failing value, innermost first; filled while the recursion unwinds. */
  private readonly way: (string | number)[] = [];

  constructor(
    private readonly text: string,
    private readonly limits: JsonLimits,
  ) {}

  parse(root: string): JsonResult {
    const value = this.value();
    if (value !== undefined) {
      this.space();
      if (this.position === this.text.length) return { ok: true, value };
    }
    const path = this.way.reduceRight<string>(fieldPath, root === 'payload' ? '' : root);
    return problem(this.code, path === '' ? root : path);
  }

  private fail(code: JsonCode): undefined {
    this.code = code;
    return undefined;
  }

  private space(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.position);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.position++;
    }
  }

  private value(): JsonValue | undefined {
    this.space();
    const unit = this.text.charCodeAt(this.position);
    if (unit === QUOTE) return this.string();
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) return this.nested(unit);
    if (unit === MINUS || (unit >= ZERO && unit <= NINE)) return this.integer();
    if (this.word('true')) return true;
    if (this.word('false')) return false;
    return this.word('null') ? null : undefined;
  }

  private word(word: string): boolean {
    if (!this.text.startsWith(word, this.position)) return false;
    this.position += word.length;
    return true;
  }

  private nested(opening: number): JsonValue | undefined {
    if (++this.depth > this.limits.depthMax) return this.fail('too_large');
    this.position++;
    const value = opening === OPEN_BRACE ? this.object() : this.array();
    this.depth--;
    return value;
  }

  private array(): JsonValue[] | undefined {
    const items: JsonValue[] = [];
    this.space();
    if (this.take(CLOSE_BRACKET)) return items;
    for (;;) {
      const item = items.length < this.limits.arrayItemsMax ? this.value() : this.fail('too_large');
      if (item === undefined) {
        this.way.push(items.length);
        return undefined;
      }
      items.push(item);
      this.space();
      if (this.take(CLOSE_BRACKET)) return items;
      if (!this.take(COMMA)) return undefined;
    }
  }

  private object(): { [name: string]: JsonValue } | undefined {
    const members: { [name: string]: JsonValue } = {};
    this.space();
    if (this.take(CLOSE_BRACE)) return members;
    for (let count = 1; ; count++) {
      if (count > this.limits.objectMembersMax) return this.fail('too_large');
      this.space();
      const name = this.text.charCodeAt(this.position) === QUOTE ? this.string() : undefined;
      if (name === undefined) return undefined;
      const member = name === '__proto__' || Object.hasOwn(members, name) ? undefined : this.member();
      if (member === undefined) {
        this.way.push(name);
        return undefined;
      }
      members[name] = member;
      this.space();
      if (this.take(CLOSE_BRACE)) return members;
      if (!this.take(COMMA)) return undefined;
    }
  }

  private member(): JsonValue | undefined {
    this.space();
    return this.take(COLON) ? this.value() : undefined;
  }

  private take(unit: number): boolean {
    if (this.text.charCodeAt(this.position) !== unit) return false;
    this.position++;
    return true;
  }

  private integer(): number | undefined {
    const start = this.position;
    if (this.text.charCodeAt(this.position) === MINUS) this.position++;
    const first = this.position;
    while (this.text.charCodeAt(this.position) >= ZERO && this.text.charCodeAt(this.position) <= NINE) this.position++;
    const digits = this.position - first;
    if (digits === 0 || digits > INTEGER_DIGITS_MAX) return undefined;
    if (digits > 1 && this.text.charCodeAt(first) === ZERO) return undefined;
    if (FRACTION_MARKS.has(this.text.charCodeAt(this.position))) return undefined;
    const value = Number(this.text.slice(start, this.position));
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : undefined;
  }

  private string(): string | undefined {
    const start = ++this.position;
    for (; ; this.position++) {
      const unit = this.text.charCodeAt(this.position);
      if (unit === QUOTE) {
        if (this.position - start > this.limits.stringCharsMax) return this.fail('too_large');
        return this.text.slice(start, this.position++);
      }
      if (unit === BACKSLASH) return this.escapedString(start);
      if (!(unit >= 0x20)) return undefined; // a raw control character, or NaN: the end of the text
    }
  }

  /** The rest of a string from its first backslash on: rare in what agents send, so it may be slower. */
  private escapedString(start: number): string | undefined {
    let value = this.text.slice(start, this.position);
    for (;;) {
      const unit = this.text.charCodeAt(this.position);
      if (unit === QUOTE) break;
      if (!(unit >= 0x20)) return undefined;
      if (value.length > this.limits.stringCharsMax) return this.fail('too_large');
      const piece = unit === BACKSLASH ? this.escape() : this.text.charAt(this.position++);
      if (piece === undefined) return undefined;
      value += piece;
    }
    this.position++;
    if (value.length > this.limits.stringCharsMax) return this.fail('too_large');
    if (!isWellFormed(value) || hasForbidden(value)) return this.fail('encoding_invalid');
    return value;
  }

  private escape(): string | undefined {
    const letter = this.text.charAt(this.position + 1);
    if (letter !== 'u') {
      this.position += 2;
      return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    }
    const hex = this.text.slice(this.position + 2, this.position + 6);
    this.position += 6;
    return HEX4.test(hex) ? String.fromCharCode(Number.parseInt(hex, 16)) : undefined;
  }
}
