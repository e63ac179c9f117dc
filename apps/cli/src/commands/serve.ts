import { RULES_VERSION } from '@spendgate/core';
import { createPool, requireDomain } from '@spendgate/store';
import type { Command } from 'commander';
import { StartError } from '@spendgate/platform';
import { note, printJson } from '../output.js';
import { type PreparePlace, openRuntime } from '../runtime/open-runtime.js';
import { ROLES, ROLE_NAMES, type Role } from '../runtime/roles.js';
import { runWitness } from '../runtime/run-witness.js';
import { serveRoles } from '../runtime/serve-roles.js';
import { describeVerb } from '../verb.js';

const WITNESS = 'witness';
const WITNESS_ABOUT = 'cosigns checkpoints of the logs it watches; needs no database, best run by somebody else';

interface Options {
  readonly json?: boolean;
  readonly untilStdinCloses?: boolean;
}

/** `spendgate serve ROLE`: one role in this process, on infrastructure that is already set up. */
export function addServe(program: Command): void {
  const abouts = [...ROLE_NAMES.map((role) => [role, ROLES[role].about] as const), [WITNESS, WITNESS_ABOUT] as const];
  const roles = abouts.map(([role, about]) => `  ${role.padEnd(16)} ${about}`).join('\n');
  const command = program
    .command('serve')
    .argument('<role>', [...ROLE_NAMES, WITNESS].join(', '))
    .addHelpText('after', `\nRoles:\n${roles}`)
    .option('--json', 'when ready, one JSON object: {"ready", "role", "url"}')
    .option('--until-stdin-closes', 'a witness ends with the process that started it')
    .action(async (name: string, { json, untilStdinCloses }: Options) => {
      if (name === WITNESS) return serveWitness(json ?? false, untilStdinCloses ?? false);
      const role = ROLE_NAMES.find((each) => each === name);
      if (role === undefined)
        throw new StartError(`"${name}" is no role; roles: ${[...ROLE_NAMES, WITNESS].join(', ')}`);
      await serve(role, json ?? false);
    });
  describeVerb(command, {
    group: 'run',
    summary: 'one role, on Kafka and PostgreSQL',
    example: 'SPENDGATE_ISSUER=https://pay.example spendgate serve authorizer',
  });
}

/** A mistyped issuer, another release or a database of others must not decide a single intent. */
async function requireOwnDomain({ databaseUrl, issuer }: PreparePlace): Promise<void> {
  const pool = createPool(databaseUrl, { connectionsMax: 1, applicationName: 'spendgate prepare' });
  try {
    await requireDomain(pool, { issuer, rulesVersion: RULES_VERSION });
  } finally {
    await pool.end();
  }
}

async function serve(role: Role, json: boolean): Promise<void> {
  const open = await openRuntime([role], role, requireOwnDomain);
  open.shutdown.listen();
  const url = await serveRoles([role], open, 'check');
  if (json) printJson({ ready: true, role, url });
  else note(`${role} ready on ${url}`);
}

async function serveWitness(json: boolean, untilStdinCloses: boolean): Promise<void> {
  const { url, verifierKey, shutdown } = await runWitness();
  shutdown.listen();
  if (untilStdinCloses) {
    process.stdin.once('close', () => process.exit());
    process.stdin.resume();
  }
  if (json) return printJson({ ready: true, role: WITNESS, url, key: verifierKey });
  note(`witness ready on ${url}`);
  note(`  key  ${verifierKey}`);
}
