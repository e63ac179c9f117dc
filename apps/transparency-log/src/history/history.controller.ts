import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { type Signer, signToken } from '@spendgate/artifact';
import { type EdgeReply, type EdgeRequest, NOT_FOUND, type SignedReads, problemOf, send } from '@spendgate/http-edge';
import type { Clock, Logger, Turnstile } from '@spendgate/platform';
import { type Pool, readFlowTrust } from '@spendgate/store';
import { CACHE, sendJson, sendProblem } from '../http/answers.js';
import { timeOf } from '../http/time-of.js';
import { attestationClaims } from './attest.js';
import type { DomainHistory } from './domain-history.js';
import { AlteredLog, type LogFold, type Subject } from './log-fold.js';
import { pastTrust } from './past-trust.js';
import { HISTORY_KINDS } from './subjects.js';

export const HISTORIES = Symbol('histories');

/** What the controller works with. For people: a state names every mandate, flow and key of the domain. */
export interface Histories {
  readonly issuer: string;
  readonly pool: Pool;
  readonly history: DomainHistory;
  /** Of purpose `control`. */
  readonly signer: Signer;
  readonly reads: SignedReads<'person'>;
  /** One at a time: a question goes over the log. */
  readonly turnstile: Turnstile;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The domain as of now or of a past time, by its leaves alone, with proof. */
@Controller('v1')
export class HistoryController {
  constructor(@Inject(HISTORIES) private readonly histories: Histories) {}

  /** The domain's signed word on what it was (D33): equal leaves, equal bytes. */
  @Get('attestation')
  attestation(@Query('at') at: unknown, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const { issuer, signer, history } = this.histories;
    return this.answer(request, reply, at, async (fold) => {
      const claims = attestationClaims(issuer, fold);
      const last = await history.prove([fold.lastHash], fold.size);
      const attestation = await signToken(signer, 'domain-attestation+jwt', claims);
      const [{ index, leaf, proof } = { index: 0, leaf: '', proof: [] }] = last;
      const last_leaf = { leaf_index: index, leaf_hash: fold.lastHash, leaf, proof };
      return { attestation, last_leaf, consistency_url: consistencyUrl(fold) };
    });
  }

  /** One thing as the leaves left it, with each of the leaves that say so. */
  @Get('history/:kind/:id')
  subject(
    @Param('kind') kindText: string,
    @Param('id') id: string,
    @Query('at') at: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    return this.answer(request, reply, at, async (fold) => {
      const kind = HISTORY_KINDS.find((each) => each === kindText);
      const found = kind === undefined ? undefined : fold.subject(kind, id);
      return found === undefined ? undefined : { kind, id, state: found.state, ...(await this.proven(fold, found)) };
    });
  }

  /** Trust in a flow, limb by limb (D21–D25): now, with when each was verified and is due; or as of a past time. */
  @Get('flows/:id/trust')
  trust(
    @Param('id') id: string,
    @Query('at') at: unknown,
    @Req() request: EdgeRequest,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    return this.answer(request, reply, at, async (fold) => {
      const found = fold.subject('flow', id);
      if (found === undefined) return undefined;
      const told = at === undefined ? await readFlowTrust(this.histories.pool, id) : pastTrust(id, found.state);
      return { ...told, ...(await this.proven(fold, found)) };
    });
  }

  /** What of the tree says so. */
  private async proven(fold: LogFold, { leaves: hashes, leafCount }: Subject): Promise<object> {
    const leaves = await this.histories.history.prove(hashes, fold.size);
    const root = Buffer.from(fold.root()).toString('base64url');
    return {
      as_of: { tree_size: fold.size, leaf_index: fold.size - 1, root, time_ms: fold.lastMs },
      leaves: leaves.map(({ index, leafHash, leaf, payload, salt, proof }) => ({
        leaf_index: index,
        leaf_hash: leafHash.toString('base64url'),
        leaf,
        payload,
        salt: salt?.toString('base64url') ?? null,
        proof,
      })),
      truncated: leafCount > leaves.length,
      consistency_url: consistencyUrl(fold),
    };
  }

  private async answer(
    request: EdgeRequest,
    reply: EdgeReply,
    at: unknown,
    make: (fold: LogFold) => Promise<object | undefined>,
  ): Promise<void> {
    const { history, reads, turnstile, clock, logger } = this.histories;
    const read = await reads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const atMs = at === undefined ? Infinity : timeOf(at); // none: the newest
    if (Number.isNaN(atMs) || (atMs !== Infinity && atMs > clock.nowMs())) {
      return send(reply, problemOf('malformed', { field: 'at' }));
    }
    const work = async (): Promise<object | undefined> => {
      const fold = await history.at(atMs);
      return fold === undefined ? undefined : make(fold);
    };
    try {
      const body = await (turnstile.run(work) ?? 'busy');
      if (body === 'busy') return send(reply, problemOf('rate_limited', { retryAfterMs: 1_000 }));
      return body === undefined ? send(reply, NOT_FOUND) : sendJson(reply, body, CACHE.never);
    } catch (error) {
      if (!(error instanceof AlteredLog)) throw error;
      logger.error('the stored log is not the signed one: no state is told from it', error);
      return sendProblem(reply, 503, `the stored log is not the signed one: ${error.message}`);
    }
  }
}

function consistencyUrl({ size }: LogFold): string {
  return `/v1/log/proofs/consistency?from=${size}`;
}
