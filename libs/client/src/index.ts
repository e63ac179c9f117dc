export {
  type HeldArtifact,
  type Narrowing,
  type Observed,
  type OutcomeReport,
  type PlainIntent,
  type SettlementAct,
  type Signing,
  intentClaims,
  outcomeClaims,
  readArtifact,
  settlementClaims,
} from './claims.js';
export { type Answer, type ClientOptions, NoAnswerError, SpendgateClient } from './spendgate-client.js';
export { type PrivateEd25519Jwk, webCryptoSigner } from './web-crypto-signer.js';
