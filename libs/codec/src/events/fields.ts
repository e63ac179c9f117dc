import { LIFECYCLE, type FlowEvent, type FlowState } from '@spendgate/core';
import { z } from 'zod';

/** Shapes that events share; the rest is `tokens/fields.ts`. */

export const version1 = z.literal(1).describe('version of this shape; a new one stands beside the old');
/** Unix ms. */
export const timeMs = z.int().min(0);
/** Numbers a database or log counts without end, as decimal text: they may pass 2^53. */
export const decimalCount = z.string().regex(/^(0|[1-9]\d{0,18})$/);
// The keys of a Record over a union are that union; Object.keys forgets it.
export const flowState = z.enum(Object.keys(LIFECYCLE) as FlowState[]);
export const flowEvent = z.enum([
  ...new Set(Object.values(LIFECYCLE).flatMap(({ on }) => Object.keys(on) as FlowEvent[])),
]);
/** Consumers drop what is not newer. */
export const flowSequence = decimalCount.describe("number of the flow's event; consumers drop what is not newer");
