import type { DomainKeyPurpose, Signer } from '@spendgate/artifact';
import type { Clock, HealthRegistry, Logger, Metrics, SettingValues } from '@spendgate/platform';
import type { Pool, Registry } from '@spendgate/store';
import type { EventTransport } from './event-transport.js';

/** The domain's own signing keys; a role is given only those it signs with. */
export type DomainKeys = Readonly<Partial<Record<DomainKeyPurpose, Signer>>>;

/** Names under which a process speaks for its domain. */
export interface RuntimeDomain {
  readonly issuer: string;
  /** Where clients reach this process, without a slash at the end. */
  readonly publicUrl: string;
}

/** What a role is started with: built once by the command line (`up`, `serve ROLE`), handed to the role's Nest module. */
export interface Runtime<S = SettingValues> {
  readonly settings: S;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: Pool;
  readonly transport: EventTransport;
  readonly keys: DomainKeys;
  readonly registry: Registry;
  readonly health: HealthRegistry;
  readonly metrics: Metrics;
  readonly domain: RuntimeDomain;
}
