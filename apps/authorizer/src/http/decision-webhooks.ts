import { WebhookSender } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { readDecision } from '@spendgate/store';
import type { DecisionAnswers } from './decision-answers.js';

/** Sends decisions to the agent that asked and to the settlement service the artifact is for, as a read shows them. */
export function decisionWebhooks(runtime: Runtime, answers: DecisionAnswers): WebhookSender {
  const { pool, clock, logger, settings, keys } = runtime;
  return new WebhookSender({
    source: 'decisions',
    pool,
    clock,
    logger,
    signer: keys.webhook,
    giveUpMs: Number(settings['SPENDGATE_WEBHOOK_GIVE_UP']),
    privateAddresses: settings['SPENDGATE_WEBHOOK_PRIVATE_ADDRESSES'] === true,
    render: async ({ ref }) => {
      const view = await readDecision(pool, ref);
      return view === undefined ? undefined : (await answers.show(view)).body;
    },
  });
}
