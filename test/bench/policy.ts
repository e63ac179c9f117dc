import { DEFAULT_SCHEMA, type PolicyRequest, PolicySet } from '@spendgate/policy';
import type { BenchOptions, BenchResult } from './bench.js';
import { alternate, median, ratioOfMedians } from './statistics.js';

const AGENTS = 1_000;
const COUNTERPARTIES = 100;
const MANY = 10_000;
/** Ten policies for everybody; the rest are about one agent at one counterparty each, as people write them. */
const GENERAL = [
  'permit (principal, action == Action::"spend", resource);',
  ...['4829', '6010', '6011', '6012', '6051', '6211', '7995'].map(
    (category) =>
      `forbid (principal, action == Action::"spend", resource) when { context has category && context.category == "${category}" };`,
  ),
  'forbid (principal, action == Action::"spend", resource) when { context.depth > 8 };',
  'forbid (principal, action == Action::"spend", resource) when { context.amount_minor > 100000 };',
];

/** Benchmark 5: a policy decision under 10,000 policies, as a ratio to the rate under ten. One thread, no services. */
export async function policy({ count, pairs }: BenchOptions): Promise<BenchResult> {
  const [few, many] = [load(GENERAL.length), load(MANY)];
  const requests = Array.from({ length: count }, (_, at) => request(at));
  const run = (set: PolicySet) => (): Promise<number> => {
    const startedMs = performance.now();
    const verdicts = set.evaluate(requests);
    const seconds = (performance.now() - startedMs) / 1000;
    if (verdicts.some(({ verdict }) => verdict === 'error')) throw new Error('a policy of the benchmark errs');
    return Promise.resolve(count / seconds);
  };
  // The first run of each fills what a process remembers; it is what a restart costs, and is not counted.
  await run(few)();
  await run(many)();
  const [rates, references] = await alternate(pairs, run(many), run(few));
  const { ratio, min, max } = ratioOfMedians(rates, references);
  const rate = median(rates);
  return { name: 'policy', rate, ratio, ratio_min: min, ratio_max: max, cpu_us: 1_000_000 / rate };
}

function load(size: number): PolicySet {
  const own = Array.from({ length: size - GENERAL.length }, (_, at) => {
    const [agent, counterparty] = [at % AGENTS, Math.floor(at / AGENTS) * 7];
    const scope = `principal == Agent::"agent-${agent}", action == Action::"spend", resource == Counterparty::"c-${counterparty % COUNTERPARTIES}"`;
    return `forbid (${scope}) when { context.amount_minor > ${50_000 + at} };`;
  });
  const policyText = [...GENERAL, ...own].map((text, at) => `@id("p${at}")\n${text}`).join('\n');
  return PolicySet.load({ policyId: 'bench', version: 1, policyText, schemaText: DEFAULT_SCHEMA });
}

/** Amounts differ from request to request, agents and counterparties come round in an order of their own. */
function request(at: number): PolicyRequest {
  const agent = (at * 7) % AGENTS;
  return {
    principal: `agent-${agent}`,
    action: 'spend',
    resource: `c-${(at * 13) % COUNTERPARTIES}`,
    context: {
      amount_minor: 1 + ((at * 7919) % 120_000),
      currency: 'USD',
      category: ['5732', '5735', '7995', '5411'][at % 4] ?? '5732',
      mandate: `mandate-${agent}`,
      principal: 'acme',
      depth: at % 3,
      capture_mode: 'single',
    },
  };
}
