import type { Command } from 'commander';
import { addApply } from './commands/apply.js';
import { addConfig } from './commands/config.js';
import { addIntents } from './commands/intents.js';
import { addKeys } from './commands/keys.js';
import { addMigrate } from './commands/migrate.js';
import { addReplay } from './commands/replay.js';
import { addServe } from './commands/serve.js';
import { addSettlements } from './commands/settlements.js';
import { addSign } from './commands/sign.js';
import { addUp } from './commands/up.js';
import { addVerify } from './commands/verify.js';

/** Every verb, in the order of the help. A new verb is a file in `commands/` and a line here. */
export const VERBS: readonly ((program: Command) => void)[] = [
  addUp,
  addServe,
  addIntents,
  addSettlements,
  addSign,
  addApply,
  addMigrate,
  addKeys,
  addConfig,
  addReplay,
  addVerify,
];
