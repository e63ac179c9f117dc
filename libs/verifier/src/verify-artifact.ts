import { DENIALS } from '@spendgate/core';
import { ARTIFACT_CHECKS } from './artifact-checks.js';
import type { CheckOutcome } from './artifact-checks.js';
import { CHECK_NAMES } from './artifact-report.js';
import type { ArtifactReport, ArtifactVerification, CheckName } from './artifact-report.js';
import { readArtifact } from './read-artifact.js';

/**
 * Verifies an artifact with nothing but keys: no service, no database, no network (B13). Every check is reported,
 * also after one has failed. Never throws for what an attacker can put into its arguments.
 */
export async function verifyArtifact(given: ArtifactVerification): Promise<ArtifactReport> {
  const read = await readArtifact(given);
  const outcomes: [CheckName, CheckOutcome][] = [];
  for (const name of CHECK_NAMES) {
    outcomes.push([name, await ARTIFACT_CHECKS[name](read, given)]);
  }
  const codes = new Set(outcomes.flatMap(([, outcome]) => (outcome.ok ? [] : [outcome.code])));
  return {
    valid: codes.size === 0,
    code: DENIALS.find(({ code }) => codes.has(code))?.code ?? null,
    checks: outcomes.map(([name, outcome]) => ({
      name,
      ok: outcome.ok,
      detail: outcome.ok ? outcome.detail : `${outcome.code}: ${outcome.detail}`,
    })),
  };
}
