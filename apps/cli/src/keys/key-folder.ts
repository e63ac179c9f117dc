import fs from 'node:fs/promises';
import path from 'node:path';
import { type KeyPurpose, PrivateKeySigner, type Signer, readPartySigner, writePartyKey } from '@spendgate/artifact';
import { StartError } from '@spendgate/platform';

/** Keys that were replaced, each by its kid: they are needed until the overlap ends, and by nobody afterwards. */
export function retiredFolder(folder: string): string {
  return path.join(folder, 'old');
}

/**
 * The files of one party while it goes over to a new key: the old key, the next one and the transition both signed.
 * Everything is written down before it is sent, so that an interrupted rotation is taken up where it was.
 */
export class RotatingFiles {
  private readonly next: string;
  private readonly transition: string;

  constructor(
    private readonly folder: string,
    private readonly party: string,
    private readonly purpose: KeyPurpose,
  ) {
    this.next = path.join(folder, 'next');
    this.transition = path.join(this.next, `${party}.jwt`);
  }

  /** @throws {StartError} there is none */
  async current(): Promise<Signer> {
    const signer = await readPartySigner(this.folder, this.party, this.purpose);
    if (signer !== undefined) return signer;
    throw new StartError(
      `${path.join(this.folder, `${this.party}.jwk.json`)} does not exist: name the folder with --keys DIR`,
    );
  }

  /** The next key and the transition to it, of an earlier attempt where there was one. */
  async prepare(sign: (successor: Signer) => Promise<string>): Promise<{ successor: Signer; token: string }> {
    const made = await readPartySigner(this.next, this.party, this.purpose);
    const kept = made === undefined ? undefined : await this.readTransition();
    if (made !== undefined && kept !== undefined) return { successor: made, token: kept };
    const successor = made ?? (await this.makeNext());
    const token = await sign(successor);
    await fs.writeFile(this.transition, token, { mode: 0o600, flush: true });
    return { successor, token };
  }

  /** Forgets a transition that was refused; the next attempt signs another, for the same key. */
  forget(): Promise<void> {
    return fs.rm(this.transition, { force: true });
  }

  /** Puts the next key in the place of the old one. @returns where the old one is now */
  async finish(old: Signer): Promise<string> {
    const name = `${this.party}.jwk.json`;
    const kept = path.join(retiredFolder(this.folder), `${old.kid}.jwk.json`);
    await fs.mkdir(retiredFolder(this.folder), { recursive: true, mode: 0o700 });
    await fs.copyFile(path.join(this.folder, name), kept);
    await fs.rename(path.join(this.next, name), path.join(this.folder, name));
    await this.forget();
    return kept;
  }

  private async makeNext(): Promise<Signer> {
    const signer = PrivateKeySigner.generate(this.purpose);
    await writePartyKey(this.next, this.party, signer);
    return signer;
  }

  private async readTransition(): Promise<string | undefined> {
    try {
      return await fs.readFile(this.transition, 'utf8');
    } catch (error) {
      if (error instanceof Object && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
