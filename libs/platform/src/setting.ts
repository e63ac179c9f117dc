import { z } from 'zod';

/** How one setting is read from text. */
export interface Setting<V> {
  readonly schema: z.ZodType<V, unknown>;
  readonly fallback: V;
  /** Printed as its name only. */
  readonly secret: boolean;
  /** What it does, its unit, what its absence means. */
  readonly about: string;
}

interface About {
  readonly about: string;
}
interface Bounds extends About {
  readonly min: number;
  readonly max: number;
}

function make<V>(schema: z.ZodType<V, unknown>, fallback: V, about: string, secret = false): Setting<V> {
  return { schema, fallback, about, secret };
}

function optional<V>(schema: z.ZodType<V, unknown>, options: About & { default?: V }, secret = false): Setting<V> {
  // Without a default the declared type is `V | undefined`: the overloads below say so to the caller.
  return make(schema, options.default as V, options.about, secret);
}

function text(options: About & { default: string; oneOf?: readonly string[] }): Setting<string>;
function text(options: About & { oneOf?: readonly string[] }): Setting<string | undefined>;
function text(options: About & { default?: string; oneOf?: readonly string[] }): Setting<string | undefined> {
  const { oneOf } = options;
  const any = z.string().min(1, 'must not be empty');
  const one = any.refine((value) => oneOf?.includes(value) ?? true, `must be one of ${oneOf?.join(', ')}`);
  return optional(one, options);
}

function url(options: About & { default: string; secret?: boolean }): Setting<string>;
function url(options: About & { secret?: boolean }): Setting<string | undefined>;
function url(options: About & { default?: string; secret?: boolean }): Setting<string | undefined> {
  const schema = z.string().refine((value) => URL.canParse(value), 'must be an absolute URL');
  return optional(schema, options, options.secret ?? false);
}

function secret(options: About): Setting<string | undefined> {
  return optional(z.string().min(1, 'must not be empty'), options, true);
}

function integer(options: Bounds & { default: number }): Setting<number>;
function integer(options: Bounds): Setting<number | undefined>;
function integer(options: Bounds & { default?: number }): Setting<number | undefined> {
  const range = `must be a whole number from ${options.min} to ${options.max}`;
  const schema = z
    .string()
    .regex(/^-?\d{1,15}$/, range)
    .transform(Number)
    .refine((value) => value >= options.min && value <= options.max, range);
  return optional(schema, options);
}

function boolean(options: About & { default: boolean }): Setting<boolean> {
  const schema = z.enum(['true', 'false', '1', '0'], 'must be true or false');
  return make(
    schema.transform((value) => value === 'true' || value === '1'),
    options.default,
    options.about,
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `30s`, `5m`, `2h`, `7d` → milliseconds; default and bounds are milliseconds too. */
function duration(options: Bounds & { default: number }): Setting<number> {
  const range = `must be a time like 30s or 5m, from ${options.min} ms to ${options.max} ms`;
  const schema = z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, range)
    .transform((value) => Number.parseInt(value, 10) * (UNIT_MS[value.replace(/^\d+/, '')] ?? Number.NaN))
    .refine((value) => value >= options.min && value <= options.max, range);
  return make(schema, options.default, options.about);
}

/** The kinds of settings. Each name may also be given as `<NAME>_FILE`, a path to a file that holds the value. */
export const setting = { text, url, secret, integer, boolean, duration };
