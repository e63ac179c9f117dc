import { verifyHttpSignature } from '@spendgate/artifact';
import { type Clock, Turnstile } from '@spendgate/platform';
import type { PartyKind, Registry } from '@spendgate/store';
import { type EdgeRequest, headerOf } from './edge.js';
import { type Answer, problemOf } from './problem.js';

/** Who reads: what they may see follows from it. */
export interface Caller<Kind extends PartyKind = PartyKind> {
  readonly kind: Kind;
  readonly id: string;
}

type CallerResult<Kind extends PartyKind> =
  { readonly ok: true; readonly caller: Caller<Kind> } | { readonly ok: false; readonly answer: Answer };

const KEYID = /;\s*keyid="([A-Za-z0-9_-]{1,128})"/;

/** Until its signature is verified a caller is nobody: all of them share this many database connections. */
const UNIDENTIFIED = { atOnceMax: 4, waitingMax: 200 };

/** Reads carry an RFC 9421 signature by the caller's registered key: no bearer token can be stolen and read with. */
export class SignedReads<Kind extends PartyKind> {
  private readonly turnstile = new Turnstile(UNIDENTIFIED);

  /**
   * @param readers kinds of parties that may read here; a key of another kind is unknown
   * @param publicUrl what clients address, no slash at the end: the target URI is built from it, never from Host
   */
  constructor(
    private readonly readers: readonly Kind[],
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly publicUrl: string,
  ) {}

  /** Who reads, or the problem to answer with. */
  async verify(request: EdgeRequest): Promise<CallerResult<Kind>> {
    const result = this.turnstile.run(() => this.identify(request));
    return result ?? { ok: false, answer: problemOf('rate_limited') };
  }

  private async identify(request: EdgeRequest): Promise<CallerResult<Kind>> {
    const input = headerOf(request, 'signature-input');
    const signature = headerOf(request, 'signature');
    const kid = KEYID.exec(input ?? '')?.[1];
    // Of the present control epoch: a key revoked a moment ago reads nothing any more.
    const facts = await this.registry.now(kid === undefined ? {} : { kids: [kid] });
    const verdict = await verifyHttpSignature(
      { method: request.method, targetUri: `${this.publicUrl}${request.url}` },
      {
        ...(input === undefined ? {} : { 'signature-input': input }),
        ...(signature === undefined ? {} : { signature }),
      },
      { keys: (id) => facts.key(id), atMs: this.clock.nowMs() },
    );
    if (!verdict.ok) return { ok: false, answer: problemOf(verdict.code) };
    const key = facts.key(verdict.key.kid);
    const kind = key === undefined ? undefined : this.readers.find((each) => each === key.partyKind);
    if (key === undefined || kind === undefined) return { ok: false, answer: problemOf('key_unknown') };
    if (key.continuity === 'broken') return { ok: false, answer: problemOf('identity_discontinuity') };
    const party = (await this.registry.at({ parties: [{ kind, id: key.party }] })).party(kind, key.party);
    if (party?.state !== 'active') return { ok: false, answer: problemOf('key_retired') };
    return { ok: true, caller: { kind, id: key.party } };
  }
}
