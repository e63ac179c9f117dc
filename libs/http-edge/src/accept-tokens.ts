/** The part of a Fastify server used here. */
interface BodyParsers {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    contentType: string,
    options: { readonly parseAs: 'buffer' },
    parser: (request: unknown, body: Buffer, done: (error: Error | null, body?: Buffer) => void) => void,
  ): unknown;
}

/** A body is one signed object: taken as bytes and judged by the strict decoder, never by a JSON parser in between. */
export function acceptTokens(server: BodyParsers): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}
