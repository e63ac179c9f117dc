export { CHECK_NAMES } from './artifact-report.js';
export type {
  ArtifactReport,
  ArtifactVerification,
  CheckName,
  CheckReport,
  InclusionEvidence,
} from './artifact-report.js';
export { verifyArtifact } from './verify-artifact.js';
export { verifyConsistencyCase, verifyInclusionCase, verifyJwsCase } from './verify-cases.js';
export type { CaseResult } from './verify-cases.js';
