import { STATUS, STATUS_SEGMENT_ENTRIES, type Signer, StatusList, signToken, statusListUri } from '@spendgate/artifact';
import { type StatusListClaims, sha256, uuid8 } from '@spendgate/codec';
import { TOPICS, laneName } from '@spendgate/messaging';
import type { Clock } from '@spendgate/platform';
import { type Pool, readStatusEntries } from '@spendgate/store';

/** Seconds a copy may be used (Token Status List §5.1 `ttl`). */
const TTL_SECONDS = 60;
/** A verifier that cannot reach us goes on with a copy for this long. */
const LIFETIME_SECONDS = 3_600;
/** A list is built at most once in this time, so an act is in it within two seconds; ms. */
const FRESH_MS = 1_000;
/** Lists kept; the oldest goes first. */
const LISTS_MAX = 64;

interface Built {
  readonly token: Promise<string | undefined>;
  readonly atMs: number;
}

/** Status lists of the domain's artifacts, one for each segment of each partition, built when someone asks. */
export class StatusLists {
  private readonly built = new Map<string, Built>();

  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock,
    private readonly signer: Signer,
    private readonly domain: { readonly issuer: string; readonly publicUrl: string },
  ) {}

  /** @returns the `statuslist+jwt`, or `undefined` when no artifact can name that list yet */
  read(partition: number, segment: number): Promise<string | undefined> {
    const key = `${partition}/${segment}`;
    const nowMs = this.clock.nowMs();
    const known = this.built.get(key);
    if (known !== undefined && nowMs - known.atMs < FRESH_MS && nowMs >= known.atMs) return known.token;
    const token = this.build(partition, segment, nowMs);
    this.built.delete(key);
    this.built.set(key, { token, atMs: nowMs });
    // Neither a failure nor an absence is kept: the first artifact of a list must be found at once.
    const forget = (): void => void (this.built.get(key)?.token === token && this.built.delete(key));
    token.then((found) => found ?? forget(), forget);
    const [oldest] = this.built.keys();
    if (this.built.size > LISTS_MAX && oldest !== undefined) this.built.delete(oldest);
    return token;
  }

  private async build(partition: number, segment: number, nowMs: number): Promise<string | undefined> {
    const first = segment * STATUS_SEGMENT_ENTRIES;
    const lane = laneName('authorizer', TOPICS.paymentIntents, partition);
    const place = { partition, first, end: first + STATUS_SEGMENT_ENTRIES };
    const entries = await readStatusEntries(this.pool, lane, place);
    if (entries === undefined) return undefined;
    const list = StatusList.ofSize(STATUS_SEGMENT_ENTRIES);
    for (const { idx, status } of entries) list.set(idx - first, status === STATUS.suspended ? 'suspended' : 'revoked');
    const { issuer, publicUrl } = this.domain;
    const iat = Math.floor(nowMs / 1000);
    const sub = statusListUri(publicUrl, { partition, segment });
    const claims: StatusListClaims = {
      iss: issuer,
      aud: issuer,
      iat,
      exp: iat + LIFETIME_SECONDS,
      jti: uuid8(sha256(`${sub} ${nowMs}`)),
      sub,
      ttl: TTL_SECONDS,
      status_list: list.encode(),
    };
    return signToken(this.signer, 'statuslist+jwt', claims);
  }
}
