import { CLEARING, isCauseKind } from '@spendgate/core';
import type { IncidentView, NoticeType } from '@spendgate/store';

/** What people are told, for a mail and for a program. */
export interface Notice {
  readonly subject: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const TEXT_MAX = 200;

/**
 * One line of what others wrote: control characters, line ends and marks that turn the direction of writing become
 * blanks, so that a name can neither begin a header or a line of its own nor read as something else.
 */
export function oneLine(text: string): string {
  const flat = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return flat.length > TEXT_MAX ? `${flat.slice(0, TEXT_MAX)}…` : flat;
}

const HAPPENED: Readonly<Record<Exclude<NoticeType, 'audit_late'>, (subject: string, dueAt: string) => string>> = {
  incident_opened: (subject) => `${subject} was stopped.`,
  incident_escalated: (subject, dueAt) => `${subject} was escalated; it is due ${dueAt}.`,
  incident_overdue: (subject, dueAt) => `${subject} should have been over by ${dueAt} and is still stopped.`,
};

/** @param publicUrl no slash at the end */
export function composeIncidentNotice(
  type: Exclude<NoticeType, 'audit_late'>,
  { incident, causes, money }: IncidentView,
  publicUrl: string,
): Notice {
  const agent = oneLine(incident.agentId ?? 'nobody');
  const rule = oneLine(incident.rule);
  const dueAt = new Date(incident.dueAtMs).toISOString();
  const said = HAPPENED[type](`Flow ${incident.flowId} of agent ${agent} (rule ${rule})`, dueAt);
  const open = [...new Set(causes.filter(({ clearedBy }) => clearedBy === null).map(({ kind }) => kind))].sort();
  const clears = open.map((kind) => ({
    kind: oneLine(kind),
    ...(isCauseKind(kind)
      ? { role: CLEARING[kind].by, evidence: CLEARING[kind].evidence, how: CLEARING[kind].how }
      : { role: null, evidence: null, how: null }),
  }));
  const command = `spendgate incidents show ${incident.id}`;
  const url = `${publicUrl}/v1/ops/incidents/${incident.id}`;
  const frozen = money.map((each) => `${each.held} ${each.currency} held, of that ${each.frozen} frozen`);
  const lines = [
    said,
    '',
    `Money: ${frozen.length === 0 ? 'none is held' : frozen.join('; ')}.`,
    ...clears.map(({ kind, role, how }) => `Cause: ${kind}, cleared by ${role ?? 'nobody'}: ${how ?? 'unknown kind'}.`),
    '',
    `Look:  ${command}`,
    `       ${url}`,
    `Case:  spendgate incidents list --case ${incident.caseId}`,
  ];
  return {
    subject: `[spendgate] ${type.replace('_', ' ')}: ${rule}, agent ${agent}`,
    text: lines.join('\n'),
    data: {
      said,
      ...{ incident: incident.id, flow: incident.flowId, agent: incident.agentId, rule: incident.rule },
      ...{ case: incident.caseId, version: incident.version, state: incident.state },
      assigned_to: incident.assignedTo,
      opened_at_ms: incident.openedAtMs,
      due_at_ms: incident.dueAtMs,
      causes: clears,
      money,
      look: { command, url },
    },
  };
}

/** @param lateMs how long leaves wait by now @param boundMs from here on everything is denied */
export function composeLateNotice(lateMs: number, boundMs: number, publicUrl: string): Notice {
  const seconds = (ms: number): number => Math.round(ms / 1_000);
  const waits = Number.isFinite(lateMs) ? ` for ${seconds(lateMs)} s` : '';
  const said = `The audit log has signed nothing${waits} while leaves wait: it is stopped, or its witnesses are late.`;
  const command = 'spendgate doctor';
  const url = `${publicUrl}/readyz`;
  const next = `From ${seconds(boundMs)} s on every intent is denied audit_unavailable.`;
  return {
    subject: '[spendgate] audit late: the log signs nothing',
    text: [said, next, '', `Look:  ${command}`, `       ${url}`].join('\n'),
    data: { said, next, late_ms: Number.isFinite(lateMs) ? Math.round(lateMs) : null, look: { command, url } },
  };
}
