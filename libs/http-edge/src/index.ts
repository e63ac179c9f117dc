export { acceptTokens } from './accept-tokens.js';
export { type EdgeReply, type EdgeRequest, headerOf, send } from './edge.js';
export { type Answer, NOT_FOUND, PROBLEM_TYPE, type ProblemDetails, jsonAnswer, problemOf } from './problem.js';
export { type Caller, SignedReads } from './signed-reads.js';
export { type OpenApiDocument, type OpenApiOptions, openApi } from './openapi/open-api.js';
export {
  ADMISSION_DENIALS,
  type AnswerSpec,
  type ParameterSpec,
  type RouteSpec,
  SETTLEMENT_DENIALS,
} from './openapi/route.js';
export * from './openapi/shapes.js';
export { REPLAYED, keyAgrees, waitSecondsOf, waited } from './idempotency-key.js';
export { type Query, pageAnswer, readPage, wholeNumber } from './pages.js';
export { checkWebhookUrl } from './webhooks/endpoint-address.js';
export { WEBHOOK_SETTINGS } from './webhooks/webhook.settings.js';
export { type DeliveryFailure, DeliverySender } from './webhooks/delivery-sender.js';
export { WebhookPoster } from './webhooks/post-webhook.js';
export { WebhookSender, sendingParts } from './webhooks/webhook-sender.js';
