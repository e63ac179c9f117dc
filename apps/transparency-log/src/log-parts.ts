import { randomUUID } from 'node:crypto';
import { logOrigin } from '@spendgate/audit-log';
import { SignedReads } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import { type SettingValues, StartError, Turnstile } from '@spendgate/platform';
import { type Bundles, createBundles } from './bundles/bundles.js';
import { DomainHistory } from './history/domain-history.js';
import type { Histories } from './history/history.controller.js';
import { DomainDocuments } from './http/domain-documents.js';
import { PublicLog } from './http/public-log.js';
import { StatusLists } from './http/status-lists.js';
import type { Lineages } from './lineage/lineage.controller.js';
import { LogLoop } from './log-loop.js';
import type { LOG_SETTINGS } from './log.settings.js';
import { noteKeyOf, requireSigner } from './signing/note-key.js';
import { PublishCheckpoints } from './signing/publish-checkpoints.js';
import { PublishControl } from './signing/publish-control.js';
import { Witnesses, readWitnesses } from './signing/witnesses.js';

/** Each is a dozen statements: few at once, so that nothing else waits for connections. */
const LINEAGES_AT_ONCE = { atOnceMax: 2, waitingMax: 64 };

/** Each may go over the whole log, and goes on where the one before ended. */
const HISTORIES_AT_ONCE = { atOnceMax: 1, waitingMax: 16 };

/** What the role is made of, wired by hand: Nest only carries it to the controllers. */
export interface LogParts {
  readonly loop: LogLoop;
  readonly control: PublishControl;
  readonly log: PublicLog;
  readonly documents: DomainDocuments;
  readonly lists: StatusLists;
  readonly bundles: Bundles;
  readonly lineages: Lineages;
  readonly histories: Histories;
  readonly witnesses: Witnesses;
  readonly lateMs: number;
}

/** @throws {InvariantError} `ERR_KEY_MISSING`: the checkpoint, the status or the control key was not handed in */
export function createLogParts(runtime: Runtime): LogParts {
  const { pool, clock, logger, metrics, transport, domain, keys } = runtime;
  // as: the runtime's settings were read with this role's table among others
  const settings = runtime.settings as SettingValues<typeof LOG_SETTINGS>;
  const origin = logOrigin(domain.issuer);
  const named = { origin, issuer: domain.issuer };
  const publish = new PublishCheckpoints(transport, clock, logger, named, settings.SPENDGATE_CHECKPOINT_PUBLISH);
  const identity = { ...named, signer: requireSigner(keys.checkpoint, 'checkpoint'), owner: `log-${randomUUID()}` };
  const witnesses = createWitnesses(runtime, settings);
  const loop = new LogLoop(pool, logger, metrics, identity, publish, witnesses, {
    paceMs: settings.SPENDGATE_LOG_PACE,
    idleMs: settings.SPENDGATE_LOG_IDLE,
    leaseMs: settings.SPENDGATE_LOG_LEASE,
    batchMax: settings.SPENDGATE_LOG_BATCH,
  });
  const control = { issuer: domain.issuer, signer: requireSigner(keys.control, 'control') };
  const lists = new StatusLists(pool, clock, requireSigner(keys.status, 'status'), domain);
  return {
    loop,
    control: new PublishControl(pool, transport, logger, control, () => loop.report().role === 'active'),
    log: new PublicLog(pool),
    documents: new DomainDocuments(pool, domain.issuer, domain.publicUrl),
    lists,
    witnesses,
    bundles: createBundles(runtime, lists, witnesses.places),
    lineages: {
      pool,
      reads: new SignedReads(['person'], runtime.registry, clock, domain.publicUrl),
      turnstile: new Turnstile(LINEAGES_AT_ONCE),
    },
    histories: {
      issuer: domain.issuer,
      pool,
      history: new DomainHistory(pool, noteKeyOf(origin, identity.signer.jwk)),
      signer: control.signer,
      reads: new SignedReads(['person'], runtime.registry, clock, domain.publicUrl),
      turnstile: new Turnstile(HISTORIES_AT_ONCE),
      clock,
      logger,
    },
    lateMs: settings.SPENDGATE_LOG_LATE,
  };
}

/** @throws {StartError} more cosignatures are asked for than there are witnesses */
function createWitnesses({ pool, logger }: Runtime, settings: SettingValues<typeof LOG_SETTINGS>): Witnesses {
  const places = readWitnesses(settings.SPENDGATE_WITNESSES);
  const quorum = places.length === 0 ? 0 : settings.SPENDGATE_WITNESS_QUORUM;
  if (quorum > places.length)
    throw new StartError(`SPENDGATE_WITNESS_QUORUM: there are only ${places.length} witnesses`);
  return new Witnesses(pool, logger, places, { quorum, leadMs: settings.SPENDGATE_WITNESS_LEAD });
}
