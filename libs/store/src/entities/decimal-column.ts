import { type Mandate, decimal } from '@spendgate/core';
import type { ValueTransformer } from 'typeorm';

type Amount = Mandate['totalLimit'];

/** numeric(38,18) ↔ exact decimal, never a JavaScript number. */
export const decimalColumn: ValueTransformer = {
  to: (value: Amount | null) => value?.toFixed() ?? null,
  from: (value: string | null) => (value === null ? null : decimal(value)),
};
