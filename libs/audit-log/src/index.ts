export { EMPTY_ROOT, leafHash, nodeHash, sameHash } from './hashing.js';
export { HASH_BYTES } from './sha256.js';
export {
  type ConsistencyProof,
  type InclusionProof,
  type ProofProblem,
  type ProofVerdict,
  type TreeNumber,
  verifyConsistency,
  verifyInclusion,
} from './verify-proof.js';
