import { type Signer, readPartySigner, signToken } from '@spendgate/artifact';
import { type CountedLimitClaim, type MandateClaim, canonicalize } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { MandateDeclaration, StandingMandate } from '@spendgate/store';
import type { CountedEntry, MandateEntry } from './domain-file.js';

const TOKEN_LIFETIME_SECONDS = 86_400;
/** 2100-01-01T00:00:00Z: a mandate without an end is ended by revoking it. */
const NO_END_SECONDS = 4_102_444_800;

/** New and changed mandates of one change, which is one transaction; on a domain that decides, everything waits for it. */
const CHANGED_MAX = { before: 100_000, deciding: 20_000 };

/** Where and when mandates are declared. */
interface Declaring {
  /** Folder of the principals' keys. */
  readonly keyFolder: string;
  readonly issuer: string;
  readonly nowSeconds: number;
  /** Whether the domain has decided on an intent. */
  readonly isDeciding: boolean;
}

/**
 * Signs each declared mandate with its principal's key from the key folder. One that says what is recorded already keeps
 * its version and its bytes of old; another content is the next version.
 *
 * @throws {StartError} a parent that is neither declared nor recorded, a principal whose key is not in the folder, more
 *   new and changed mandates than one change takes
 */
export async function declareMandates(
  entries: readonly MandateEntry[],
  standing: readonly StandingMandate[],
  { keyFolder, issuer, nowSeconds, isDeciding }: Declaring,
): Promise<MandateDeclaration[]> {
  const known = new Map(standing.map((mandate) => [mandate.id, mandate]));
  const declared = new Map(entries.map((entry) => [entry.id, entry]));
  const signers = new Map<string, Signer>();
  for (const principal of new Set(entries.map((entry) => entry.principal))) {
    const signer = await readPartySigner(keyFolder, principal, 'principal');
    if (signer === undefined) throw new StartError(`${keyFolder} holds no key of principal ${principal}`);
    signers.set(principal, signer);
  }
  const changed = entries.flatMap((entry) => {
    const claim = claimOf(entry, declared, known);
    const before = known.get(entry.id);
    const same = before !== undefined && canonicalize({ ...claim, version: before.version }) === before.claims;
    return same ? [] : [{ ...claim, version: (before?.version ?? 0) + 1 }];
  });
  checkNumber(changed.length, isDeciding);
  return Promise.all(
    changed.map(async (claim) => {
      const iat = nowSeconds;
      const times = { iat, exp: iat + TOKEN_LIFETIME_SECONDS };
      const jti = `${claim.id}:${claim.version}`;
      const claims = { iss: claim.principal, aud: issuer, ...times, jti, mandate: claim };
      const signer = signers.get(claim.principal) as Signer; // as: one was read for every principal above
      return { claim, token: await signToken(signer, 'mandate+jwt', claims) };
    }),
  );
}

function checkNumber(changed: number, isDeciding: boolean): void {
  const most = isDeciding ? CHANGED_MAX.deciding : CHANGED_MAX.before;
  if (changed <= most) return;
  const why = isDeciding ? ', because this domain decides nothing while it is applied' : '';
  throw new StartError(
    `${changed} mandates are new or changed, and one apply takes at most ${most}${why}: ` +
      'apply the file in parts, parents first; what is recorded already does not count',
  );
}

/**
 * What an entry says as a claim, its version aside. What it leaves out it has from its parent, written out: a signed
 * child says itself how wide it is, also when the parent is widened later. Counted limits it has none of its own then: its
 * spends count against its parent's.
 */
function claimOf(
  entry: MandateEntry,
  declared: ReadonlyMap<string, MandateEntry>,
  known: ReadonlyMap<string, StandingMandate>,
  under: readonly string[] = [],
): MandateClaim {
  if (under.includes(entry.id)) throw new StartError(`mandate ${entry.name} is its own ancestor`);
  const parent = entry.parent === undefined ? null : parentOf(entry, entry.parent, declared, known, under);
  return {
    id: entry.id,
    version: 0,
    parent: entry.parent ?? null,
    principal: entry.principal,
    agent: entry.agent ?? null,
    limits: {
      currency: entry.currency,
      total: entry.total,
      per_transaction: entry.per_transaction ?? parent?.limits.per_transaction ?? null,
      ...(entry.counted === undefined ? {} : { counted: entry.counted.map(countedOf) }),
    },
    counterparties: entry.counterparties ?? parent?.counterparties ?? null,
    ...listsOf(entry, parent),
    validity: {
      from: entry.valid_from === undefined ? (parent?.validity.from ?? 0) : seconds(entry.valid_from),
      until: entry.valid_until === undefined ? (parent?.validity.until ?? NO_END_SECONDS) : seconds(entry.valid_until),
    },
    policy: { id: entry.policy ?? parent?.policy.id ?? 'default' },
    environment: entry.environment ?? parent?.environment ?? null,
    approvals: approvalsOf(entry, parent),
    ...(entry.spending === undefined ? {} : { spending: entry.spending }),
    // Not from its parent: how far agents may hand on is said at each level, or not at all.
    delegation: entry.delegation ?? null,
    park_seconds: entry.park_seconds ?? parent?.park_seconds ?? null,
    depth: parent === null ? 0 : parent.depth + 1,
  };
}

/** Each bound by itself: who lowers the first still has two people above the parent's second. */
function approvalsOf({ approvals }: MandateEntry, parent: MandateClaim | null): MandateClaim['approvals'] {
  if (approvals === undefined) return parent?.approvals ?? null;
  const { above, two_above: twoAbove = parent?.approvals?.two_above } = approvals;
  return twoAbove === undefined ? { above } : { above, two_above: twoAbove };
}

const LISTS = ['blocked_counterparties', 'categories', 'blocked_categories'] as const;

/** Lists are left out of a claim where they ask for nothing. */
function listsOf(entry: MandateEntry, parent: MandateClaim | null): Pick<MandateClaim, (typeof LISTS)[number]> {
  const lists = LISTS.map((name) => [name, entry[name] ?? parent?.[name]] as const);
  return Object.fromEntries(lists.filter(([, list]) => list !== undefined));
}

function countedOf({ window, counterparty, category, amount, count }: CountedEntry): CountedLimitClaim {
  return {
    window: window ?? null,
    counterparty: counterparty ?? null,
    category: category ?? null,
    amount: amount ?? null,
    count: count ?? null,
  };
}

/** A mandate's parent as declared in the file, or as recorded where the file ends. */
function parentOf(
  entry: MandateEntry,
  id: string,
  declared: ReadonlyMap<string, MandateEntry>,
  known: ReadonlyMap<string, StandingMandate>,
  under: readonly string[],
): MandateClaim {
  const parent = declared.get(id);
  if (parent !== undefined) return claimOf(parent, declared, known, [...under, entry.id]);
  const recorded = known.get(id);
  if (recorded === undefined) throw new StartError(`mandate ${entry.name}: no mandate ${id} to be its parent`);
  return JSON.parse(recorded.claims) as MandateClaim; // as: our own column, written from a checked claim
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
