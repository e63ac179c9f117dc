import { CounterpartyEntity } from './counterparty.entity.js';
import { MandateEntity } from './mandate.entity.js';
import { PartyKeyEntity } from './party-key.entity.js';
import { PartyEntity } from './party.entity.js';
import { PolicyEntity } from './policy.entity.js';

/** What TypeORM reads for administration. An entity holds ids, never relations: no entity imports another. */
export const ENTITIES = [CounterpartyEntity, MandateEntity, PartyEntity, PartyKeyEntity, PolicyEntity];

export { CounterpartyEntity, MandateEntity, PartyEntity, PartyKeyEntity, PolicyEntity };
