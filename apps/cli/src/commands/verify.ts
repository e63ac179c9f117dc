import type { Command } from 'commander';
import { describeVerb } from '../verb.js';
import { addVerifyArtifact } from './verify-artifact.js';
import { addVerifyBundle } from './verify-bundle.js';
import { addVerifyDatabase } from './verify-database.js';
import { addVerifyJws } from './verify-jws.js';
import { addVerifyLog } from './verify-log.js';
import { addVerifyConsistency, addVerifyInclusion } from './verify-proof.js';

/** `spendgate verify …`: checks that trust neither a service nor a database, only what is handed in. */
export function addVerify(program: Command): void {
  const verify = describeVerb(program.command('verify'), {
    group: 'verify',
    summary: 'check artifacts, bundles, logs, signatures and proofs',
    example: 'spendgate verify artifact artifact.jwt --keys jwks.json',
    exits: '2 not valid',
  });
  addVerifyArtifact(verify);
  addVerifyBundle(verify);
  addVerifyLog(verify);
  addVerifyDatabase(verify);
  addVerifyJws(verify);
  addVerifyInclusion(verify);
  addVerifyConsistency(verify);
}
