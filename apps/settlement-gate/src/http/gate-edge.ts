import { type Signer, signCanonical } from '@spendgate/artifact';
import { DependencyError } from '@spendgate/core';
import { type Answer, type Caller, type EdgeRequest, SignedReads, headerOf, problemOf } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import type { GateParts } from '../gate-parts.js';
import type { DoorExpectation, GateDoor } from '../settling/gate-door.js';
import { VerifyArtifact } from '../verify-artifact.js';
import { UNSUPPORTED, outcomeAnswer, refusalAnswer, settlementAnswer } from './answers.js';

export const GATE_EDGE = Symbol('settlement gate edge');
export const RECEIPT_TYP = 'settlement-receipt+jwt';

/** Who may read settlements. */
const READERS = ['agent', 'settlement_service', 'rail'] as const;
export type Reader = Caller<(typeof READERS)[number]>;

/** What the gate's HTTP controllers share. */
export class GateEdge {
  readonly reads: SignedReads<Reader['kind']>;
  readonly verifier: VerifyArtifact;
  private readonly door: GateDoor;
  private readonly signer: Signer;

  constructor(private readonly parts: GateParts) {
    const { registry, clock, domain } = parts.runtime;
    this.door = parts.door;
    this.signer = parts.receiptSigner;
    this.reads = new SignedReads(READERS, registry, clock, domain.publicUrl);
    this.verifier = new VerifyArtifact(parts);
  }

  get pool(): Runtime['pool'] {
    return this.parts.runtime.pool;
  }

  /** Decides the signed object in the body. Never throws: what broke is an answer too. */
  async present(request: EdgeRequest, expected: DoorExpectation): Promise<Answer> {
    if (!isToken(request)) return UNSUPPORTED;
    return this.guarded(async () => {
      const idempotencyKey = headerOf(request, 'idempotency-key');
      const answer = await this.door.present(request.body, { ...expected, idempotencyKey });
      if (answer.kind === 'refused') return refusalAnswer(answer);
      if (answer.kind === 'outcome') return outcomeAnswer(answer);
      return settlementAnswer(answer, await this.receipt(answer.receiptClaims));
    });
  }

  /** Signs stored claims: the same bytes each time. */
  receipt(claims: string): Promise<string> {
    return signCanonical(this.signer, RECEIPT_TYP, claims);
  }

  /** Fail closed: a source that is away denies, and says so without saying more. */
  async guarded(act: () => Promise<Answer>): Promise<Answer> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof DependencyError) {
        const busy = error.code === 'ERR_DOOR_FULL';
        this.parts.runtime.logger.warn(`settlement request not decided: ${error.message}`);
        return busy ? problemOf('rate_limited') : problemOf('trust_unverifiable');
      }
      this.parts.runtime.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return problemOf('internal_denied');
    }
  }
}

/** A body is one signed object, taken as bytes. */
export function isToken(request: EdgeRequest): request is EdgeRequest & { readonly body: Buffer } {
  const type = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/jwt' && Buffer.isBuffer(request.body);
}
