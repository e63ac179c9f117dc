import { type VerificationKey, exportKeySet, parsePublicKey } from '@spendgate/artifact';
import { formatNoteKey, logOrigin } from '@spendgate/audit-log';
import { type Pool, readDomainKeys } from '@spendgate/store';
import { noteKeyOf } from '../signing/note-key.js';

/** The domain's public documents: its keys with their history, and where everything is. */
export class DomainDocuments {
  constructor(
    private readonly pool: Pool,
    readonly issuer: string,
    /** Without a slash at the end. */
    readonly publicUrl: string,
  ) {}

  /** RFC 7517 §5, retired keys included: what they signed is still to be verified. */
  async keySet(): Promise<object> {
    const rows = await readDomainKeys(this.pool);
    const keys = rows.flatMap((row): VerificationKey[] => {
      const { purpose, activeFromMs, retiredAtMs } = row;
      const parsed = parsePublicKey(row.jwk, { purpose, party: this.issuer, activeFromMs, retiredAtMs });
      return parsed.ok ? [parsed.key] : [];
    });
    return exportKeySet(keys);
  }

  async domain(): Promise<object> {
    const origin = logOrigin(this.issuer);
    const rows = (await readDomainKeys(this.pool)).filter((row) => row.purpose === 'checkpoint');
    return {
      issuer: this.issuer,
      jwks_uri: `${this.publicUrl}/.well-known/jwks.json`,
      log: {
        origin,
        checkpoint_uri: `${this.publicUrl}/checkpoint`,
        tile_uri: `${this.publicUrl}/tile`,
        // Newest last; older ones signed older checkpoints (C2SP signed-note verifier keys).
        keys: rows.map((row) => formatNoteKey(noteKeyOf(origin, row.jwk))),
      },
      status_list_uri: `${this.publicUrl}/status/{partition}/{segment}`,
      denials_uri: `${this.publicUrl}/v1/denials`,
    };
  }
}
