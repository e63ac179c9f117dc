import type { DynamicModule } from '@nestjs/common';
import type { DomainKeyPurpose } from '@spendgate/artifact';
import { AUTHORIZER_ROUTES, AUTHORIZER_SETTINGS, AuthorizerModule } from '@spendgate/authorizer';
import { DETECTOR_SETTINGS, DriftDetectorModule } from '@spendgate/drift-detector';
import type { RouteSpec } from '@spendgate/http-edge';
import { MESSAGING_SETTINGS, type Runtime } from '@spendgate/messaging';
import type { SettingTable } from '@spendgate/platform';
import type { DatabaseRole } from '@spendgate/store';
import { GATE_ROUTES, GATE_SETTINGS, SettlementGateModule } from '@spendgate/settlement-gate';
import { LOG_ROUTES, LOG_SETTINGS, TransparencyLogModule } from '@spendgate/transparency-log';
import { PROCESS_SETTINGS } from './process.settings.js';

/** One service: its module, its settings, its HTTP routes, and the only purposes whose private keys its process may open. */
interface RoleEntry {
  readonly module: { forRoot(runtime: Runtime): DynamicModule };
  readonly settings: SettingTable;
  readonly routes: readonly RouteSpec[];
  readonly purposes: readonly DomainKeyPurpose[];
  /** Whose rights its process has in the database when it runs alone. */
  readonly database: DatabaseRole;
  /** Whether it decides anything: it then starts on a history its witnesses remember only. */
  readonly decides: boolean;
  readonly about: string;
}

/** The roles `serve` knows, by the name on the command line. `up` starts all of them in one process. */
export const ROLES = {
  authorizer: {
    module: AuthorizerModule,
    settings: AUTHORIZER_SETTINGS,
    routes: AUTHORIZER_ROUTES,
    purposes: ['artifact', 'decision', 'webhook'],
    database: 'spendgate_authorizer',
    decides: true,
    about: 'payment intents in, decisions and artifacts out',
  },
  'settlement-gate': {
    module: SettlementGateModule,
    settings: GATE_SETTINGS,
    routes: GATE_ROUTES,
    purposes: ['receipt', 'webhook'],
    database: 'spendgate_gate',
    decides: true,
    about: 'artifacts in, captures, voids and refunds out',
  },
  'drift-detector': {
    module: DriftDetectorModule,
    settings: DETECTOR_SETTINGS,
    routes: [],
    purposes: [],
    database: 'spendgate_detector',
    decides: true,
    about: 'verifies continuously what nobody uses, and contains what broke',
  },
  log: {
    module: TransparencyLogModule,
    settings: LOG_SETTINGS,
    routes: LOG_ROUTES,
    purposes: ['checkpoint', 'status', 'control'],
    database: 'spendgate_log',
    decides: false,
    about: 'integrates audit leaves, signs checkpoints, serves proofs',
  },
} as const satisfies Record<string, RoleEntry>;

export type Role = keyof typeof ROLES;
export const ROLE_NAMES = Object.keys(ROLES) as Role[]; // as: Object.keys widens the names of our own table

/** Settings of the given roles in one table: the process's, the transport's, then each role's own. */
export function settingsOf(roles: readonly Role[]): SettingTable {
  const own = roles.map((role): SettingTable => ROLES[role].settings);
  return Object.assign({}, PROCESS_SETTINGS, MESSAGING_SETTINGS, ...own) as SettingTable; // as: assign of tables is a table
}
