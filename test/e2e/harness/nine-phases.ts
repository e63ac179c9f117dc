import { join } from 'node:path';
import { ROOT } from './repository.js';

export const NINE_PHASES_PAGE = join(ROOT, 'docs/nine-phases.md');
/** As the page says: so that what nobody uses is visited soon. */
export const NINE_PHASES_SETTINGS = { SPENDGATE_FLOW_WATCH_SECONDS: '30' };
