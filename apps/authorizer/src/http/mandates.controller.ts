import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { isUuid } from '@spendgate/codec';
import { type EdgeReply, type EdgeRequest, NOT_FOUND, jsonAnswer, send } from '@spendgate/http-edge';
import { type CountedLine, type MandateLevel, readCountedLines, readMandateLevels } from '@spendgate/store';
import { DOOR, type Door, type MandateReader } from './door.js';
import { UNSUPPORTED, readSubmission } from './read-submission.js';
import { spelled } from './spelled.js';

/** Mandates: read by whose they are, handed in by who signs them. Somebody else's looks like one that does not exist. */
@Controller('v1/mandates')
export class MandatesController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  /** One signed `mandate+jwt`, `application/jwt`: 201 when this version is on record, also from an earlier request. */
  @Post()
  async grant(@Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const submission = readSubmission(request, 0);
    return send(reply, submission === undefined ? UNSUPPORTED : await this.door.grant.execute(submission));
  }

  /** Limits and what is left of them, for the levels the caller may see, root first; with the grant as signed. */
  @Get(':id')
  async show(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    const read = await this.door.mandateReads.verify(request);
    if (!read.ok) return send(reply, read.answer);
    const levels = isUuid(id) ? visibleTo(read.caller, await readMandateLevels(this.door.pool, id)) : [];
    if (levels.length === 0) return send(reply, NOT_FOUND);
    const counted = await readCountedLines(this.door.pool, id, this.door.clock.nowMs());
    return send(reply, jsonAnswer(200, { mandate: id, levels: levels.map((level) => shown(level, counted)) }));
  }
}

/** A principal sees its tree. An agent sees its own levels and what is carved from them, never what lies above. */
function visibleTo({ kind, id }: MandateReader, levels: readonly MandateLevel[]): readonly MandateLevel[] {
  if (kind === 'principal') return levels.filter((level) => level.principalId === id);
  if (kind !== 'agent') return [];
  const first = levels.findIndex((level) => level.agentId === id);
  return first === -1 ? [] : levels.slice(first);
}

function shown(level: MandateLevel, counted: readonly CountedLine[]): Record<string, unknown> {
  const { currency } = level;
  return {
    mandate: level.mandateId,
    version: level.version,
    depth: level.depth,
    agent: level.agentId,
    currency,
    limit: spelled(level.limit, currency),
    available: spelled(level.available, currency),
    held: spelled(level.held, currency),
    capturing: spelled(level.capturing, currency),
    captured: spelled(level.captured, currency),
    refunded: spelled(level.refunded, currency),
    revoked: level.revoked,
    state: level.state,
    counted: counted.filter((line) => line.mandateId === level.mandateId).map((line) => shownLine(line, currency)),
    hash: level.hash,
    grantor: { kind: level.grantorKind, id: level.grantorId },
    grant: JSON.parse(level.claims) as unknown,
  };
}

/** One limit per window, counterparty or category, as it stands now. */
function shownLine({ name, of, limit, available, untilMs }: CountedLine, currency: string): object {
  const written = (value: string): string => (of === 'count' ? value : spelled(value, currency));
  return {
    name,
    limit: written(limit),
    available: available === null ? null : written(available),
    until: untilMs === null ? null : Math.ceil(untilMs / 1_000),
  };
}
