import type { Signer } from '@spendgate/artifact';
import {
  type TreeHead,
  proveConsistency,
  sameHash,
  signCheckpoint,
  verifyCheckpoint,
  verifyConsistency,
} from '@spendgate/audit-log';
import { InvariantError } from '@spendgate/core';
import { type Pool, readDomainKeys, readLastCheckpoint, readTiles, writeCheckpoint } from '@spendgate/store';
import { noteKeyOf } from './note-key.js';

/**
 * Signs heads, and never one that is not consistent with the last it signed.
 *
 * The proof is made from the tiles as they are stored and verified as a stranger would, so tiles that changed under the
 * log, or a database that went back in time, stop it before its key is used.
 */
export class SignHead {
  private constructor(
    private readonly pool: Pool,
    private readonly origin: string,
    private readonly signer: Signer,
    private last: TreeHead | undefined,
  ) {}

  /**
   * Takes up from the last stored checkpoint.
   *
   * @throws {InvariantError} `ERR_CHECKPOINT_ALTERED`: it does not carry a signature of a key this log ever had
   */
  static async resume(pool: Pool, origin: string, signer: Signer): Promise<SignHead> {
    const stored = await readLastCheckpoint(pool);
    if (stored !== undefined) {
      const published = (await readDomainKeys(pool)).filter((key) => key.purpose === 'checkpoint');
      const keys = [signer, ...published].map((key) => noteKeyOf(origin, key.jwk));
      const verdict = verifyCheckpoint(stored.note, keys);
      const isSame =
        verdict.valid && verdict.checkpoint.size === stored.treeSize && sameHash(verdict.checkpoint.root, stored.root);
      if (!isSame) {
        const why = verdict.valid ? 'its row says something else' : verdict.code;
        throw new InvariantError('ERR_CHECKPOINT_ALTERED', `the checkpoint at ${stored.treeSize} leaves: ${why}`);
      }
    }
    const last = stored === undefined ? undefined : { size: stored.treeSize, root: stored.root };
    return new SignHead(pool, origin, signer, last);
  }

  /** Size under the last checkpoint, -1 before the first. */
  get signedSize(): number {
    return this.last?.size ?? -1;
  }

  /** What the last checkpoint says, if there is one. */
  get signed(): TreeHead | undefined {
    return this.last;
  }

  /**
   * Signs a head that is durable already and stores the note before anyone is shown it. The same head gives the same
   * bytes, so a crash in between is repeated, not resolved.
   *
   * @throws {InvariantError} `ERR_LOG_INCONSISTENT`: history was rewritten; nothing was signed
   * @throws {LogLost} another process is the log
   */
  async execute(epoch: bigint, head: TreeHead): Promise<string> {
    if (this.last !== undefined) await this.checkConsistent(this.last, head);
    const key = noteKeyOf(this.origin, this.signer.jwk);
    const note = await signCheckpoint(head, key, (text) => this.signer.sign(text));
    await writeCheckpoint(this.pool, epoch, { treeSize: head.size, root: Buffer.from(head.root), note });
    this.last = head;
    return note;
  }

  private async checkConsistent(last: TreeHead, head: TreeHead): Promise<void> {
    const refuse = (why: string): InvariantError =>
      new InvariantError('ERR_LOG_INCONSISTENT', `${head.size} leaves do not continue the ${last.size} signed: ${why}`);
    if (head.size < last.size) throw refuse('there are fewer');
    const proof = await proveConsistency((needs) => readTiles(this.pool, needs), last.size, head.size);
    const [size1, size2] = [last.size, head.size];
    const verdict = verifyConsistency({ size1, size2, root1: last.root, root2: head.root, proof });
    if (!verdict.valid) throw refuse(verdict.code);
  }
}
