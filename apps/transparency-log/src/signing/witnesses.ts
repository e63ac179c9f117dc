import {
  type NoteKey,
  NOTE_SIGNATURE,
  formatAddCheckpoint,
  formatNote,
  formatNoteKey,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
  proveConsistency,
  verifyCosignature,
} from '@spendgate/audit-log';
import { InvariantError } from '@spendgate/core';
import { type Logger, StartError } from '@spendgate/platform';
import { type Pool, type WitnessAnswers, addCosignatures, readTiles } from '@spendgate/store';

/** A witness as it is configured. */
export interface WitnessPlace {
  readonly url: string;
  readonly key: NoteKey;
}

const ANSWER_TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 65_536;
const RETRY_MS = 1_000;
/** A busy witness, and one that cannot read its own file, have said nothing of this history. */
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;
const AHEAD = ', more than this database has signed: is it a restored backup?';

/** A witness is there, and did not cosign: that is no silence. */
class Objection extends Error {}

/** @param text `URL VERIFIER-KEY`, with commas between witnesses @throws {StartError} */
export function readWitnesses(text: string | undefined): WitnessPlace[] {
  const entries = (text ?? '').split(',').map((each) => each.trim());
  return entries
    .filter((each) => each !== '')
    .map((entry) => {
      const [url = '', keyText = ''] = entry.split(/\s+/);
      const key = parseNoteKey(keyText);
      if (URL.canParse(url) && key?.type === NOTE_SIGNATURE.cosignatureV1) return { url, key };
      throw new StartError(
        `SPENDGATE_WITNESSES: "${entry}" is not URL VERIFIER-KEY, as \`spendgate serve witness\` prints it`,
      );
    });
}

/** Who of these cosigned a checkpoint. */
export function witnessedBy(note: string, witnesses: readonly WitnessPlace[]): string[] {
  const parsed = parseNote(note);
  if (parsed === 'note_malformed') return [];
  return witnesses.filter(({ key }) => verifyCosignature(parsed, key).valid).map(({ key }) => formatNoteKey(key));
}

/**
 * Has checkpoints cosigned (C2SP tlog-witness) and stores the lines with them. One submission at a time and only the
 * newest checkpoint, since it contains all before it: witnesses at a distance do not slow the log down.
 *
 * Fewer than `quorum` for longer than `leadMs`, or none yet since this process is the log, and {@link mayLead} is false:
 * the log then signs nothing further.
 */
