import fs from 'node:fs/promises';
import path from 'node:path';
import { DependencyError } from '@spendgate/core';
import type { DomainKeyPurpose, KeyPurpose, PublicJwk, Signer, VerificationKey } from './keys.js';
import { openSealed, sealKey } from './key-sealing.js';
import type { SealedKey } from './key-sealing.js';
import { parsePublicKey, thumbprint } from './public-key.js';
import { PrivateKeySigner } from './sign.js';
import type { PrivateJwk } from './sign.js';

/** One purpose's file. */
interface KeyFile {
  readonly v: 1;
  readonly purpose: DomainKeyPurpose;
  readonly current: { readonly jwk: PublicJwk; readonly active_from_ms: number };
  /** The private JWK, or the same sealed under the passphrase. */
  readonly secret: PrivateJwk | SealedKey;
}

export interface DomainKeysOptions {
  readonly issuer: string;
  /** Only these files are read; asking for another purpose's signer throws. */
  readonly purposes: readonly DomainKeyPurpose[];
  /** Of these a missing key is no error: the role goes without. */
  readonly optional?: readonly DomainKeyPurpose[];
  /** Seals new keys and opens sealed ones. Reading a sealed key without it throws. */
  readonly passphrase?: string | undefined;
  /** Makes missing keys, active from this time (Unix ms). Absent: a missing key throws. */
  readonly createAtMs?: number | undefined;
}

/** A key file is missing, unreadable, open to others, or not what its name says. The start stops. */
export class KeyFileError extends DependencyError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_KEY_FILE', message, options);
  }
}

/** The domain's own keys under `<data>/keys`, one file per purpose (0600), each role holding only its purposes. */
export class DomainKeys {
  private constructor(
    private readonly folder: string,
    private readonly options: DomainKeysOptions,
    private readonly signers: Map<DomainKeyPurpose, PrivateKeySigner>,
    private readonly files: Map<DomainKeyPurpose, KeyFile>,
  ) {}

  /** @throws {KeyFileError} */
  static async open(folder: string, options: DomainKeysOptions): Promise<DomainKeys> {
    const keys = new DomainKeys(folder, options, new Map(), new Map());
    if (options.createAtMs !== undefined) await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    for (const purpose of options.purposes) await keys.load(purpose);
    return keys;
  }

  /** @throws {KeyFileError} this role was not given the purpose */
  signer(purpose: DomainKeyPurpose): Signer {
    const signer = this.signers.get(purpose);
    if (signer === undefined) throw new KeyFileError(`this role holds no "${purpose}" key`);
    return signer;
  }

  /** All signers this role holds, by purpose. */
  all(): Readonly<Partial<Record<DomainKeyPurpose, Signer>>> {
    return Object.fromEntries(this.signers);
  }

  /** Public keys of the purposes held. */
  publicKeys(): VerificationKey[] {
    return [...this.files.values()].map(({ purpose, current }) => {
      const owner = { purpose, party: this.options.issuer };
      const parsed = parsePublicKey(current.jwk, { ...owner, activeFromMs: current.active_from_ms });
      if (!parsed.ok) throw new KeyFileError(`${purpose}: ${parsed.problem} (${parsed.detail})`);
      return parsed.key;
    });
  }

  private async load(purpose: DomainKeyPurpose): Promise<void> {
    const name = path.join(this.folder, `${purpose}.key.json`);
    const text = await readPrivateFile(name);
    if (text === undefined) {
      if (this.options.createAtMs === undefined && this.options.optional?.includes(purpose) === true) return;
      if (this.options.createAtMs === undefined) throw new KeyFileError(`${name} does not exist`);
      return this.write(purpose, this.options.createAtMs);
    }
    const file = parseKeyFile(name, text);
    if (file.purpose !== purpose) throw new KeyFileError(`${name} is for "${String(file.purpose)}"`);
    const secret = 'sealed' in file.secret ? await this.unseal(name, file.secret) : file.secret;
    const signer = PrivateKeySigner.fromJwk(secret, purpose);
    if (signer.kid !== thumbprint(file.current.jwk)) throw new KeyFileError(`${name}: not the key it says`);
    this.files.set(purpose, file);
    this.signers.set(purpose, signer);
  }

