import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CODES_WITHOUT_MINOR_UNIT, ISO_4217 } from './currencies.js';
import { InvariantError } from './errors.js';
import { LIMITS } from './limits.js';
import { currencyTable, decimal, digitsOf, formatMoney, minorUnits, parseMoney } from './money.js';

describe('parseMoney', () => {
  it.each([
    ['12.50', 'USD', '12.5'],
    ['0.01', 'USD', '0.01'],
    ['1250', 'JPY', '1250'],
    ['1.500', 'KWD', '1.5'],
    ['1.0000', 'UYW', '1'],
    ['99999999999999999999.99', 'USD', '99999999999999999999.99'],
  ])('reads %s %s exactly', (value, currency, exact) => {
    const money = parseMoney(value, currency);
    expect(typeof money === 'string' ? money : money.amount.toFixed()).toBe(exact);
  });

  it.each([
    ['0.00', 'zero'],
    ['12.5', 'a digit short'],
    ['12', 'no digits'],
    ['12.', 'a point without digits'],
    ['.50', 'no leading digit'],
    ['012.50', 'a leading zero'],
    ['+12.50', 'a sign'],
    ['-12.50', 'a sign'],
    ['1e2', 'an exponent'],
    [' 12.50', 'a space'],
    ['12.50\n', 'a line break'],
    ['12,50', 'a comma'],
    ['1_000.00', 'a separator'],
    ['٣.٠٠', 'digits of another script'],
    ['0x10', 'another base'],
    ['NaN', 'no number'],
    ['Infinity', 'no number'],
    ['', 'nothing'],
    ['100000000000000000000.00', '21 integer digits'],
    ['9'.repeat(LIMITS.amountLengthMax + 1), 'longer than the gate'],
    [`0.${'0'.repeat(100_000)}`, 'far longer than the gate'],
  ])('amount_invalid: %j is %s', (value) => {
    expect(parseMoney(value, 'USD')).toBe('amount_invalid');
  });

  it('currency_precision: more digits than the currency has', () => {
    expect(parseMoney('12.505', 'USD')).toBe('currency_precision');
    expect(parseMoney('1250.0', 'JPY')).toBe('currency_precision');
  });

  it.each(['XAU', 'XXX', 'usd', 'US', 'BTC', '', '__proto__'])('currency_unsupported: %j', (currency) => {
    expect(parseMoney('12.50', currency)).toBe('currency_unsupported');
  });

  it('takes an amount in exactly one spelling: what it prints is what it read', () => {
    const spelling = fc.tuple(fc.constantFrom(...ISO_4217.keys()), fc.bigInt({ min: 1n, max: 10n ** 20n - 1n }));
    fc.assert(
      fc.property(spelling, ([currency, minor]) => {
        const digits = digitsOf(currency);
        const padded = minor.toString().padStart(digits + 1, '0');
        const value = digits === 0 ? padded : `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
        const money = parseMoney(value, currency);
        if (typeof money === 'string') throw new Error(`${value} ${currency}: ${money}`);
        expect(formatMoney(money.amount, currency)).toBe(value);
        expect(minorUnits(money)).toBe(minor);
      }),
    );
  });

  it('refuses every other text without an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('USD', 'JPY', 'KWD'), (value, currency) => {
        const money = parseMoney(value, currency);
        if (typeof money !== 'string') expect(formatMoney(money.amount, currency)).toBe(value);
      }),
    );
  });
});

describe('exact arithmetic', () => {
  it('adds numeric(38,18) values without rounding', () => {
    const widest = decimal('99999999999999999999.999999999999999999');
    expect(widest.plus('0.000000000000000001').toFixed()).toBe('100000000000000000000');
    expect(widest.times(2).minus(widest).eq(widest)).toBe(true);
  });
});

describe('currencyTable', () => {
  it('adds configured assets to ISO 4217', () => {
    const table = currencyTable({ USDC: 6, TOKEN18: 18 });
    expect(parseMoney('1.000001', 'USDC', table)).toMatchObject({ currency: 'USDC' });
    expect(parseMoney('1.0000001', 'USDC', table)).toBe('currency_precision');
    expect(parseMoney('0.000000000000000001', 'TOKEN18', table)).toMatchObject({ currency: 'TOKEN18' });
    expect(currencyTable()).toBe(ISO_4217);
  });

  it.each([
    ['USD', 3],
    ['USDC', 19],
    ['USDC', -1],
    ['USDC', 1.5],
    ['usdc', 6],
    ['XAUTHETHEREUM1', 6],
  ])('stops the start on asset %s with %d digits', (code, digits) => {
    expect(() => currencyTable({ [code]: digits })).toThrow(InvariantError);
  });

  it('a currency in no table is our defect', () => {
    expect(() => digitsOf('XAU')).toThrow('ERR_CURRENCY_UNKNOWN');
  });
});

/** The list as its maintenance agency publishes it; it lies beside a checkout where conformance data is kept. */
const LIST = path.resolve(import.meta.dirname, '../../../../shared/data/vectors/iso4217/table.xml');

describe('ISO 4217', () => {
  it('has 165 codes with a minor unit and 13 without', () => {
    expect(ISO_4217.size).toBe(165);
    expect(CODES_WITHOUT_MINOR_UNIT.filter((code) => ISO_4217.has(code))).toEqual([]);
  });

  (fs.existsSync(LIST) ? it : it.skip)('accepts or refuses every published code at its exponent', () => {
    const entries = [
      ...fs.readFileSync(LIST, 'utf8').matchAll(/<Ccy>(.*?)<\/Ccy>[^]*?<CcyMnrUnts>(.*?)<\/CcyMnrUnts>/g),
    ];
    const published = new Map(entries.map(([, code = '', units = '']) => [code, units]));
    expect(published.size).toBe(178);
    for (const [code, units] of published) {
      const digits = units === 'N.A.' ? undefined : Number(units);
      expect([code, ISO_4217.get(code)]).toEqual([code, digits]);
      const expected = digits === undefined ? 'currency_unsupported' : { currency: code };
      const one = digits === undefined || digits === 0 ? '1' : `1.${'0'.repeat(digits)}`;
      const money = parseMoney(one, code);
      expect(typeof money === 'string' ? money : { currency: money.currency }).toEqual(expected);
      if (digits !== undefined)
        expect(parseMoney(`${one}${digits === 0 ? '.' : ''}0`, code)).toBe('currency_precision');
    }
    expect(new Set([...ISO_4217.keys(), ...CODES_WITHOUT_MINOR_UNIT])).toEqual(new Set(published.keys()));
  });
});
