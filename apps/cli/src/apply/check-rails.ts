import { StartError } from '@spendgate/platform';
import { DEMO_ISSUER } from '../runtime/issuer.js';
import type { DomainFile } from './domain-file.js';

/** Moved by the settlement service, which reports what became of the money. */
const EXTERNAL = 'external';
/** Stands in for a rail where there is none: it says `captured`, and no money has moved. */
const SIMULATED = 'simulated';

/**
 * Makes sure that each counterparty names a rail whose word counts: the settlement service's own, or one the file
 * declares with its key.
 *
 * @throws {StartError} naming the counterparty and what to write instead
 */
export function checkRails(
  { counterparties, rails }: Pick<DomainFile, 'counterparties' | 'rails'>,
  issuer: string,
): void {
  const declared = new Set(rails.map(({ id }) => id));
  for (const name of [EXTERNAL, SIMULATED]) {
    if (declared.has(name))
      throw new StartError(`a rail cannot be called "${name}": the word has a meaning of its own`);
  }
  for (const { id, rail } of counterparties) {
    if (rail === EXTERNAL || declared.has(rail)) continue;
    if (rail !== SIMULATED) throw new StartError(`counterparty ${id}: declare rail "${rail}" under "rails"`);
    if (issuer === DEMO_ISSUER) continue;
    throw new StartError(
      `counterparty ${id}: rail "${SIMULATED}" moves no money and is for the demo domain; ` +
        `write "${EXTERNAL}", or a rail declared under "rails"`,
    );
  }
}
