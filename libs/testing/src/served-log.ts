import { PrivateKeySigner } from '@spendgate/artifact';
import {
  CompactRange,
  type NoteKey,
  NOTE_SIGNATURE,
  TileCollector,
  formatEntries,
  formatNoteKey,
  logOrigin,
  signCheckpoint,
  tilePath,
} from '@spendgate/audit-log';
import { encodeLeaf, leafHashOf } from '@spendgate/codec';

/** Path → bytes, as a log serves them; a spec may damage any. */
export type Served = Map<string, Buffer>;

/** A log at rest that a spec serves, from memory or over HTTP. */
export class TestLog {
  readonly signer = PrivateKeySigner.generate('checkpoint');
  readonly key: NoteKey;

  constructor(readonly issuer = 'https://pay.example') {
    const { jwk } = this.signer;
    const publicKey = Buffer.from(jwk.kty === 'OKP' ? jwk.x : '', 'base64url');
    this.key = { name: logOrigin(issuer), type: NOTE_SIGNATURE.ed25519, publicKey };
  }

  /** Leaves of this domain, each with its number in what it commits to. @param mark tells one history from another */
  leaves(size: number, mark = ''): Buffer[] {
    const fixed = { domain: this.issuer, type: 'control_act', salt: Buffer.alloc(32), causes: [] } as const;
    return Array.from({ length: size }, (_, n) => {
      return Buffer.from(encodeLeaf({ ...fixed, timeMs: n, payload: `${mark}${n}` }).leaf);
    });
  }

  /** The note this log's key gives a tree. */
  checkpoint(leaves: readonly Buffer[]): Promise<string> {
    const range = CompactRange.empty();
    leaves.forEach((leaf) => range.append(leafHashOf(leaf)));
    const head = { size: range.size, root: range.root() };
    return signCheckpoint(head, this.key, (text) => this.signer.sign(text));
  }

  /** Everything that is served for a tree: checkpoint, tiles, entries, the log's key. */
  async serve(leaves: readonly Buffer[]): Promise<Served> {
    const served: Served = new Map();
    const collector = new TileCollector();
    const range = CompactRange.empty();
    leaves.forEach((leaf) => range.append(leafHashOf(leaf), collector.visit));
    for (const { level, index, hashes } of collector.growth()) {
      const width = hashes.length;
      served.set(`tile/${tilePath({ level, index, width })}`, Buffer.concat(hashes));
      if (level > 0) continue;
      const entries = formatEntries(leaves.slice(index * 256, index * 256 + width));
      served.set(`tile/${tilePath({ level: 'entries', index, width })}`, entries ?? Buffer.alloc(0));
    }
    served.set('checkpoint', Buffer.from(await this.checkpoint(leaves)));
    const document = { issuer: this.issuer, log: { keys: [formatNoteKey(this.key)] } };
    served.set('.well-known/spendgate', Buffer.from(JSON.stringify(document)));
    return served;
  }
}
