import { expect, it } from '@jest/globals';
import { usd } from '../examples/settlement-example.js';
import { exceedsRefundShare } from './refund-share.js';

it.each([
  [5, '20.00', '100.00', false],
  [5, '20.01', '100.00', true],
  [4, '100.00', '100.00', false],
  [5, '0.01', '0.00', true],
])('%i refunds of %s on captures of %s are a case above 20 per cent: %s', (refunds, refunded, captured, expected) => {
  const day = { refunds, refunded: usd(refunded), captured: usd(captured) };
  expect(exceedsRefundShare(day, { sharePercent: 20, countMin: 5 })).toBe(expected);
});
