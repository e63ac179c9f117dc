import { describe, expect, it } from '@jest/globals';
import { parseStrictJson, RECORD_JSON_LIMITS, splitCompact } from '@spendgate/codec';
import { jsonParsingCases } from './published-vectors.js';

/** Documents RFC 8259 allows and we refuse, with the reason; every other `y_` document is accepted. */
const STRICTER: Readonly<Record<string, readonly string[]>> = {
  'malformed: a member name twice (RFC 7493 §2.3)': ['y_object_duplicated_key', 'y_object_duplicated_key_and_value'],
  'malformed: a fraction or exponent (money is never a number)': [
    'y_number',
    'y_number_0e+1',
    'y_number_0e1',
    'y_number_double_close_to_zero',
    'y_number_int_with_exp',
    'y_number_real_capital_e',
    'y_number_real_capital_e_neg_exp',
    'y_number_real_capital_e_pos_exp',
    'y_number_real_exponent',
    'y_number_real_fraction_exponent',
    'y_number_real_neg_exp',
    'y_number_real_pos_exponent',
    'y_number_simple_real',
    'y_object_extreme_numbers',
    'y_structure_lonely_negative_real',
  ],
  'malformed: minus zero (a second spelling of 0)': ['y_number_minus_zero', 'y_number_negative_zero'],
  'encoding_invalid: a non-character (RFC 7493 §2.1)': [
    'y_string_escaped_noncharacter',
    'y_string_last_surrogates_1_and_2',
    'y_string_nonCharacterInUTF-8_U+10FFFF',
    'y_string_nonCharacterInUTF-8_U+FFFF',
    'y_string_unicode_U+10FFFE_nonchar',
    'y_string_unicode_U+1FFFE_nonchar',
    'y_string_unicode_U+FDD0_nonchar',
    'y_string_unicode_U+FFFE_nonchar',
  ],
  'encoding_invalid: a NUL': ['y_object_escaped_null_in_key', 'y_string_null_escape'],
};
const STRICTER_CODES = new Map(
  Object.entries(STRICTER).flatMap(([reason, names]) => names.map((name) => [name, reason.split(':')[0]] as const)),
);

const cases = jsonParsingCases();

describe('JSONTestSuite', () => {
  it('holds all 318 documents', () => {
    expect(cases.length).toBe(318);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(318);
  });

  it('refuses every n_ document as a value, without a throw', () => {
    const accepted = cases.filter(
      ({ name, bytes }) => name.startsWith('n_') && parseStrictJson(bytes, RECORD_JSON_LIMITS).ok,
    );
    expect(accepted.map(({ name }) => name)).toEqual([]);
  });

  it('accepts every y_ document except those of the table, which get the code it states', () => {
    const answers = cases
      .filter(({ name }) => name.startsWith('y_'))
      .map(({ name, bytes }) => [name, parseStrictJson(bytes)] as const);
    for (const [name, result] of answers) {
      expect([name, result.ok ? 'accepted' : result.code]).toEqual([name, STRICTER_CODES.get(name) ?? 'accepted']);
    }
  });

  it('gives each accepted document the value JSON.parse gives', () => {
    for (const { bytes } of cases) {
      const result = parseStrictJson(bytes);
      if (result.ok) expect(result.value).toEqual(JSON.parse(bytes.toString('utf8')));
    }
  });

  it('accepts of the free i_ documents none: all are non-Unicode, out of range, too deep or marked', () => {
    const accepted = cases.filter(({ name, bytes }) => name.startsWith('i_') && parseStrictJson(bytes).ok);
    expect(accepted.map(({ name }) => name)).toEqual([]);
  });

  it('refuses every document as a raw record: none is a compact JWS', () => {
    for (const { name, bytes } of cases) expect([name, splitCompact(bytes).ok]).toEqual([name, false]);
  });
});
