/** Named maxima of the domain. Every loop, list and number of core is bounded by one of these. */
export const LIMITS = {
  /** Levels of a mandate tree: organisation → team → agent → sub-agent and room for as many again. */
  mandateDepthMax: 8,
  /** Counterparties a mandate may list; more than these are a policy, not a list. */
  mandateCounterpartiesMax: 256,
  /** Reference values of an environment. */
  measurementsMax: 32,
  /** Windows and counterparty limits of one mandate. */
  countedLimitsMax: 16,
  /** Merchant categories a mandate may list; ISO 18245 has about a thousand, and more than these are a policy. */
  mandateCategoriesMax: 256,
  /** Seconds of a rolling window: 400 days, as long as a chargeback can come. */
  rollingSecondsMax: 34_560_000,
  /** Spends a limit may count: what a JavaScript number and PostgreSQL's integer both hold. */
  countLimitMax: 2_147_483_647,
  /** Live sub-mandates that agents may have carved from one mandate. */
  delegatedPerMandateMax: 256,
  /** Live sub-mandates that one agent may have signed, over all its mandates. */
  delegatedPerAgentMax: 4_096,
  /** Characters of an amount, before any parsing: 20 digits, a point, 18 digits. */
  amountLengthMax: 39,
  /** Digits before the decimal point: numeric(38,18) holds 20. */
  amountIntegerDigitsMax: 20,
  /** Digits after the decimal point of a configured asset: numeric(38,18) holds 18. */
  amountFractionDigitsMax: 18,
  /** Artifacts that may follow one another on one hold. */
  renewalsMax: 1_000,
  /** Captures of one hold in mode `multi`. */
  capturesMax: 1_000,
  /** Seconds from issue to `settle_by`: 90 days. */
  settleBySecondsMax: 7_776_000,
  /** Seconds from issue to `exp`, when no setting says less: 24 hours. */
  artifactLifetimeSecondsMax: 86_400,
  /** Intents parked on one flow at a time. */
  parkedPerFlowMax: 100,
  /** Seconds an intent may wait parked: a day, which is also the longest life of an intent. */
  parkSecondsMax: 86_400,
  /** The log's clock may run ahead of the database's by this, milliseconds. */
  clockAheadMsMax: 30_000,
  /** `exp − iat` of an intent, milliseconds: 24 hours. */
  intentLifetimeMsMax: 86_400_000,
  /** Intents of one batch. */
  batchItemsMax: 10_000,
} as const;

/** Of the rules below this directory. A decision names it; replay recomputes within one version only. */
export const RULES_VERSION = 1;
