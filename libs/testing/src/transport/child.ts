import { LaneLost } from '@spendgate/store';
import { createPool } from '@spendgate/store';
import { TOPICS } from '@spendgate/messaging';
import { writeEffects } from './effects.js';
import { openClient } from './open-client.js';
import { type ChildOptions, silentLogger } from './world.js';

/**
 * A member of the group in a process of its own, so that it can be stopped and killed for real. It tells its parent of
 * each batch, and writes its effect only when the parent says `go`.
 */
const options = JSON.parse(process.env['TRANSPORT_CHILD'] ?? '{}') as ChildOptions; // written by our own parent
const pool = createPool(options.databaseUrl);
const transport = openClient(options, pool, silentLogger);
const tell = (message: string): void => void process.send?.(message);

let go: Promise<void> | undefined;
let release: () => void = () => undefined;
process.on('message', () => release());

await transport.start([
  {
    topic: TOPICS.paymentIntents,
    group: 'authorizer',
    async onBatch(batch) {
      go ??= new Promise((resolve) => (release = resolve)); // the first batch waits, later ones run through
      tell('got');
      await go;
      try {
        await writeEffects(pool, batch, 'child');
        tell('written');
      } catch (error) {
        tell(error instanceof LaneLost ? 'fenced' : 'failed');
        throw error;
      }
    },
  },
]);
tell('started');
