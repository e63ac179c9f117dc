import type { Command } from 'commander';
import { StartError } from '@spendgate/platform';
import { note } from '../output.js';
import { openRuntime } from '../runtime/open-runtime.js';
import { ROLES, ROLE_NAMES, type Role } from '../runtime/roles.js';
import { serveRoles } from '../runtime/serve-roles.js';

/** `spendgate serve ROLE`: one role in this process, on infrastructure that is already set up. */
export function addServe(program: Command): void {
  const roles = ROLE_NAMES.map((role) => `  ${role.padEnd(16)} ${ROLES[role].about}`).join('\n');
  program
    .command('serve')
    .argument('<role>', ROLE_NAMES.join(', '))
    .summary('one role, on Kafka and PostgreSQL')
    .addHelpText(
      'after',
      `\nRoles:\n${roles}\n\nExample:\n  SPENDGATE_ISSUER=https://pay.example spendgate serve authorizer`,
    )
    .action(async (name: string) => {
      const role = ROLE_NAMES.find((each) => each === name);
      if (role === undefined) throw new StartError(`"${name}" is no role; roles: ${ROLE_NAMES.join(', ')}`);
      await serve(role);
    });
}

async function serve(role: Role): Promise<void> {
  const open = await openRuntime([role], role, () => Promise.resolve());
  open.shutdown.listen();
  await open.runtime.transport.ensureTopics('check');
  note(`${role} ready on ${await serveRoles([role], open)}`);
}