  private async unseal(name: string, sealed: SealedKey): Promise<object> {
    if (this.options.passphrase === undefined) throw new KeyFileError(`${name} is sealed: a passphrase is needed`);
    const opened = await openSealed(sealed, this.options.passphrase);
    if (opened === undefined) throw new KeyFileError(`${name}: wrong passphrase, or the file was changed`);
    return opened;
  }

  private async write(purpose: DomainKeyPurpose, atMs: number): Promise<void> {
    const signer = PrivateKeySigner.generate(purpose);
    const secret = signer.toPrivateJwk();
    const { passphrase } = this.options;
    const file: KeyFile = {
      v: 1,
      purpose,
      current: { jwk: signer.jwk, active_from_ms: atMs },
      secret: passphrase === undefined ? secret : await sealKey(secret, passphrase),
    };
    await writePrivateFile(path.join(this.folder, `${purpose}.key.json`), JSON.stringify(file, null, 2));
    this.files.set(purpose, file);
    this.signers.set(purpose, signer);
  }
}

/** Party ids, base64url thumbprints: nothing that could leave the folder. */
const PARTY_FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/**
 * Reads `<dir>/<party or kid>.jwk.json`.
 *
 * @returns `undefined` if there is none
 * @throws {KeyFileError} it is no key
 */
export async function readPartySigner(dir: string, name: string, purpose: KeyPurpose): Promise<Signer | undefined> {
  if (!PARTY_FILE_NAME.test(name)) throw new KeyFileError(`"${name}" is no party id`);
  const file = path.join(dir, `${name}.jwk.json`);
  const text = await readPrivateFile(file);
  if (text === undefined) return undefined;
  try {
    const jwk: unknown = JSON.parse(text);
    if (typeof jwk !== 'object' || jwk === null) throw new TypeError('not a JWK');
    return PrivateKeySigner.fromJwk(jwk, purpose);
  } catch (cause) {
    throw new KeyFileError(`${file} is no private JWK we can sign with`, { cause });
  }
}

/** Writes a party's key as `<dir>/<party>.jwk.json` (0600), for the demo domain and `keys add`. */
export async function writePartyKey(dir: string, party: string, signer: PrivateKeySigner): Promise<void> {
  if (!PARTY_FILE_NAME.test(party)) throw new KeyFileError(`"${party}" is no party id`);
  await fs.mkdir(dir, { recursive: true, mode: 0o700 });
  const jwk = { ...signer.toPrivateJwk(), alg: signer.alg, kid: signer.kid };
  await writePrivateFile(path.join(dir, `${party}.jwk.json`), JSON.stringify(jwk));
}

async function readPrivateFile(name: string): Promise<string | undefined> {
  let handle;
  try {
    handle = await fs.open(name, 'r');
  } catch (cause) {
    if (typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new KeyFileError(`${name} cannot be read`, { cause });
  }
  try {
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new KeyFileError(`${name} can be read by others: chmod 600 ${name}`);
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Whole or not at all: written aside, flushed, then renamed, so a crash cannot leave half a key. */
async function writePrivateFile(name: string, text: string): Promise<void> {
  const aside = `${name}.${process.pid}.tmp`;
  const handle = await fs.open(aside, 'w', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(aside, name);
}

function parseKeyFile(name: string, text: string): KeyFile {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new KeyFileError(`${name} is not JSON`, { cause });
  }
  const isKeyFile =
    typeof file === 'object' && file !== null && 'v' in file && file.v === 1 && 'current' in file && 'secret' in file;
  if (!isKeyFile) throw new KeyFileError(`${name} is not a key file`);
  return file as KeyFile; // as: our own format, version 1; each key in it is checked again where it is used
}
