export { type GateOverrides, type GateParts, createGateParts } from './gate-parts.js';
export { GATE_ROUTES } from './http/routes.js';
export { GATE_SETTINGS } from './gate.settings.js';
export type { RailListener, RailPort, RailReport, RailTransfer } from './rails/rail-port.js';
export { type ReplayedSettlement, replaySettlements } from './replay-settlements.js';
export { RunningGate } from './running-gate.js';
export { SettlementGateModule } from './settlement-gate.module.js';
export { ALL_VERIFIED, type Trust, type TrustSource } from './settling/gate-facts.js';
export { SettleRecords } from './settling/settle-records.js';

/** The name `serve` and the health page know this service by. */
export const ROLE = 'settlement-gate';
