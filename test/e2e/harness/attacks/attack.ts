import type { PaymentIntentClaims } from '@spendgate/codec';
import { type Forgery, forge, honestHeader } from '../forge.js';
import { type InputsWorld, smallIntent } from '../inputs-world.js';

export const INTENT = 'payment-intent+jwt';

/** One hostile request to an HTTP door, and the codes it may get. None of them is an approval. */
export interface Attack {
  readonly name: string;
  readonly body: Buffer | string;
  readonly answers: readonly string[];
}

type Claims = Partial<Record<keyof PaymentIntentClaims, unknown>>;

/** Makes attacks from one honest intent, each under a name of its own, so that none is a replay of another. */
export class IntentForge {
  private made = 0;

  constructor(
    readonly world: InputsWorld,
    readonly family: string,
  ) {}

  get header(): Readonly<Record<string, unknown>> {
    return honestHeader(this.world.parties.buyer, INTENT);
  }

  claims(change: object = {}): Readonly<Record<string, unknown>> {
    this.made += 1;
    const claims: Claims = change;
    return smallIntent(`${this.family}-${this.made}`, this.world.mandate('attacks'), claims);
  }

  /** As text, for attacks on the JSON itself. */
  claimsText(change: object = {}): string {
    return JSON.stringify(this.claims(change));
  }

  /** The honest intent's token; `parts` replaces what the attack is about. */
  token(parts: Partial<Forgery> = {}): Promise<string> {
    return forge({ header: this.header, payload: this.claims(), signer: this.world.parties.buyer, ...parts });
  }

  async attack(name: string, answers: string | readonly string[], parts: Partial<Forgery>): Promise<Attack> {
    return this.sent(name, answers, await this.token(parts));
  }

  /** Claims with the given ones changed; `undefined` leaves one out. */
  changed(name: string, answers: string | readonly string[], change: object): Promise<Attack> {
    return this.attack(name, answers, { payload: this.claims(change) });
  }

  sent(name: string, answers: string | readonly string[], body: Buffer | string): Attack {
    return { name: `${this.family}: ${name}`, body, answers: typeof answers === 'string' ? [answers] : answers };
  }
}
