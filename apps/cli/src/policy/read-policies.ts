import fs from 'node:fs';
import path from 'node:path';
import { DEFAULT_SCHEMA, PolicyLoadError, PolicySet } from '@spendgate/policy';
import { StartError } from '@spendgate/platform';

const SUFFIX = '.cedar';

/**
 * Loads each `ID.cedar` of a folder, as activating it would.
 *
 * @returns by policy id
 * @throws {StartError} there is none, or one does not load
 */
export function readPolicies(folder: string): ReadonlyMap<string, PolicySet> {
  const files = fs.readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
  if (files.length === 0) throw new StartError(`${folder} holds no policy: a file ID.cedar for the policy set ID`);
  return new Map(files.sort().map((name) => [name.slice(0, -SUFFIX.length), readPolicy(path.join(folder, name))]));
}

function readPolicy(file: string): PolicySet {
  const policyText = fs.readFileSync(file, 'utf8');
  try {
    return PolicySet.load({
      policyId: path.basename(file, SUFFIX),
      version: 0,
      policyText,
      schemaText: DEFAULT_SCHEMA,
    });
  } catch (error) {
    if (!(error instanceof PolicyLoadError)) throw error;
    throw new StartError([`${file} does not load:`, ...error.problems].join('\n  '), { cause: error });
  }
}
