import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { OpenApiDocument } from '@spendgate/http-edge';

export const API_DOCUMENT = Symbol('OpenAPI document');

/** The part of a Fastify reply used here. */
interface Reply {
  headers(values: Readonly<Record<string, string>>): { send(body: string): unknown };
}

@Controller()
export class ApiDocumentController {
  private readonly text: string;

  constructor(@Inject(API_DOCUMENT) document: OpenApiDocument) {
    this.text = JSON.stringify(document);
  }

  @Get('openapi.json')
  document(@Res() reply: Reply): void {
    reply.headers({ 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }).send(this.text);
  }
}