export class Witnesses {
  private waiting: { readonly size: number; readonly note: string } | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  private wake: (() => void) | undefined;
  /** Since when a head is not cosigned by the quorum; `null`: none. */
  private behindSince: number | null = null;
  private confirmed = false;
  /** Counts take-overs: an answer to what was asked before one says nothing of the history after it. */
  private term = 0;
  private refusal: string | null = null;
  /** By URL, what each cosigned last as it said. */
  private readonly sizes = new Map<string, number>();
  /** Who did not cosign when asked last: why it objects, `null` when it is silent. */
  private readonly withheld = new Map<WitnessPlace, string | null>();
  private accepted = false;
  private heard: { readonly term: number; readonly answers: WitnessAnswers } | undefined;

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
    readonly places: readonly WitnessPlace[],
    private readonly rule: { readonly quorum: number; readonly leadMs: number },
  ) {}

  /** This process is the log from now on, with this as its last checkpoint: a quorum must know it before another. */
  takeOver(last: { readonly size: number; readonly note: string } | undefined): void {
    this.term += 1;
    this.refusal = null;
    this.confirmed = false;
    this.accepted = false;
    this.behindSince = last === undefined || this.rule.quorum === 0 ? null : Number.NEGATIVE_INFINITY;
    if (last !== undefined) this.offer(last.size, last.note);
  }

  get quorum(): number {
    return this.rule.quorum;
  }

  /** Whether the quorum cosigned a checkpoint since this process is the log: its history is the one they remember. */
  get isConfirmed(): boolean {
    return this.confirmed && this.refusal === null;
  }

  /** Who did not cosign, once each was asked since this process is the log; the same object until it changes. */
  get answers(): WitnessAnswers | null {
    if (this.refusal !== null) return { silent: [], objecting: [this.refusal] };
    return this.heard?.term === this.term ? this.heard.answers : null;
  }

  /** Whether people stand in for the quorum. */
  get isAccepted(): boolean {
    return this.accepted;
  }

  /**
   * Two people accepted that the witnesses are silent: until the quorum cosigns again, or this process is the log no
   * more, it is not waited for. One that finds another history still stops the log.
   */
  accept(): void {
    this.accepted = true;
  }

  offer(size: number, note: string): void {
    if (this.places.length === 0) return;
    this.behindSince ??= performance.now();
    this.waiting = { size, note };
    if (!this.stopped) this.running ??= this.drain();
  }

  /** @throws {InvariantError} `ERR_WITNESS_REFUSED`: a witness remembers another history than this database */
  mayLead(): boolean {
    if (this.refusal !== null) throw new InvariantError('ERR_WITNESS_REFUSED', this.refusal);
    if (this.rule.quorum === 0 || this.accepted || this.behindSince === null) return true;
    return performance.now() - this.behindSince <= this.rule.leadMs;
  }

  /** Without waiting for who does not answer. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake?.();
    await this.running;
  }

  private async drain(): Promise<void> {
    while (this.waiting !== undefined && !this.stopped) {
      const { size, note } = this.waiting;
      const { term } = this;
      this.waiting = undefined;
      const lines = (await Promise.all(this.places.map((place) => this.ask(place, size, note)))).filter(
        (each) => each !== null,
      );
      if (lines.length > 0) await this.keep(size, note, lines);
      if (term !== this.term) continue;
      this.hear();
      if (lines.length >= this.rule.quorum) {
        this.confirmed = true;
        this.accepted = false;
        this.behindSince = this.newer() ? performance.now() : null;
        continue;
      }
      this.waiting ??= { size, note };
      await this.pause(RETRY_MS);
    }
    this.running = undefined;
  }

  private hear(): void {
    const withheld = [...this.withheld].map(([{ key }, why]) => ({ name: formatNoteKey(key), why }));
    const answers: WitnessAnswers = {
      silent: withheld.filter(({ why }) => why === null).map(({ name }) => name),
      objecting: withheld.flatMap(({ name, why }) => (why === null ? [] : [`${name}: ${why}`])),
    };
    const isNews = this.heard?.term !== this.term || JSON.stringify(this.heard.answers) !== JSON.stringify(answers);
    if (isNews) this.heard = { term: this.term, answers };
  }

  private newer(): boolean {
    return this.waiting !== undefined;
  }

  /** A second try after the witness said where it is. @returns its line, or null */
  private async ask(place: WitnessPlace, size: number, note: string): Promise<string | null> {
    try {
      const first = await this.submit(place, size, note, this.sizes.get(place.url) ?? 0);
      const answer = typeof first === 'number' ? await this.submit(place, size, note, first) : first;
      this.withheld.delete(place);
      if (typeof answer === 'string') return answer;
      this.refuse(place, `cosigned ${answer} leaves${answer > size ? AHEAD : ' other than these'}`);
    } catch (error) {
      if (!this.withheld.has(place)) this.logger.warn(`witness ${place.url} does not cosign; it is asked again`, error);
      this.withheld.set(place, error instanceof Objection ? error.message : null);
    }
    return null;
  }

  /** @returns the line, or the size the witness is at */
  private async submit(
    { url, key }: WitnessPlace,
    size: number,
    note: string,
    oldSize: number,
  ): Promise<string | number> {
    if (oldSize > size) return oldSize;
    const proof = await proveConsistency((needs) => readTiles(this.pool, needs), oldSize, size);
    const body = formatAddCheckpoint({ oldSize, proof, note });
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const response = await fetch(new URL('add-checkpoint', url.endsWith('/') ? url : `${url}/`), {
      method: 'POST',
      redirect: 'error',
      body,
      signal,
    });
    const text = await response.text();
    if (text.length > ANSWER_BYTES_MAX) throw new Objection('its answer is too large');
    if (response.status === 409 && /^\d{1,15}\n$/.test(text)) return Number(text);
    if (response.status === 422) this.refuse({ url, key }, `does not find that ${size} leaves continue its ${oldSize}`);
    if (response.status === TOO_MANY_REQUESTS || response.status >= SERVER_ERROR)
      throw new Error(`HTTP ${response.status}`);
    if (response.status !== 200) throw new Objection(`HTTP ${response.status}`);
    const line = lineOf(note, text, key);
    if (line === null) throw new Objection('its cosignature does not verify');
    this.sizes.set(url, size);
    return line;
  }

  private async keep(size: number, note: string, lines: readonly string[]): Promise<void> {
    await addCosignatures(this.pool, size, `${note}${lines.join('')}`).catch((error: unknown) => {
      this.logger.warn('cosignatures could not be stored', error);
    });
  }

  private refuse({ url }: WitnessPlace, why: string): void {
    this.refusal = `witness ${url} ${why}`;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The one line of this witness in its answer, verified. */
function lineOf(note: string, answer: string, key: NoteKey): string | null {
  const parsed = parseNote(`${note}${answer}`);
  if (parsed === 'note_malformed' || parseCheckpoint(parsed.text) === undefined) return null;
  const own = parsed.signatures.filter(({ name }) => name === key.name).slice(-1);
  const alone = { text: parsed.text, signatures: own };
  if (own.length === 0 || !verifyCosignature(alone, key).valid) return null;
  return formatNote(alone).slice(parsed.text.length + 1);
}
