import { WebhookSender } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { readSettlement } from '@spendgate/store';
import type { GateEdge } from './gate-edge.js';
import { renderSettlement } from './render-settlement.js';

/** Sends receipts and what became of the money to the settlement service and the agent, as a read shows them. */
export function settlementWebhooks(runtime: Runtime, edge: GateEdge): WebhookSender {
  const { pool, clock, logger, settings, keys } = runtime;
  return new WebhookSender({
    source: 'settlements',
    pool,
    clock,
    logger,
    signer: keys.webhook,
    giveUpMs: Number(settings['SPENDGATE_WEBHOOK_GIVE_UP']),
    privateAddresses: settings['SPENDGATE_WEBHOOK_PRIVATE_ADDRESSES'] === true,
    render: async ({ ref }) => {
      const view = await readSettlement(pool, ref);
      return view === undefined ? undefined : renderSettlement(edge, view);
    },
  });
}
