import fs from 'node:fs';
import path from 'node:path';
import { ISO_4217 } from '@spendgate/core';
import { type PolicySet, type PolicyVerdict, spendQuestion } from '@spendgate/policy';
import { StartError } from '@spendgate/platform';
import { z } from 'zod';
import { parseYaml } from '../apply/read-domain-file.js';

const spend = z.strictObject({
  agent: z.string().min(1),
  counterparty: z.string().min(1),
  /** Major units, with exactly the currency's digits. */
  amount: z.string(),
  currency: z.string().length(3),
  /** ISO 18245; absent: nobody knows the counterparty. */
  category: z.string().optional(),
  mandate: z.string().default('00000000-0000-8000-8000-000000000000'),
  principal: z.string().default('principal'),
  depth: z.int().min(0).default(0),
  capture_mode: z.enum(['single', 'partial', 'multi']).default('single'),
});

/** `NAME.test.yaml` beside `NAME.cedar`. */
const FIXTURES = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        spend,
        expect: z.enum(['allow', 'deny', 'error']),
        /** Policies the verdict must rest on, in any order; absent: whichever. */
        deciding: z.array(z.string()).optional(),
      }),
    )
    .min(1),
});
type Case = z.output<typeof FIXTURES>['cases'][number];

export interface FixtureResult {
  readonly policy: string;
  readonly name: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
}

/** @throws {StartError} a policy has no fixtures, or they are no fixtures */
export function runFixtures(folder: string, sets: ReadonlyMap<string, PolicySet>): FixtureResult[] {
  return [...sets].flatMap(([id, set]) => {
    const file = path.join(folder, `${id}.test.yaml`);
    if (!fs.existsSync(file)) throw new StartError(`${file} does not exist: policy "${id}" has no test`);
    return readCases(file).map((each) => runCase(id, set, each));
  });
}

function runCase(policy: string, set: PolicySet, { name, spend: asked, expect, deciding }: Case): FixtureResult {
  const { amount: amountText, capture_mode: captureMode, category = null, ...named } = asked;
  const question = spendQuestion({ ...named, amountText, captureMode }, { ...named, category }, ISO_4217);
  const [verdict] = set.evaluate([question]);
  const expected = shown(expect, deciding?.toSorted());
  const got = shown(verdict?.verdict ?? 'error', deciding === undefined ? undefined : verdict?.deciding);
  return { policy, name, expected, got, ok: expected === got };
}

function shown(verdict: PolicyVerdict['verdict'], deciding: readonly string[] | undefined): string {
  return deciding === undefined ? verdict : `${verdict} by ${deciding.join(', ') || 'no policy'}`;
}

function readCases(file: string): readonly Case[] {
  const parsed = FIXTURES.safeParse(parseYaml(file, fs.readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data.cases;
  throw new StartError(
    parsed.error.issues.map((issue) => `${file}: ${issue.path.join('.')}: ${issue.message}`).join('\n'),
  );
}
