export { type EdgeReply, type EdgeRequest, headerOf, send } from './edge.js';
export { type Answer, NOT_FOUND, PROBLEM_TYPE, type ProblemDetails, jsonAnswer, problemOf } from './problem.js';
export { type Caller, SignedReads } from './signed-reads.js';
