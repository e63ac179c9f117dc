import type { Signer } from '@spendgate/artifact';
import {
  type NoteKey,
  NOTE_SIGNATURE,
  cosign,
  formatNote,
  formatNoteKey,
  judgeAddCheckpoint,
} from '@spendgate/audit-log';
import { type Clock, StartError } from '@spendgate/platform';
import type { CheckpointStore } from './checkpoint-store.js';

export interface WitnessAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';

/** Cosigns checkpoints of the logs it knows, and never two of one log that do not continue each other (C2SP tlog-witness). */
export class Witness {
  readonly key: NoteKey;

  /** @param logs verifier keys of the logs it watches @throws {StartError} the key is no Ed25519 key */
  constructor(
    name: string,
    private readonly signer: Signer,
    private readonly logs: readonly NoteKey[],
    private readonly store: CheckpointStore,
    private readonly clock: Clock,
  ) {
    if (signer.jwk.kty !== 'OKP') throw new StartError('a witness signs with an Ed25519 key');
    this.key = { name, type: NOTE_SIGNATURE.cosignatureV1, publicKey: Buffer.from(signer.jwk.x, 'base64url') };
  }

  /** What logs and verifiers name it by. */
  get verifierKey(): string {
    return formatNoteKey(this.key);
  }

  /** @param body of `POST /add-checkpoint` */
  async add(body: string): Promise<WitnessAnswer> {
    const keysOf = (origin: string): NoteKey[] => this.logs.filter(({ name }) => name === origin);
    const verdict = judgeAddCheckpoint(body, keysOf, (origin) => this.store.last(origin));
    if (verdict.status === 409) return { status: 409, type: 'text/x.tlog.size', body: `${verdict.size}\n` };
    if (verdict.status !== 200) return { status: verdict.status, type: TEXT, body: '' };
    const { checkpoint, note } = verdict;
    // Judged and written without a pause in between: no other submission can come between the two.
    this.store.write(checkpoint.origin, checkpoint, note.text);
    const timeSeconds = Math.floor(this.clock.nowMs() / 1000);
    const line = await cosign(note.text, timeSeconds, this.key, (text) => this.signer.sign(text));
    const cosigned = formatNote({ text: note.text, signatures: [line] });
    return { status: 200, type: TEXT, body: cosigned.slice(note.text.length + 1) };
  }
}
