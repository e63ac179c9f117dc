export { type CapturedRun, captureRun } from './capture-run.js';
export { runSource } from './run-source.js';
export { type TestDatabase, startTestDatabase } from './database.js';
export { describeFaults } from './transport/faults-contract.js';
export { describeDelivery } from './transport/delivery-contract.js';
export { openEmbeddedWorld } from './transport/embedded-world.js';
export { createEffects, effectsHandler, readEffects, type Effect } from './transport/effects.js';
export { openClient } from './transport/open-client.js';
export { silentLogger, type ChildOptions, type RawRecord, type TransportWorld } from './transport/world.js';
export { type ServedModule, serveModule } from './serve-module.js';
export { signedGet } from './signed-get.js';
export { until } from './until.js';
export {
  TEST_ISSUER,
  TEST_SPENDING,
  type TestDomain,
  type TestDomainOptions,
  approvalClaims,
  intentClaims,
  mandateClaim,
  namedId,
  openTestDomain,
  renewalClaims,
  signApproval,
  signIntent,
  signRenewal,
} from './test-domain.js';
export {
  TEST_PUBLIC_URL,
  type TestRuntime,
  type TestRuntimeOptions,
  batchOf,
  openTestRuntime,
} from './test-runtime.js';
export { newestParked, signParkedAnswer } from './parked-answers.js';
export { type ArtifactChange, type IssuedTestArtifact, artifactOf, issueTestArtifact } from './settlement-artifacts.js';
export {
  captureClaims,
  outcomeClaims,
  refundClaims,
  requestClaims,
  signOutcome,
  signRequest,
  voidClaims,
} from './settlement-requests.js';
export { registerBank } from './test-rail.js';
export { approvingClaims, opsClaims, signOpsAct } from './ops-acts.js';
export { signTransition, transitionClaims } from './key-transitions.js';
export { LeafWriter } from './leaf-writer.js';
export { recordLogKeys } from './log-keys.js';
export { tamperWith } from './tamper.js';
export {
  TEST_LEAVES,
  type TestBundle,
  type TestBundleChange,
  makeTestBundle,
  makeTestSettlement,
} from './test-bundle.js';
export { TEST_INCIDENT_LEAVES, type TestIncidentChange, makeTestIncident, makeTestRange } from './test-incident.js';
export { undescribed } from './described.js';
export { type DoorReply, TestDoor } from './test-door.js';
export { referenceFiles } from './reference/reference-files.js';
export { type TokenVector, makeTokenVectors } from './reference/token-vectors.js';
export { type Served, TestLog } from './served-log.js';
export { type HookMessage, TestHook, isSignedHook } from './test-hook.js';
export { TestMailbox } from './test-mailbox.js';
