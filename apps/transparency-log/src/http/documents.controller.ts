import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { CACHE, type EdgeReply, parseCount, sendBytes, sendJson, sendProblem } from './answers.js';
import { DomainDocuments } from './domain-documents.js';
import { StatusLists } from './status-lists.js';

/** What verifiers fetch: keys, the domain document, status lists. */
@Controller()
export class DocumentsController {
  constructor(
    @Inject(DomainDocuments) private readonly documents: DomainDocuments,
    @Inject(StatusLists) private readonly lists: StatusLists,
  ) {}

  @Get('.well-known/jwks.json')
  async keys(@Res() reply: EdgeReply): Promise<void> {
    return sendJson(reply, await this.documents.keySet(), CACHE.minute);
  }

  @Get('.well-known/spendgate')
  async domain(@Res() reply: EdgeReply): Promise<void> {
    return sendJson(reply, await this.documents.domain(), CACHE.minute);
  }

  @Get('status/:partition/:segment')
  async status(
    @Param('partition') partitionText: string,
    @Param('segment') segmentText: string,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const [partition, segment] = [parseCount(partitionText), parseCount(segmentText)];
    const isPlace = partition !== undefined && segment !== undefined && partition < 2 ** 31 && segment < 2 ** 31;
    const token = isPlace ? await this.lists.read(partition, segment) : undefined;
    if (token === undefined) return sendProblem(reply, 404, 'no such status list');
    // Not from a cache: the list says itself how long a copy may be used, and a shorter one is never wrong.
    return sendBytes(reply, 'application/statuslist+jwt', token, CACHE.never);
  }
}
