import { verifyHttpSignature } from '@spendgate/artifact';
import { type Clock, Turnstile } from '@spendgate/platform';
import type { RegisteredKey, Registry } from '@spendgate/store';
import { type EdgeRequest, headerOf } from './edge.js';
import { type Answer, problemOf } from './problem.js';

/** Who reads: what they may see follows from it. */
export interface Caller {
  readonly kind: 'agent' | 'settlement_service';
  readonly id: string;
}

export type CallerResult =
  { readonly ok: true; readonly caller: Caller } | { readonly ok: false; readonly answer: Answer };

const KEYID = /;\s*keyid="([A-Za-z0-9_-]{1,128})"/;

/** Until its signature is verified a caller is nobody: all of them share this many database connections. */
const UNIDENTIFIED = { atOnceMax: 4, waitingMax: 200 };

/** Reads carry an RFC 9421 signature by the caller's registered key: no bearer token can be stolen and read with. */
export class SignedReads {
  private readonly turnstile = new Turnstile(UNIDENTIFIED);

  /** @param publicUrl what clients address, without a slash at the end: the target URI is built from it, never from Host */
  constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
    private readonly publicUrl: string,
  ) {}

  /** Who reads, or the problem to answer with. */
  async verify(request: EdgeRequest): Promise<CallerResult> {
    const result = this.turnstile.run(() => this.identify(request));
    return result ?? { ok: false, answer: problemOf('rate_limited') };
  }

  private async identify(request: EdgeRequest): Promise<CallerResult> {
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
    return this.callerOf(facts.key(verdict.key.kid));
  }

  private async callerOf(key: RegisteredKey | undefined): Promise<CallerResult> {
    if (key === undefined || (key.partyKind !== 'agent' && key.partyKind !== 'settlement_service')) {
      return { ok: false, answer: problemOf('key_unknown') };
    }
    const { partyKind: kind, party: id } = key;
    const facts = await this.registry.at({ parties: [{ kind, id }] });
    if (facts.party(kind, id)?.state !== 'active') return { ok: false, answer: problemOf('key_retired') };
    return { ok: true, caller: { kind, id } };
  }
}
