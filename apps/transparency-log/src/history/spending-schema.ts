import { DRIFT_MODES, STREAMS } from '@spendgate/core';
import { z } from 'zod';

const COUNT = z.number().int().min(0);

/** What a flow's spending has shown so far. For people only: told how close it is, an attacker stops just before. */
export const SPENDING = z.object({
  mode: z.enum(DRIFT_MODES),
  verdict: z.enum(['none', 'warn', 'halt', 'unknown']),
  evidence: COUNT.nullable(),
  warn_at: COUNT,
  halt_at: COUNT,
  events: COUNT.nullable(),
  streams: z.record(z.enum(STREAMS), COUNT).nullable().describe('parts of the evidence'),
  carried_by: z.array(z.string()).describe('the latest events that carried it, in words'),
});
