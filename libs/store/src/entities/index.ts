/** What TypeORM reads for administration. An entity holds ids, never relations: no entity imports another. */
export const ENTITIES = [];
