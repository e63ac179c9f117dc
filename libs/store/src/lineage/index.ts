export { LINEAGE_KINDS, LINEAGE_RELATIONS } from './lineage-graph.js';
export { type Lineage, type LineageAsked, readLineage } from './read-lineage.js';
