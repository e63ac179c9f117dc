import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { isUuid } from '@spendgate/codec';
import {
  type Answer,
  type EdgeReply,
  type EdgeRequest,
  NOT_FOUND,
  type Query as ListQuery,
  jsonAnswer,
  pageAnswer,
  problemOf,
  readPage,
  send,
} from '@spendgate/http-edge';
import {
  INCIDENT_STATES,
  type IncidentFilter,
  readCasesPage,
  readIncidentView,
  readIncidentsPage,
  readProposal,
} from '@spendgate/store';
import { DOOR, type Door } from './door.js';
import { renderIncident, renderLine } from './render-incident.js';

const LIST_LIMITS = { usual: 100, max: 1_000 };
const FILTERS = ['state', 'cause', 'rule', 'agent', 'counterparty', 'assigned_to', 'case', 'overdue'] as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STATES = ['open', ...INCIDENT_STATES] as const;

/** What stopped and why, to the people of the domain; to any other key these are unknown to it. */
@Controller('v1/ops')
export class IncidentsController {
  constructor(@Inject(DOOR) private readonly door: Door) {}

  @Get('incidents')
  async list(@Query() query: ListQuery, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.asPerson(request, reply, async () => {
      const asked = readPage(query, FILTERS, [UUID], LIST_LIMITS);
      if (typeof asked === 'string') return problemOf('malformed', { field: asked });
      const filter = readFilter(query);
      if (typeof filter === 'string') return problemOf('malformed', { field: filter });
      const { limit, cursor } = asked;
      const place = { before: cursor?.[0] ?? null, limit };
      const { incidents, next } = await readIncidentsPage(this.door.pool, filter, place);
      const now = this.door.clock.nowMs();
      const link = { path: '/v1/ops/incidents', query: { ...spellQuery(query), limit } };
      const lines = incidents.map((each) => renderLine(each, each.openCauses, now));
      return pageAnswer(link, { incidents: lines }, next === null ? null : [next]);
    });
  }

  @Get('incidents/:id')
  async one(@Param('id') id: string, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.asPerson(request, reply, async () => {
      const view = isUuid(id) ? await readIncidentView(this.door.pool, id) : undefined;
      if (view === undefined) return NOT_FOUND;
      const { flowId, closedAtMs, version } = view.incident;
      const proposal = closedAtMs === null ? await readProposal(this.door.pool, flowId) : undefined;
      const body = renderIncident(view, proposal, this.door.clock.nowMs());
      return jsonAnswer(200, body, { etag: `"${version}"` });
    });
  }

  @Get('cases')
  async cases(@Query() query: ListQuery, @Req() request: EdgeRequest, @Res() reply: EdgeReply): Promise<void> {
    return this.asPerson(request, reply, async () => {
      const asked = readPage(query, ['state'], [UUID], LIST_LIMITS);
      if (typeof asked === 'string') return problemOf('malformed', { field: asked });
      const { state = 'open' } = query;
      if (state !== 'open' && state !== 'all') return problemOf('malformed', { field: 'state' });
      const { limit, cursor } = asked;
      const place = { before: cursor?.[0] ?? null, limit };
      const { cases, next } = await readCasesPage(this.door.pool, state === 'all', place);
      const rows = cases.map(({ id, openedAtMs, dueAtMs, ...row }) => ({
        case: id,
        ...row,
        opened_at_ms: openedAtMs,
        due_at_ms: dueAtMs,
      }));
      const link = { path: '/v1/ops/cases', query: { state, limit } };
      return pageAnswer(link, { cases: rows }, next === null ? null : [next]);
    });
  }

  /** Who asks is known before anything of the question is looked at. */
  private async asPerson(request: EdgeRequest, reply: EdgeReply, read: () => Promise<Answer>): Promise<void> {
    const caller = await this.door.people.verify(request);
    return send(reply, caller.ok ? await read() : caller.answer);
  }
}

/** @returns the name of the parameter that is not in order */
function readFilter(query: ListQuery): IncidentFilter | string {
  const wrong = FILTERS.find((name) => query[name] !== undefined && !inForm(name, query[name]));
  if (wrong !== undefined) return wrong;
  const { cause, rule, agent, counterparty, assigned_to, overdue } = spellQuery(query);
  return {
    state: STATES.find((each) => each === query['state']),
    ...{ cause, rule, agent, counterparty, assignedTo: assigned_to, caseId: spellQuery(query)['case'] },
    overdue: overdue === undefined ? undefined : overdue === 'true',
  };
}

function inForm(name: (typeof FILTERS)[number], value: string | string[] | undefined): boolean {
  if (typeof value !== 'string' || value.length === 0 || value.length > 256 || value.includes('\0')) return false;
  if (name === 'state') return STATES.some((each) => each === value);
  if (name === 'case') return UUID.test(value);
  return name !== 'overdue' || value === 'true' || value === 'false';
}

/** The filters that were given, in the order of the table. */
function spellQuery(query: ListQuery): Readonly<Record<string, string>> {
  return Object.fromEntries(
    FILTERS.flatMap((name) => (typeof query[name] === 'string' ? [[name, query[name]] as const] : [])),
  );
}
