/** Writes the numbers and texts of Kafka's wire format into one buffer of a size known before. */
export class ByteWriter {
  private readonly buffer: Buffer;
  private offset = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size); // every byte is written: see `done`
  }

  get at(): number {
    return this.offset;
  }

  int8(value: number): this {
    this.offset = this.buffer.writeInt8(value, this.offset);
    return this;
  }

  int16(value: number): this {
    this.offset = this.buffer.writeInt16BE(value, this.offset);
    return this;
  }

  int32(value: number): this {
    this.offset = this.buffer.writeInt32BE(value, this.offset);
    return this;
  }

  int64(value: bigint): this {
    this.offset = this.buffer.writeBigInt64BE(value, this.offset);
    return this;
  }

  /** STRING: two bytes of length, then UTF-8. */
  string(text: string): this {
    const length = Buffer.byteLength(text);
    return this.int16(length).text(text);
  }

  /** VARINT: zigzag, seven bits a byte, the lowest first. */
  varint(value: number): this {
    let left = zigzag(value);
    for (; left > 0x7f; left >>>= 7) this.offset = this.buffer.writeUInt8((left & 0x7f) | 0x80, this.offset);
    this.offset = this.buffer.writeUInt8(left, this.offset);
    return this;
  }

  /** @param length of the bytes, as measured; −1 for `null` */
  varintBytes(value: Buffer | string | null, length: number): this {
    this.varint(length);
    if (value === null) return this;
    return typeof value === 'string' ? this.text(value) : this.bytes(value);
  }

  /** Bytes from `from` to here, to compute over. */
  since(from: number): Buffer {
    return this.buffer.subarray(from, this.offset);
  }

  /** Fills in four bytes left open before. */
  patchUInt32(value: number, at: number): void {
    this.buffer.writeUInt32BE(value, at);
  }

  /** @throws {RangeError} another size was measured than written: memory nobody wrote must not be sent */
  done(): Buffer {
    if (this.offset !== this.buffer.length) throw new RangeError(`${this.offset} of ${this.buffer.length} bytes`);
    return this.buffer;
  }

  private text(text: string): this {
    this.offset += this.buffer.write(text, this.offset, 'utf8');
    return this;
  }

  private bytes(bytes: Buffer): this {
    this.buffer.set(bytes, this.offset);
    this.offset += bytes.length;
    return this;
  }
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

/** Bytes a varint takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let left = zigzag(value); left > 0x7f; left >>>= 7) size += 1;
  return size;
}
