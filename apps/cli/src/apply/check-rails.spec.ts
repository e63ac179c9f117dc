import { describe, expect, it } from '@jest/globals';
import { DEMO_ISSUER } from '../runtime/issuer.js';
import { checkRails } from './check-rails.js';
import { DOMAIN_FILE } from './domain-file.js';

const OWN = 'https://pay.example';
const file = (rail: string | undefined, rails: readonly string[] = []) =>
  DOMAIN_FILE.parse({
    rails: rails.map((id) => ({ id, name: id })),
    counterparties: [{ id: 'shop', legal_name: 'Shop', category: '5732', settlement_services: ['service'], rail }],
  });

describe('the rail of a counterparty', () => {
  it('F5: that is simulated exists in the demo domain only: anywhere else it would say captured, and no money moved', () => {
    expect(() => checkRails(file('simulated'), DEMO_ISSUER)).not.toThrow();
    expect(() => checkRails(file('simulated'), OWN)).toThrow('counterparty shop: rail "simulated" moves no money');
  });

  it('is the settlement service’s own, or one the file declares with its key', () => {
    expect(() => checkRails(file(undefined), OWN)).not.toThrow();
    expect(() => checkRails(file('bank', ['bank']), OWN)).not.toThrow();
    expect(() => checkRails(file('bank'), OWN)).toThrow('declare rail "bank" under "rails"');
  });

  it.each(['external', 'simulated'])('cannot be declared under the name %s', (name) => {
    expect(() => checkRails(file(undefined, [name]), OWN)).toThrow(`a rail cannot be called "${name}"`);
  });
});
