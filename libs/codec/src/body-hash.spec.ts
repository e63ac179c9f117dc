import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { intentBodyHash, mandateHash, settlementBodyHash } from './body-hash.js';
import type { MandateClaim } from './tokens/mandate.js';
import type { PaymentIntentClaims } from './tokens/payment-intent.js';
import type { SettlementRequestClaims } from './tokens/settlement.js';

const intent: PaymentIntentClaims = {
  ...{ iss: 'shopper', aud: 'urn:spendgate:test', iat: 1, exp: 2, jti: 'a', mandate: 'm', counterparty: 'shop' },
  ...{ amount: { value: '1.00', currency: 'USD' }, audience: 'service', capture: { mode: 'single' }, reference: 'r' },
};
const request: SettlementRequestClaims = {
  ...{ iss: 'service', aud: 'urn:spendgate:test', iat: 1, exp: 2, jti: 'a', action: 'void', void_id: 'v' },
  ...{ artifact: { id: 'i', hash: 'h' }, counterparty: 'shop', merchant_reference: 'r' },
};

describe('body hashes', () => {
  it('of an intent are SHA-256 over the RFC 8785 form without iat and exp', () => {
    const text =
      '{"amount":{"currency":"USD","value":"1.00"},"aud":"urn:spendgate:test","audience":"service","capture":{"mode":"single"},' +
      '"counterparty":"shop","iss":"shopper","jti":"a","mandate":"m","reference":"r"}';
    expect(intentBodyHash(intent)).toEqual(createHash('sha256').update(text).digest());
  });

  it('of an intent stay when it is signed anew, and change with anything else', () => {
    expect(intentBodyHash({ ...intent, iat: 7, exp: 9 })).toEqual(intentBodyHash(intent));
    for (const change of [{ jti: 'b' }, { deadline: 2 }, { amount: { value: '1.0', currency: 'USD' } }]) {
      expect(intentBodyHash({ ...intent, ...change })).not.toEqual(intentBodyHash(intent));
    }
  });

  it('of a settlement request stay when it is signed anew under another jti, and change with anything else', () => {
    expect(settlementBodyHash({ ...request, iat: 7, exp: 9, jti: 'b' })).toEqual(settlementBodyHash(request));
    for (const change of [{ void_id: 'w' }, { counterparty: 'other' }, { artifact: { id: 'i', hash: 'k' } }]) {
      expect(settlementBodyHash({ ...request, ...change })).not.toEqual(settlementBodyHash(request));
    }
  });

  it('leave what they are given as it was', () => {
    const before = structuredClone(intent);
    intentBodyHash(intent);
    expect(intent).toEqual(before);
  });

  it('of a mandate do not depend on the order its members were written in', () => {
    const mandate: MandateClaim = {
      ...{ id: 'm', version: 1, parent: null, principal: 'acme', agent: null, counterparties: null, depth: 0 },
      limits: { currency: 'USD', total: '1.00', per_transaction: null },
      ...{
        validity: { from: 1, until: 2 },
        policy: { id: 'p' },
        environment: null,
        approvals: null,
        delegation: null,
        park_seconds: null,
      },
    };
    const turned = Object.fromEntries(Object.entries(mandate).reverse()) as MandateClaim; // the same members
    expect(mandateHash(turned)).toEqual(mandateHash(mandate));
  });
});
