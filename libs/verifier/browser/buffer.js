/* global atob, btoa */
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** What the verifier uses of Node's Buffer, on the Uint8Array every browser has. Encodings: RFC 4648, UTF-8, Latin-1. */
export class Buffer extends Uint8Array {
  static from(value, encodingOrOffset, length) {
    if (typeof value === 'string') return decode(value, encodingOrOffset ?? 'utf8');
    if (value instanceof ArrayBuffer) return new Buffer(value, encodingOrOffset, length);
    const copy = new Buffer(value.length);
    copy.set(value);
    return copy;
  }

  static alloc(size) {
    return new Buffer(size);
  }

  static allocUnsafe(size) {
    return new Buffer(size);
  }

  static byteLength(text) {
    return ENCODER.encode(text).length;
  }

  static concat(parts) {
    const whole = new Buffer(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  toString(encoding = 'utf8') {
    if (encoding === 'utf8') return DECODER.decode(this);
    if (encoding === 'hex') return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const latin1 = latin1Of(this);
    if (encoding === 'latin1' || encoding === 'binary') return latin1;
    if (encoding === 'base64') return btoa(latin1);
    if (encoding === 'base64url') return btoa(latin1).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    throw new TypeError(`no such encoding: ${encoding}`);
  }

  equals(other) {
    return this.length === other.length && this.every((byte, at) => byte === other[at]);
  }

  write(text, offset = 0) {
    const bytes = ENCODER.encode(text);
    this.set(bytes, offset);
    return bytes.length;
  }

  writeUInt8(value, offset = 0) {
    this[offset] = value;
  }

  writeUInt32BE(value, offset = 0) {
    viewOf(this).setUint32(offset, value);
  }

  readUInt32BE(offset = 0) {
    return viewOf(this).getUint32(offset);
  }

  readBigUInt64BE(offset = 0) {
    return viewOf(this).getBigUint64(offset);
  }
}

function viewOf({ buffer, byteOffset, byteLength }) {
  return new DataView(buffer, byteOffset, byteLength);
}

/** A chunk at a time: a call takes only so many arguments. */
function latin1Of(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return text;
}

/** Of what is no base64 the empty bytes come, as every caller compares the text of what it got with what it gave. */
function decode(text, encoding) {
  if (encoding === 'utf8') return Buffer.from(ENCODER.encode(text));
  if (encoding === 'latin1' || encoding === 'binary') return bytesOf(text);
  if (encoding === 'hex') return Buffer.from((text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
  if (encoding !== 'base64' && encoding !== 'base64url') throw new TypeError(`no such encoding: ${encoding}`);
  try {
    return bytesOf(atob(text.replace(/-/g, '+').replace(/_/g, '/')));
  } catch {
    return new Buffer(0);
  }
}

function bytesOf(latin1) {
  const bytes = new Buffer(latin1.length);
  for (let at = 0; at < latin1.length; at += 1) bytes[at] = latin1.charCodeAt(at);
  return bytes;
}

/** As `node:buffer` has it. */
export function isAscii(bytes) {
  return bytes.every((byte) => byte < 0x80);
}

const STRICT = new TextDecoder('utf-8', { fatal: true });

/** As `node:buffer` has it. */
export function isUtf8(bytes) {
  try {
    STRICT.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
