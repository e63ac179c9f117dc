import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { HASH_BYTES, TILE_WIDTH, parseTilePath } from '@spendgate/audit-log';
import { decodeBase64url } from '@spendgate/codec';
import { CHECKPOINT_TYPE } from '../signing/publish-checkpoints.js';
import { CACHE, type EdgeReply, type EdgeRequest, parseCount, sendBytes, sendJson, sendProblem } from './answers.js';
import { PublicLog } from './public-log.js';

/** The log as C2SP tlog-tiles serves it, and proofs for those who want them made. Public: it proves, it tells nothing. */
@Controller()
export class LogController {
  constructor(@Inject(PublicLog) private readonly log: PublicLog) {}

  @Get('checkpoint')
  async checkpoint(@Res() reply: EdgeReply): Promise<void> {
    const last = await this.log.checkpoint();
    if (last === undefined) return sendProblem(reply, 503, 'the log has signed nothing yet');
    return sendBytes(reply, CHECKPOINT_TYPE, last.note, CACHE.never);
  }

  @Get('tile/*')
  async tile(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    // From the request line: a router that decodes %2e or doubled slashes would give one tile many addresses.
    const address = parseTilePath(request.url.replace(/^\/tile\//, ''));
    const tile = address === undefined ? undefined : await this.log.tile(address);
    if (address === undefined || tile === undefined) return sendProblem(reply, 404, 'no such tile');
    const cache = address.width === TILE_WIDTH ? CACHE.forever : CACHE.minute;
    return sendBytes(reply, 'application/octet-stream', tile, cache);
  }

  @Get('v1/log/leaves/:index')
  async leaf(@Param('index') text: string, @Res() reply: EdgeReply): Promise<void> {
    const index = parseCount(text);
    if (index === undefined) return sendProblem(reply, 400, 'index: a whole number');
    const found = await this.log.leaf(index);
    if (found === undefined) return sendProblem(reply, 404, 'no such leaf under a signed checkpoint');
    const { leafHash, leaf } = found;
    return sendJson(reply, { leaf_index: index, leaf_hash: leafHash.toString('base64url'), leaf }, CACHE.minute);
  }

  @Get('v1/log/proofs/inclusion')
  async inclusion(
    @Query('leaf_hash') hashText: unknown,
    @Query('tree_size') sizeText: unknown,
    @Res() reply: EdgeReply,
  ): Promise<void> {
    const hash = typeof hashText === 'string' ? decodeBase64url(hashText) : null;
    if (hash?.length !== HASH_BYTES) return sendProblem(reply, 400, 'leaf_hash: 32 bytes in base64url');
    const size = parseCount(sizeText);
    if (sizeText !== undefined && size === undefined) return sendProblem(reply, 400, 'tree_size: a whole number');
    const proof = await this.log.inclusion(hash, size);
    if (proof === undefined) return sendProblem(reply, 404, 'no such leaf in a signed tree of that size');
    return sendJson(reply, proof, CACHE.never);
  }

  @Get('v1/log/proofs/consistency')
  async consistency(@Query('from') from: unknown, @Query('to') to: unknown, @Res() reply: EdgeReply): Promise<void> {
    const [size1, size2] = [parseCount(from), parseCount(to)];
    if (size1 === undefined) return sendProblem(reply, 400, 'from: a whole number');
    if (to !== undefined && size2 === undefined) return sendProblem(reply, 400, 'to: a whole number');
    const proof = await this.log.consistency(size1, size2);
    if (proof === undefined) return sendProblem(reply, 404, 'no signed trees of these sizes');
    return sendJson(reply, proof, CACHE.never);
  }
}
