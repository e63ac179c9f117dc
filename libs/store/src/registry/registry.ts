import { DependencyError } from '@spendgate/core';
import { readControlEpoch } from '../control-lock.js';
import type { Pool } from '../pool.js';
import type { Transaction } from '../statement.js';
import { guarded, inTransaction } from '../transaction.js';
import type {
  ActivePolicy,
  PartyFacts,
  RegisteredCounterparty,
  RegisteredKey,
  RegistryFacts,
  RegistryNeeds,
} from './facts.js';
import { loadKeys } from './key-rows.js';
import { loadCounterparties, loadHalts, loadMandates, loadParties, loadPolicies } from './load-facts.js';
import type { RegisteredMandate } from './mandate-row.js';
import { Recent } from './recent.js';

/** Per kind. A mandate is about 1 KB. */
const ENTRIES_MAX = 20_000;
/** Control acts that may come between while one batch's facts are loaded. */
const ATTEMPTS_MAX = 10;

/** A control act committed since the facts were read: roll back, load again, decide again. */
export class RegistryMoved extends DependencyError {
  constructor(from: bigint, to: bigint) {
    super('ERR_REGISTRY_MOVED', `control epoch ${to}, facts of ${from}`);
  }
}

/** Facts in hand, by kind; what is wanted and not in here is to be loaded. */
interface Found {
  readonly keys: Map<string, RegisteredKey>;
  readonly parties: Map<string, PartyFacts>;
  readonly counterparties: Map<string, RegisteredCounterparty>;
  readonly mandates: Map<string, RegisteredMandate | 'unknown'>;
}

/** The policies in force and the halts that stand at one control epoch; never one without the other. */
interface Standing {
  readonly epoch: bigint;
  readonly policies: ReadonlyMap<string, ActivePolicy>;
  readonly halts: ReadonlySet<string>;
}

/**
 * Facts no lock guards: who exists, with which keys, mandates and policies. Cached per control epoch.
 *
 * The cache can never turn a deny into an allow: the deciding transaction reads the epoch after its locks (`check`),
 * and every act that changes a fact raises it before it returns. Loads overlap and may arrive in any order: one that is
 * older than an epoch already seen is thrown away, or its facts would pass as those of the newer epoch.
 */
export class Registry {
  private standing: Standing | null = null;
  /** The highest epoch any load or check has met; the cache never goes back behind it. */
  private highest = -1n;
  private readonly keys = new Recent<RegisteredKey>(ENTRIES_MAX);
  private readonly parties = new Recent<PartyFacts>(ENTRIES_MAX);
  private readonly counterparties = new Recent<RegisteredCounterparty>(ENTRIES_MAX);
  private readonly mandates = new Recent<RegisteredMandate | 'unknown'>(ENTRIES_MAX);

  constructor(private readonly pool: Pool) {}

  /**
   * All facts a batch needs, of one epoch: at most seven statements whatever its size, none when all are cached.
   *
   * @throws {DependencyError} `ERR_NO_DOMAIN`, `ERR_REGISTRY_MOVED` when control acts come faster than loading
   */
  async at(needs: RegistryNeeds): Promise<RegistryFacts> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { standing } = this;
      const found = this.cached(needs);
      const missing = missingOf(needs, found);
      if (standing !== null && missing === null) return factsOf(standing, found);
      const loaded = await this.load(missing ?? {}, standing?.epoch ?? null);
      this.accept(loaded);
      if (loaded.epoch !== standing?.epoch) continue; // what was found is of another epoch: begin again
      return factsOf(standing, merge(found, loaded));
    }
    throw new RegistryMoved(this.highest, this.highest + 1n);
  }

  /**
   * The same of the epoch that stands when this is asked: for answers that no deciding transaction checks. What a
   * control act that has returned took away is not found here.
   *
   * @throws {DependencyError} as `at`, and when the database cannot be reached
   */
  async now(needs: RegistryNeeds): Promise<RegistryFacts> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const facts = await this.at(needs);
      const epoch = await guarded(() => readControlEpoch(this.pool));
      if (epoch === facts.epoch) return facts;
      this.moveTo(epoch);
    }
    throw new RegistryMoved(this.highest, this.highest + 1n);
  }

  /**
   * Called in the deciding transaction, after its locks.
   *
   * @throws {RegistryMoved} the facts are of another epoch; the transaction must roll back
   */
  async check(tx: Transaction, facts: RegistryFacts): Promise<void> {
    this.checkEpoch(facts, await readControlEpoch(tx));
  }

  /** The same, when the caller read `domain.control_epoch` with its own statement after the locks. */
  checkEpoch(facts: RegistryFacts, epoch: bigint): void {
    if (epoch === facts.epoch) return;
    this.moveTo(epoch);
    throw new RegistryMoved(facts.epoch, epoch);
  }

  /** Drops everything cached. */
  forget(): void {
    this.standing = null;
    for (const cache of [this.keys, this.parties, this.counterparties, this.mandates]) cache.clear();
  }

  private moveTo(epoch: bigint): void {
    if (epoch > this.highest) this.highest = epoch;
    if (this.standing !== null && this.standing.epoch < epoch) this.forget(); // else somebody has loaded it meanwhile
  }

  /** Keeps what was loaded, unless it is of an epoch left behind or cannot stand without policies nobody has. */
  private accept(loaded: Loaded): void {
    const { epoch, policies, halts } = loaded;
    if (epoch < this.highest) return;
    if (this.standing?.epoch !== epoch) {
      if (policies === null) return; // asked for none, and the epoch was forgotten meanwhile
      this.forget();
      this.standing = { epoch, policies: new Map(policies.map((each) => [each.policyId, each])), halts };
      this.highest = epoch;
    }
    this.keep(loaded);
  }

  private cached(needs: RegistryNeeds): Found {
    const refs = (needs.parties ?? []).map((ref) => `${ref.kind}/${ref.id}`);
    return {
      keys: pick(this.keys, needs.kids ?? []),
      parties: pick(this.parties, refs),
      counterparties: pick(this.counterparties, needs.counterparties ?? []),
      mandates: this.cachedMandates(needs.mandates ?? []),
    };
  }

  /** A mandate counts as cached only with its whole chain. */
  private cachedMandates(ids: readonly string[]): Map<string, RegisteredMandate | 'unknown'> {
    const found = new Map<string, RegisteredMandate | 'unknown'>();
    for (const id of ids) {
      const mandate = this.mandates.get(id);
      if (mandate === undefined) continue;
      const chain = mandate === 'unknown' ? [id] : mandate.path;
      const levels = chain.map((each) => [each, this.mandates.get(each)] as const);
      if (levels.some(([, level]) => level === undefined)) continue;
      for (const [each, level] of levels) if (level !== undefined) found.set(each, level);
    }
    return found;
  }

  /** One snapshot: the epoch and the rows of the same instant. Policies come along when the epoch is a new one. */
  private load(missing: RegistryNeeds, known: bigint | null): Promise<Loaded> {
    return inTransaction(this.pool, async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const epoch = await readControlEpoch(tx);
      const { kids, parties, counterparties, mandates } = missing;
      return {
        epoch,
        policies: epoch === known ? null : await loadPolicies(tx),
        halts: new Set(epoch === known ? [] : await loadHalts(tx)),
        keys: kids === undefined ? [] : await loadKeys(tx, kids),
        parties: parties === undefined ? [] : await loadParties(tx, parties),
        counterparties: counterparties === undefined ? [] : await loadCounterparties(tx, counterparties),
        mandates: mandates === undefined ? new Map() : await loadMandates(tx, mandates),
      };
    });
  }

  private keep(loaded: Loaded): void {
    for (const key of loaded.keys) this.keys.set(key.kid, key);
    for (const party of loaded.parties) this.parties.set(`${party.kind}/${party.id}`, party);
    for (const each of loaded.counterparties) this.counterparties.set(each.id, each);
    for (const [id, mandate] of loaded.mandates) this.mandates.set(id, mandate);
  }
}

