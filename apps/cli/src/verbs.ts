import type { Command } from 'commander';

/** Adds one verb to the program. */
type AddVerb = (program: Command) => void;

/**
 * Every verb, in the order of the help. A new verb is a file in `commands/` and a line here. Loaded when asked for:
 * checking a signature must not need the services' code, nor wait for it.
 */
export const VERBS: Readonly<Record<string, () => Promise<AddVerb>>> = {
  up: async () => (await import('./commands/up.js')).addUp,
  serve: async () => (await import('./commands/serve.js')).addServe,
  intents: async () => (await import('./commands/intents.js')).addIntents,
  settlements: async () => (await import('./commands/settlements.js')).addSettlements,
  artifacts: async () => (await import('./commands/artifacts.js')).addArtifacts,
  sign: async () => (await import('./commands/sign.js')).addSign,
  apply: async () => (await import('./commands/apply.js')).addApply,
  migrate: async () => (await import('./commands/migrate.js')).addMigrate,
  keys: async () => (await import('./commands/keys.js')).addKeys,
  config: async () => (await import('./commands/config.js')).addConfig,
  decisions: async () => (await import('./commands/decisions.js')).addDecisions,
  mandates: async () => (await import('./commands/mandates.js')).addMandates,
  attest: async () => (await import('./commands/attest.js')).addAttest,
  agents: async () => (await import('./commands/agents.js')).addAgents,
  halt: async () => (await import('./commands/halt.js')).addHalt,
  release: async () => (await import('./commands/halt.js')).addRelease,
  acts: async () => (await import('./commands/acts.js')).addActs,
  incidents: async () => (await import('./commands/incidents.js')).addIncidents,
  flows: async () => (await import('./commands/flows.js')).addFlows,
  revoke: async () => (await import('./commands/revoke.js')).addRevoke,
  lineage: async () => (await import('./commands/lineage.js')).addLineage,
  report: async () => (await import('./commands/report.js')).addReport,
  log: async () => (await import('./commands/log.js')).addLog,
  policy: async () => (await import('./commands/policy.js')).addPolicy,
  drift: async () => (await import('./commands/drift.js')).addDrift,
  doctor: async () => (await import('./commands/doctor.js')).addDoctor,
  replay: async () => (await import('./commands/replay.js')).addReplay,
  verify: async () => (await import('./commands/verify.js')).addVerify,
};
