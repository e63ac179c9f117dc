import fs from 'node:fs';
import path from 'node:path';
import { type KeyPurpose, PrivateKeySigner, type Signer, readPartySigner } from '@spendgate/artifact';
import { StartError } from '@spendgate/platform';
import type { Person } from './apply/person.js';
import { dataFolders } from './runtime/data-folders.js';

/** The folder of party keys: `--keys DIR`, else the demo domain's below the data folder. */
export function keyFolder(keys: string | undefined): string {
  return keys ?? dataFolders(process.env.SPENDGATE_DATA ?? '.spendgate').partyKeys;
}

/** Signers of one folder, each file read once. */
export class KeyRing {
  private readonly signers = new Map<string, Promise<Signer>>();

  constructor(readonly folder: string) {}

  /** @throws {StartError} the folder holds no key of this party, with what to do */
  signerOf(party: string, purpose: KeyPurpose): Promise<Signer> {
    const known = this.signers.get(party);
    if (known !== undefined) return known;
    const signer = readPartySigner(this.folder, party, purpose).then((found) => {
      if (found !== undefined) return found;
      throw new StartError(
        `${path.join(this.folder, `${party}.jwk.json`)} does not exist: name the folder with --keys DIR`,
      );
    });
    this.signers.set(party, signer);
    return signer;
  }
}

/** A signer from one JWK file, for `sign --key`. */
export function signerFromFile(file: string, purpose: KeyPurpose): Signer {
  const jwk: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (typeof jwk !== 'object' || jwk === null) throw new StartError(`${file} is no JWK`);
  return PrivateKeySigner.fromJwk(jwk, purpose);
}

/** A person at this terminal, with the key file that speaks for them. @throws {StartError} there is no such file */
export async function personFrom(folder: string, id: string): Promise<Person> {
  return { id, signer: await new KeyRing(folder).signerOf(id, 'person') };
}