interface Loaded {
  readonly epoch: bigint;
  readonly policies: readonly ActivePolicy[] | null;
  /** With the policies, and empty without them. */
  readonly halts: ReadonlySet<string>;
  readonly keys: readonly RegisteredKey[];
  readonly parties: readonly PartyFacts[];
  readonly counterparties: readonly RegisteredCounterparty[];
  readonly mandates: ReadonlyMap<string, RegisteredMandate | 'unknown'>;
}

function pick<V>(cache: Recent<V>, keys: readonly string[]): Map<string, V> {
  const found = new Map<string, V>();
  for (const key of keys) {
    const value = cache.get(key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}

/** What still has to be loaded, each id once; `null` when nothing. */
function missingOf(needs: RegistryNeeds, found: Found): RegistryNeeds | null {
  const missing = {
    kids: absent(needs.kids, found.keys),
    counterparties: absent(needs.counterparties, found.counterparties),
    mandates: absent(needs.mandates, found.mandates),
  };
  const refs = new Map((needs.parties ?? []).map((ref) => [`${ref.kind}/${ref.id}`, ref]));
  const parties = [...refs].filter(([name]) => !found.parties.has(name)).map(([, ref]) => ref);
  const wanted = Object.entries(missing).filter(([, ids]) => ids.length > 0);
  if (wanted.length === 0 && parties.length === 0) return null;
  return { ...Object.fromEntries(wanted), ...(parties.length === 0 ? {} : { parties }) };
}

function absent(ids: readonly string[] | undefined, found: ReadonlyMap<string, unknown>): string[] {
  return [...new Set(ids)].filter((id) => !found.has(id));
}

function merge(found: Found, loaded: Loaded): Found {
  for (const key of loaded.keys) found.keys.set(key.kid, key);
  for (const party of loaded.parties) found.parties.set(`${party.kind}/${party.id}`, party);
  for (const each of loaded.counterparties) found.counterparties.set(each.id, each);
  for (const [id, mandate] of loaded.mandates) found.mandates.set(id, mandate);
  return found;
}

function factsOf({ epoch, policies, halts }: Standing, found: Found): RegistryFacts {
  return {
    epoch,
    key: (kid) => found.keys.get(kid),
    party: (kind, id) => found.parties.get(`${kind}/${id}`),
    counterparty: (id) => found.counterparties.get(id),
    chain: (id) => chainOf(found.mandates, id),
    policy: (id) => policies.get(id),
    isHalted: (scope, id) => halts.has(`${scope} ${id}`),
  };
}

function chainOf(mandates: Found['mandates'], id: string): readonly RegisteredMandate[] | 'absent' | 'unknown' {
  const mandate = mandates.get(id);
  if (mandate === undefined) return 'absent';
  if (mandate === 'unknown') return 'unknown';
  const chain: RegisteredMandate[] = [];
  for (const each of mandate.path) {
    const level = mandates.get(each);
    if (level === 'unknown') return 'unknown';
    if (level !== undefined) chain.push(level); // one that is gone leaves a gap, and a gap has a name of its own
  }
  return chain;
}
