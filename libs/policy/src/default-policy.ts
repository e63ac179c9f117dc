import type { PolicySource } from './types.js';

/** What every policy may ask about. An optional attribute needs `has` before use, or validation refuses the policy. */
export const DEFAULT_SCHEMA = `entity Agent;
entity Counterparty;
action "spend" appliesTo {
  principal: Agent,
  resource: Counterparty,
  context: {
    amount_minor: Long,      // minor units of the currency: 12.50 USD is 1250
    currency: String,        // ISO 4217 alphabetic code
    category?: String,       // ISO 18245 merchant category of the counterparty
    mandate: String,         // mandate id, which is the flow id
    principal: String,       // whose money it is
    depth: Long,             // delegations between the root mandate and this one
    capture_mode: String     // single, partial or multi
  }
};
`;

/**
 * The policy of a domain that has written none: mandates bound the money, the policy forbids what turns money into
 * money (ISO 18245 4829 wire transfer, 6010–6012 cash, 6051 quasi-cash, 6211 securities, 7995 gambling).
 */
export const DEFAULT_POLICY: PolicySource = {
  policyId: 'default',
  version: 1,
  schemaText: DEFAULT_SCHEMA,
  policyText: `@id("spend-within-mandate")
permit (principal, action == Action::"spend", resource);

@id("no-cash-like")
forbid (principal, action == Action::"spend", resource)
when {
  context has category &&
  ["4829", "6010", "6011", "6012", "6051", "6211", "7995"].contains(context.category)
};

@id("no-deep-delegation")
forbid (principal, action == Action::"spend", resource)
when { context.depth > 8 };
`,
};
