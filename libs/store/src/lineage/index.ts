export { type CoveringHead, type FlowLeaves, readCoveringHeads, readFlowLeaves } from './flow-leaves.js';
export { LINEAGE_KINDS, LINEAGE_RELATIONS } from './lineage-graph.js';
export { type Lineage, type LineageAsked, readLineage } from './read-lineage.js';
