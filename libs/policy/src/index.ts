export { DEFAULT_POLICY, DEFAULT_SCHEMA } from './default-policy.js';
export { PolicySet } from './policy-set.js';
export { PolicySets } from './policy-sets.js';
export { spendQuestion } from './spend-question.js';
export { PolicyLoadError } from './types.js';
export type { PolicyOutcome, PolicyRequest, PolicySource, PolicyValue, PolicyVerdict } from './types.js';
