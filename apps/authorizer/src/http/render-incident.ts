import { CLEARING, isCauseKind } from '@spendgate/core';
import type { BaselineProposal, IncidentRow, IncidentView } from '@spendgate/store';

type Shown = Readonly<Record<string, unknown>>;

/** An incident as a line of a list. */
export function renderLine(row: IncidentRow, openCauses: readonly string[], nowMs: number): Shown {
  return {
    incident: row.id,
    flow: row.flowId,
    epoch: row.epoch,
    agent: row.agentId,
    state: row.state,
    version: row.version,
    case: row.caseId,
    rule: row.rule,
    open_causes: openCauses,
    assigned_to: row.assignedTo,
    opened_at_ms: row.openedAtMs,
    due_at_ms: row.dueAtMs,
    overdue: row.closedAtMs === null && row.dueAtMs <= nowMs,
    escalated_at_ms: row.escalatedAtMs,
    closed_at_ms: row.closedAtMs,
  };
}

/** An incident with all a person needs to act on it. */
export function renderIncident(
  { incident, causes, notes, money, reaches }: IncidentView,
  proposal: BaselineProposal | undefined,
  nowMs: number,
): Shown {
  const open = causes.filter(({ clearedBy }) => clearedBy === null).map(({ kind }) => kind);
  return {
    ...renderLine(incident, [...new Set(open)].sort(), nowMs),
    causes: causes.map(({ kind, rule, evidence, foundAtMs, clearedBy, clearedAtMs, clearing }) => ({
      kind,
      rule,
      evidence: JSON.parse(evidence) as unknown, // as: our own canonical text
      found_at_ms: foundAtMs,
      cleared_by: clearedBy,
      cleared_at_ms: clearedAtMs,
      clearing: clearing === null ? null : (JSON.parse(clearing) as unknown), // as: our own canonical text
      clears: clearsOf(kind),
    })),
    notes: notes.map(({ number, person, kind, text, documentHash, notedAtMs }) => ({
      ...{ number, person, kind, text },
      document_hash: documentHash,
      noted_at_ms: notedAtMs,
    })),
    money,
    reaches,
    baseline: proposal === undefined ? null : { text: proposal.text, change_hash: proposal.hash },
  };
}

function clearsOf(kind: string): Shown | null {
  if (!isCauseKind(kind)) return null;
  const { by, evidence, how } = CLEARING[kind];
  return { role: by, evidence, how };
}
